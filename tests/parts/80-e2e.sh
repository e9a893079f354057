#!/usr/bin/env bash
# The first two minutes as a person has them: ./run demo, its page in headless Chromium, what it prints pasted, kills and all. Then the
# page alone, against generated numbers: keys, mouse, URLs, states that are hard to bring about.
. tests/parts/part.sh

quiet command -v "${CHROMIUM:-chromium}" # ./run test installs it
quiet ./run build
quiet tools/npm_ci.sh web

counts=$(mktemp)
node tests/e2e/demo.mjs --counts "$counts" || true
read -r ok bad <"$counts" || { ok=0 bad=1; }
passed=$((passed + ok)) failed=$((failed + bad))

# Prints 'ok   name' and 'FAIL name', and at its end 'passed' or 'N failed'.
node web/e2e/run.mjs >"$counts" 2>&1 && status=0 || status=$?
ok=$(grep -c '^ok ' "$counts") || true
bad=$(grep -c '^FAIL ' "$counts") || true
[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
passed=$((passed + ok)) failed=$((failed + bad))
printf 'the page alone: %d passed, %d failed\n' "$ok" "$bad"
[ "$bad" -eq 0 ] || cat "$counts"
rm -f "$counts"
