#!/usr/bin/env bash
# The rules that a tool can check: layers and names, formatting, shell scripts.
. tests/parts/part.sh

format() {
  git ls-files -co --exclude-standard -z -- 'src/*.cc' 'src/*.h' 'bench/*.cc' 'bench/*.h' 'examples/*.cc' 'examples/*.h' 'tests/*.cc' 'tests/*.h' |
    xargs -0 -r clang-format-19 --dry-run --Werror
}
shell_scripts() {
  local scripts=()
  mapfile -t scripts < <(git ls-files -co --exclude-standard -- run .ci/run '*.sh')
  shellcheck -x "${scripts[@]}"
}
check "check_layers finds each planted violation" python3 tools/check_layers.py --self-test
check "layers, names, sizes" python3 tools/check_layers.py
check "check_docs finds each planted error" python3 tools/check_docs.py --self-test
check "documents name only what exists" python3 tools/check_docs.py
check "run_parts counts what happened" tests/parts/run_parts_test.sh
check "clang-format" format
check "shellcheck" shell_scripts
python3 tools/check_layers.py --warnings
