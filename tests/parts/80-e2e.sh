#!/usr/bin/env bash
# The first two minutes as a person has them: ./run demo, its page in headless Chromium, what it prints pasted, kills and all. Then the
# page alone, against generated numbers: keys, mouse, URLs, states that are hard to bring about. Last, the page over the program with a
# small shop: every kind of panel against its events, definitions edited and broken.
. tests/parts/part.sh

quiet command -v "${CHROMIUM:-chromium}" # ./run test installs it
quiet ./run build
quiet tools/npm_ci.sh web

counts=$(mktemp)
node tests/e2e/demo.mjs --counts "$counts" || true
read -r ok bad <"$counts" || { ok=0 bad=1; }
passed=$((passed + ok)) failed=$((failed + bad))

# Both print 'ok   name' and 'FAIL name', and at their end 'passed' or 'N failed'.
page_tests() { # NAME COMMAND...
  local name=$1 status ok bad
  shift
  "$@" >"$counts" 2>&1 && status=0 || status=$?
  ok=$(grep -c '^ok ' "$counts") || true
  bad=$(grep -c '^FAIL ' "$counts") || true
  [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
  passed=$((passed + ok)) failed=$((failed + bad))
  printf '%s: %d passed, %d failed\n' "$name" "$ok" "$bad"
  [ "$bad" -eq 0 ] || cat "$counts"
}
page_tests 'the page alone' node web/e2e/run.mjs
page_tests 'the page over a small shop' node web/e2e/program.mjs --sluice "$BUILD/sluice"
rm -f "$counts"
