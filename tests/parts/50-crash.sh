#!/usr/bin/env bash
# The program killed, stopped, starved of disk and lied to, under load: nothing acknowledged is lost or doubled. 10 kills that hit;
# `./run crash` does 50.
. tests/parts/part.sh

[ -x "$BUILD/sluice" ] || skip "$BUILD/sluice is not built"
export SLUICE=$BUILD/sluice
counts=$(mktemp)
python3 -B tests/crash/run.py --kills 10 --counts "$counts" --files judge,kills,stops,traces,tampering,restored,full_disk || true
read -r passed failed <"$counts" || failed=1
rm -f "$counts"
