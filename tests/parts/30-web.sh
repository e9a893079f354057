#!/usr/bin/env bash
# The page's types and unit tests, from the installed packages.
. tests/parts/part.sh

[ -f web/package.json ] || skip "there is no web/package.json"
has_script() { node -e 'process.exit(require("./web/package.json").scripts?.[process.argv[1]] ? 0 : 1)' "$1"; }
quiet tools/npm_ci.sh web
for script in typecheck lint test; do
  if has_script "$script"; then check "web: npm run $script" npm --prefix web run --silent "$script"; fi
done
