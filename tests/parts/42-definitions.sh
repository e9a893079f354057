#!/usr/bin/env bash
# Commands about definitions: the JSON Schemas that `init` writes against what `check` accepts (Debian's python3-jsonschema validates),
# `fmt` on files, and the SQL of `explain` against the views of a running program.
. tests/parts/part.sh

[ -x "$BUILD/sluice" ] || skip "$BUILD/sluice is not built"
# Debian's own Python has the packages that ./run installs; another one in front of it in PATH may not.
python=/usr/bin/python3
"$python" -c 'import jsonschema, yaml' 2>/dev/null || python=python3
counted "$python" tests/property/schemas.py --sluice "$BUILD/sluice"
counted python3 tests/property/commands.py --sluice "$BUILD/sluice" --without-store
[ -e "$BUILD/libchdb.so" ] || skip "there is no libchdb.so beside the program, so no SQL of explain was run: ./run build puts it there"
counted python3 tests/property/commands.py --sluice "$BUILD/sluice" --with-store
