#!/usr/bin/env bash
# Unit tests of the Release build.
. tests/parts/part.sh

run_gtests "$BUILD"
