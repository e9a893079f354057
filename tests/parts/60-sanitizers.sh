#!/usr/bin/env bash
# Unit tests, text tests and the rig's under AddressSanitizer and UndefinedBehaviorSanitizer; those with threads under ThreadSanitizer.
#
# -O1 without debug info beyond lines: the builds are the cost here, and ccache keeps them.
. tests/parts/part.sh

# configure KIND DIR: each time, so that tests_in() knows a test program that is new.
configure() { quiet cmake -S . -B "$2" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS="-O1 -g1" -DSLUICE_SANITIZE="$1"; }
# tests_in DIR: the names of the unit test programs that the tree has.
tests_in() { ninja -C "$1" -t targets all | sed -n 's/^\([a-z]*_test\): phony$/\1/p; s/^\([a-z]*_test\): CXX_EXECUTABLE_LINKER.*/\1/p' | sort -u; }
# run_test DIR PROGRAM: a sanitizer's report makes the program fail. From its build folder, as ctest runs it: some read documents.
run_test() {
  local arguments=()
  [ "$2" != text_test ] || arguments=("$ROOT/tests/text")
  (cd "$1" && timeout 900 "./$2" "${arguments[@]}" >"$2.log" 2>&1) || { cat "$1/$2.log"; return 1; }
}
# under KIND DIR PROGRAM...: each program, and how many of its tests were left out: those that load the engine into the program itself.
under() {
  local kind=$1 dir=$2 program skipped
  shift 2
  for program in "$@"; do
    check "$program under $kind" run_test "$dir" "$program"
    skipped=$(grep -c '^\[  SKIPPED \] .* ms)$' "$dir/$program.log") || true
    [ "$skipped" -eq 0 ] || printf '      %d of its tests skipped: they load the engine into the program, which no sanitizer allows\n' "$skipped"
  done
}
# The engine's library cannot be loaded into such a program: those that need it use the Release program's store.
export SLUICE_STORE_PROGRAM=$BUILD/sluice

export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1

asan=$ROOT/build-asan
configure address "$asan"
mapfile -t programs < <(tests_in "$asan")
quiet ninja -C "$asan" "${programs[@]}"
under "ASan and UBSan" "$asan" "${programs[@]}"

tsan=$ROOT/build-tsan
configure thread "$tsan"
mapfile -t programs < <(tests_in "$tsan" | grep -xE '(base|log|net|app)_test')
quiet ninja -C "$tsan" "${programs[@]}"
under TSan "$tsan" "${programs[@]}"
