#!/usr/bin/env bash
# Definitions: the JSON Schemas that `init` writes against what `check` accepts, with Debian's python3-jsonschema as the validator.
. tests/parts/part.sh

[ -x "$BUILD/sluice" ] || skip "$BUILD/sluice is not built"
# Debian's own Python has the packages that ./run installs; another one in front of it in PATH may not.
python=/usr/bin/python3
"$python" -c 'import jsonschema, yaml' 2>/dev/null || python=python3
counted "$python" tests/property/schemas.py --sluice "$BUILD/sluice"
