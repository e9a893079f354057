# part.sh - what the scripts of this folder share: sourced by each, with ROOT, BUILD and SLUICE_COUNTS set by run_parts.sh.
# shellcheck shell=bash
set -euo pipefail

passed=0
failed=0
# The counts are written whatever happens after: a part that dies still says what it had.
trap 'printf "%d %d\n" "$passed" "$failed" >"$SLUICE_COUNTS"' EXIT

# check NAME COMMAND...: one test. Its output is shown only if it fails.
check() {
  local name=$1 started=$SECONDS output
  shift
  output=$(mktemp)
  if "$@" >"$output" 2>&1; then
    passed=$((passed + 1))
    printf 'ok    %s (%d s)\n' "$name" $((SECONDS - started))
  else
    failed=$((failed + 1))
    printf 'FAIL  %s (%d s): %s\n' "$name" $((SECONDS - started)) "$*"
    tail -n 300 "$output"
  fi
  rm -f "$output"
}

# counted COMMAND...: a program that prints its own lines and ends with 'N passed, M failed', which are added. One that dies without
# that line counts as one failed.
counted() {
  local output last status=0
  output=$(mktemp)
  "$@" 2>&1 | tee "$output" || status=$?
  last=$(tail -n 1 "$output")
  if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
  else
    failed=$((failed + 1))
    printf 'FAIL  %s: ended with %d and no count\n' "$*" "$status"
  fi
  rm -f "$output"
}

# quiet COMMAND...: a step that is no test, e.g. a build; its output is shown if it fails, and the part ends.
quiet() {
  local output
  output=$(mktemp)
  if ! "$@" >"$output" 2>&1; then
    printf 'FAIL  %s\n' "$*"
    grep -v '^\[[0-9]*/[0-9]*\] \(Building\|Linking\)' "$output" | tail -n 300
    rm -f "$output"
    failed=$((failed + 1))
    exit 1
  fi
  rm -f "$output"
}

# skip WHY: ends the part as skipped.
skip() {
  printf 'skipped: %s\n' "$*"
  exit 77
}

# run_gtests BUILD_DIR: runs what ctest knows there, all cores, and adds the number of single tests to the counts. A test
# program that dies without a report counts as one failed.
run_gtests() {
  local dir=$1 reports output
  reports=$(mktemp -d)
  output=$(mktemp)
  GTEST_OUTPUT=json:$reports/ ctest --test-dir "$dir" --output-on-failure -j"$(nproc)" --timeout 900 >"$output" 2>&1 || true
  local counts
  counts=$(python3 tests/parts/gtest_counts.py "$output" "$reports") || { tail -n 50 "$output"; failed=$((failed + 1)); return; }
  local ok bad
  read -r ok bad <<<"$counts"
  passed=$((passed + ok)) failed=$((failed + bad))
  printf 'unit tests: %d passed, %d failed\n' "$ok" "$bad"
  [ "$bad" -eq 0 ] || tail -n 400 "$output"
  rm -rf "$reports" "$output"
}
