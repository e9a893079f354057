#!/usr/bin/env bash
# The table of figures of docs/performance.md, measured on this machine: bench/run.sh [--quick] [--only FIGURE,...] [--runs N].
# ./run bench builds the program first; BUILD names another build folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
BUILD=${BUILD:-$PWD/build}
[ -f "$BUILD/build.ninja" ] || { echo "bench: $BUILD is not a build folder; ./run build makes one." >&2; exit 1; }
ninja -C "$BUILD" sluice_load sluice_processor >"$BUILD/bench.log" 2>&1 || { cat "$BUILD/bench.log" >&2; exit 1; }
exec python3 bench/bench.py --build "$BUILD" "$@"
