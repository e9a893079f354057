#!/usr/bin/env bash
# run.sh [--seed S] [WORD...] - what `./run crash` calls: every test of this folder, with 50 kills that hit.
# A word chooses tests whose names contain it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export SLUICE=${SLUICE:-${BUILD:-$here/../../build}/sluice}
exec python3 -B "$here/run.py" --kills 50 "$@"
