#!/usr/bin/env bash
# Tests of run_parts.sh and part.sh: planted parts that pass, fail, die, hang, count nothing, or leave a process behind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wrong=0

# expect WHAT TEXT PATTERN
expect() {
  if ! grep -qE -- "$3" <<<"$2"; then
    wrong=$((wrong + 1))
    printf '%s: expected /%s/ in\n%s\n' "$1" "$3" "$2"
  fi
}
# outcome BODY [BODY...]: what run_parts.sh prints of parts with these bodies, and its exit code as the last line.
outcome() {
  rm -rf "$work/parts" && mkdir "$work/parts"
  local number=10 body
  for body in "$@"; do
    printf '. tests/parts/part.sh\n%s\n' "$body" >"$work/parts/$number-planted.sh"
    number=$((number + 1))
  done
  local status=0
  SLUICE_PARTS=$work/parts SLUICE_PART_SECONDS=${limit:-20} BUILD=$work tests/parts/run_parts.sh 2>&1 || status=$?
  echo "exit $status"
}
# last TEXT: the line before the exit code.
last() { tail -n 2 <<<"$1" | head -n 1; }

text=$(outcome 'check one true; check two true' 'check three true; echo a line')
expect "two parts that pass" "$(last "$text")" '^3 passed, 0 failed$'
expect "two parts that pass" "$text" '^exit 0$'
expect "a part's own lines" "$text" '^   a line$'
text=$(outcome 'check one true; check two sh -c "echo why; false"')
expect "a failed check" "$(last "$text")" '^1 passed, 1 failed$'
expect "a failed check" "$text" 'why'
expect "a failed check" "$text" '^exit 1$'
text=$(outcome 'check one true; false; check two true')
expect "a part that dies" "$(last "$text")" '^1 passed, 1 failed$'
text=$(outcome 'kill -9 $$' 'check two true')
expect "a part that is killed" "$(last "$text")" '^1 passed, 1 failed$'
text=$(outcome 'true')
expect "a part that counts nothing" "$(last "$text")" '^0 passed, 1 failed$'
text=$(outcome 'counted sh -c "echo x; echo 3 passed, 2 failed; false"; counted sh -c "echo gone"')
expect "programs that count, and one that dies" "$(last "$text")" '^3 passed, 3 failed$'
text=$(outcome 'skip because' 'check two true')
expect "a skipped part" "$(last "$text")" '^1 passed, 0 failed$'
text=$(outcome 'skip because')
expect "nothing but skipped parts" "$text" '^exit 1$'
text=$(limit=1 outcome 'check one true; sleep 30')
expect "a part that hangs" "$(last "$text")" '^1 passed, 1 failed$'
text=$(outcome "sleep 300 & echo \$! >$work/left; check one true")
expect "a part that leaves a process" "$(last "$text")" '^1 passed, 0 failed$'
for _ in {1..50}; do [ -d "/proc/$(cat "$work/left")" ] || break; sleep 0.1; done
expect "the process left behind has ended" "$([ -d "/proc/$(cat "$work/left")" ] && echo alive || echo ended)" '^ended$'
text=$(outcome 'quiet sh -c "echo broken; exit 3"; check one true')
expect "a step that fails" "$(last "$text")" '^0 passed, 1 failed$'
expect "a step that fails" "$text" 'broken'
exit $((wrong > 0))
