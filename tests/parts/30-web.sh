#!/usr/bin/env bash
# The page's types, style and unit tests, from the installed packages.
. tests/parts/part.sh

[ -f web/package.json ] || skip "there is no web/package.json"
quiet tools/npm_ci.sh web
check "web: types and style" npm --prefix web run --silent lint

report=$(mktemp) output=$(mktemp)
(cd web && NO_COLOR=1 node_modules/.bin/vitest run --reporter=default --reporter=json --outputFile.json="$report") >"$output" 2>&1 && status=0 || status=$?
# shellcheck disable=SC2016
if counts=$(node -p 'const r = JSON.parse(fs.readFileSync(process.argv[1])); `${r.numPassedTests} ${r.numFailedTests}`' "$report" 2>/dev/null); then
  read -r ok bad <<<"$counts"
  passed=$((passed + ok)) failed=$((failed + bad))
  printf 'unit tests of the page: %d passed, %d failed\n' "$ok" "$bad"
  # A file that does not even load has no test of its own to fail.
  [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || failed=$((failed + 1))
else
  failed=$((failed + 1))
fi
[ "$failed" -eq 0 ] || tail -n 200 "$output"
rm -f "$report" "$output"
