#include "process/store_check.h"

#include <gtest/gtest.h>

#include "process/fake_warehouse.h"

namespace sluice::process {
namespace {

const std::vector<CommitEntry> kMarks{{Epoch(1), {5, 1, 0, 0}}, {Epoch(2), {0, 0, 0, 0}}, {Epoch(3), {7, 0, 2, 1}}};

FakeWarehouse whole() {
  FakeWarehouse store;
  store.held["events"] = {{1, 5}, {3, 7}};
  store.held["quarantine"] = {{1, 1}};
  store.held["duplicates"] = {{3, 2}};
  store.held["identities"] = {{3, 1}};
  return store;
}

TEST(StoreCheckTest, a_store_that_holds_what_it_acknowledged_is_fine_and_epochs_not_marked_yet_do_not_matter) {
  FakeWarehouse store = whole();
  store.held["events"][4] = 9;
  const auto missing = check_store(store, kMarks);
  ASSERT_TRUE(missing);
  EXPECT_EQ(*missing, std::nullopt);
  EXPECT_EQ(*check_store(store, {}), std::nullopt);
}

TEST(StoreCheckTest, the_first_epoch_that_is_gone_is_told) {
  FakeWarehouse store = whole();
  store.held["events"].erase(3);
  store.held["duplicates"].erase(3);
  store.held["identities"].erase(3);
  EXPECT_EQ(**check_store(store, kMarks), Epoch(3));
  store.held["quarantine"].clear();
  EXPECT_EQ(**check_store(store, kMarks), Epoch(1));
}

TEST(StoreCheckTest, an_empty_store_lost_the_first_epoch) {
  FakeWarehouse store;
  EXPECT_EQ(**check_store(store, kMarks), Epoch(1));
}

TEST(StoreCheckTest, an_epoch_in_part_or_twice_or_from_nowhere_is_corrupt_and_named) {
  for (const uint64_t rows : {4, 6, 10}) {
    FakeWarehouse store = whole();
    store.held["events"][1] = rows;
    const auto missing = check_store(store, kMarks);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::corrupt);
    EXPECT_NE(missing.error().message.find("epoch 1 of sluice.events: " + std::to_string(rows) + " rows, 5 were acknowledged"),
              std::string::npos)
        << missing.error().message;
  }
  FakeWarehouse store = whole();
  store.held["events"][2] = 1;
  EXPECT_EQ(check_store(store, kMarks).error().code, Code::corrupt);
}

TEST(StoreCheckTest, only_the_first_ten_are_named_and_all_are_counted) {
  std::vector<CommitEntry> marks;
  FakeWarehouse store;
  for (uint64_t e = 1; e <= 25; ++e) {
    marks.push_back({Epoch(e), {2, 0, 0, 0}});
    store.held["events"][e] = 1;
  }
  const std::string message = check_store(store, marks).error().message;
  EXPECT_NE(message.find("epoch 10 of"), std::string::npos);
  EXPECT_EQ(message.find("epoch 11 of"), std::string::npos);
  EXPECT_NE(message.find("25"), std::string::npos);
}

TEST(StoreCheckTest, a_store_away_is_said_as_that) {
  FakeWarehouse store = whole();
  store.away = true;
  EXPECT_EQ(check_store(store, kMarks).error().code, Code::unavailable);
  EXPECT_EQ(claim_store(store, "d1").error().code, Code::unavailable);
}

TEST(StoreCheckTest, a_store_is_claimed_once_and_another_data_id_is_a_conflict) {
  FakeWarehouse store;
  ASSERT_TRUE(claim_store(store, "d1"));
  EXPECT_EQ(store.count("insert store_identity"), 1U);
  EXPECT_EQ(store.count("sync"), 1U);
  store.identities = {"d1"};
  ASSERT_TRUE(claim_store(store, "d1"));
  EXPECT_EQ(store.count("insert store_identity"), 1U);
  const Status other = claim_store(store, "d2");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::conflict);
  EXPECT_NE(other.error().message.find("the store belongs to data id d1, this data directory is d2"), std::string::npos);
}

}  // namespace
}  // namespace sluice::process
