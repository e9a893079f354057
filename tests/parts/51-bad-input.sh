#!/usr/bin/env bash
# What no client should send, over real sockets, beside a stream of good events.
. tests/parts/part.sh

[ -x "$BUILD/sluice" ] || skip "$BUILD/sluice is not built"
export SLUICE=$BUILD/sluice
counts=$(mktemp)
python3 -B tests/crash/run.py --counts "$counts" --files bad_input || true
read -r passed failed <"$counts" || failed=1
rm -f "$counts"
