#!/usr/bin/env bash
# Random histories through the whole pipeline against printed SQL and the naive model; the git file against plain Python.
#
# SLUICE_HISTORIES (1,000) of them, from SLUICE_SEED (1) on. A failing one is made smaller and left in the build folder as a text test.
. tests/parts/part.sh

[ -x "$BUILD/history_runner" ] || skip "there is no $BUILD/history_runner"
[ -e "$BUILD/libchdb.so" ] || skip "there is no libchdb.so beside history_runner: ./run build puts it there"
counted python3 tests/property/git_file.py --runner "$BUILD/history_runner"
counted python3 tests/property/differential.py --runner "$BUILD/history_runner" --out "$BUILD" --workers "$(nproc)" \
  --count "${SLUICE_HISTORIES:-1000}" --seed "${SLUICE_SEED:-1}"
