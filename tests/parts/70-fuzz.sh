#!/usr/bin/env bash
# Every fuzz target (src/*/x_fuzz.cc) for SLUICE_FUZZ_SECONDS (20) each, two at a time, from the seeds in tests/fuzz/<target>.
. tests/parts/part.sh

compgen -G 'src/*/*_fuzz.cc' >/dev/null || skip "there is no src/*/*_fuzz.cc"
dir=$ROOT/build-fuzz
seconds=${SLUICE_FUZZ_SECONDS:-20}
quiet cmake -S . -B "$dir" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS="-O1 -g1" \
  -DCMAKE_CXX_COMPILER=clang++-19 -DSLUICE_FUZZ=ON -DSLUICE_TESTS=OFF
targets=()
for path in src/*/*_fuzz.cc; do targets+=("$(basename "$path" .cc)"); done
quiet ninja -C "$dir" "${targets[@]}"

# fuzz TARGET: new inputs stay in the build folder, so a later run starts where this one ended; a crash is kept and named.
fuzz() {
  mkdir -p "$dir/corpus/$1" "$dir/crashes"
  local seeds=()
  [ ! -d "tests/fuzz/$1" ] || seeds=("tests/fuzz/$1")
  "$dir/$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$dir/crashes/$1-" "$dir/corpus/$1" "${seeds[@]}" >"$dir/$1.log" 2>&1
}
running=()
finish_first() {
  local target=${running[0]%%:*} pid=${running[0]##*:}
  running=("${running[@]:1}")
  if wait "$pid"; then
    passed=$((passed + 1))
    printf 'ok    %s: %s inputs in %s s\n' "$target" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/$target.log")" "$seconds"
  else
    failed=$((failed + 1))
    printf 'FAIL  %s (its input is in %s)\n' "$target" "$dir/crashes"
    tail -n 80 "$dir/$target.log"
  fi
}
for target in "${targets[@]}"; do
  [ ${#running[@]} -lt 2 ] || finish_first
  fuzz "$target" &
  running+=("$target:$!")
done
while [ ${#running[@]} -gt 0 ]; do finish_first; done
