#!/usr/bin/env bash
# Text tests (tests/text/*.test): each as written, with batches of one, and with a restart after every batch.
. tests/parts/part.sh

[ -x "$BUILD/text_test" ] || skip "there is no $BUILD/text_test"
[ -e "$BUILD/libchdb.so" ] || skip "there is no libchdb.so beside text_test: ./run build puts it there"
counted "$BUILD/text_test" tests/text
update_in_ci() { ! CI=true "$BUILD/text_test" --update tests/text; }
check "--update is refused in CI" update_in_ci
