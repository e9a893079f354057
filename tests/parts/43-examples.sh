#!/usr/bin/env bash
# The examples beside the demo itself (80-e2e): the reader's own repository as events; the shop's accounts file is the generator's, and every
# number that the program shows of the shop is what the generator knows that it made.
. tests/parts/part.sh

counted node tests/e2e/repository.mjs
[ -x "$BUILD/shop_events" ] || skip "$BUILD/shop_events is not built"
[ -x "$BUILD/sluice" ] || skip "$BUILD/sluice is not built"
[ -e "$BUILD/libchdb.so" ] || skip "there is no libchdb.so beside the program: ./run build puts it there"
same_accounts() { diff examples/shop/accounts.csv <("$BUILD/shop_events" --accounts); }
check "examples/shop/accounts.csv is what shop_events --accounts prints" same_accounts
counted python3 tests/e2e/shop.py --sluice "$BUILD/sluice" --events "$BUILD/shop_events"
