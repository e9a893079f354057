#!/usr/bin/env bash
# run_parts.sh [PART...] - runs tests/parts/NN-name.sh one after another and sums what they counted.
#
# A part is a script that prints its own lines and writes 'passed failed' to the file named by SLUICE_COUNTS. It runs in the
# tree's top folder with ROOT and BUILD set and no standard input. Exit 77 = skipped: its last line says why.
# A part that ends with an error, counts nothing, or exceeds SLUICE_PART_SECONDS counts as one failed.
# The last line is 'N passed, M failed'; exit 1 if M > 0 or N = 0.
set -uo pipefail

ROOT=${ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
BUILD=${BUILD:-$ROOT/build}
export ROOT BUILD
cd "$ROOT" || exit 1
seconds_max=${SLUICE_PART_SECONDS:-1800}
folder=${SLUICE_PARTS:-tests/parts}

parts=()
if [ $# -eq 0 ]; then
  parts=("$folder"/[0-9][0-9]-*.sh)
else
  for name in "$@"; do
    found=("$folder/$name.sh" "$folder"/[0-9][0-9]-"$name".sh)
    for path in "${found[@]}"; do [ -f "$path" ] && { parts+=("$path"); continue 2; }; done
    echo "run: no part '$name'. There are: $(basename -s .sh "$folder"/[0-9][0-9]-*.sh | cut -c4- | tr '\n' ' ')" >&2
    exit 2
  done
fi

passed_sum=0 failed_sum=0 failed_parts=() group=
mkdir -p "$BUILD"
work=$(mktemp -d)
# timeout leads a process group of its own: it and all that a part left behind can be ended by that one id.
end_group() {
  [ -z "$group" ] || kill -TERM -- "-$group" 2>/dev/null
  group=
}
trap 'end_group; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

for path in "${parts[@]}"; do
  name=$(basename "$path" .sh)
  export SLUICE_COUNTS=$work/counts
  : >"$SLUICE_COUNTS"
  : >"$work/output"
  printf '\n== %s\n' "$name"
  started=$SECONDS
  timeout --kill-after=10 "$seconds_max" bash "$path" </dev/null >"$work/output" 2>&1 &
  group=$!
  # Not a pipe from the part: a process it leaves behind would keep that open for ever.
  tail -n +1 -f -s 0.2 --pid="$group" "$work/output" | sed -u 's/^/   /'
  wait "$group"
  status=$?
  end_group
  took=$((SECONDS - started))
  passed=0 failed=0
  read -r passed failed <"$SLUICE_COUNTS" || true
  if ! [[ "${passed:-}" =~ ^[0-9]+$ && "${failed:-}" =~ ^[0-9]+$ ]]; then passed=0 failed=0; fi
  note=
  if [ "$status" -eq 77 ] && [ "$failed" -eq 0 ]; then note=", skipped"
  elif [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then failed=$((failed + 1)); note=", ended after $seconds_max s"
  elif [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; note=", exit $status"
  elif [ $((passed + failed)) -eq 0 ]; then failed=1; note=", counted no test"
  fi
  printf '== %-22s %4d s  passed %d, failed %d%s\n' "$name" "$took" "$passed" "$failed" "$note"
  passed_sum=$((passed_sum + passed)) failed_sum=$((failed_sum + failed))
  [ "$failed" -eq 0 ] || failed_parts+=("$name")
done

echo
[ ${#failed_parts[@]} -eq 0 ] || echo "failed parts: ${failed_parts[*]}"
printf '%d passed, %d failed\n' "$passed_sum" "$failed_sum"
[ "$failed_sum" -eq 0 ] && [ "$passed_sum" -gt 0 ]
