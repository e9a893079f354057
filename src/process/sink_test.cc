#include "process/sink.h"

#include <gtest/gtest.h>

#include "os/faulty_files.h"
#include "os/temp_folder.h"
#include "process/fake_warehouse.h"

namespace sluice::process {
namespace {

class SinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<Journal::Opened> opened = Journal::open(faulty, folder.path(), "0123456789abcdef");
    ASSERT_TRUE(opened);
    marks = std::move(opened->journal);
    sink = std::make_unique<Sink>(store, *marks, "0123456789abcdef",
                                  [this](EpochRows rows) { committed.push_back(rows.epoch.value); });
  }
  // 3 rows of events, 1 of quarantine, and one restating table.
  Delivery epoch(uint64_t number, bool again) {
    Delivery d;
    d.again = again;
    d.rows.epoch = Epoch(number);
    d.rows.appends[0] = {"eee", 3};
    d.rows.appends[1] = {"q", 1};
    RestatingRows ledger;
    ledger.name = "ledger";
    ledger.statement = insert_statement(Table::ledger);
    ledger.rows = {"l", 1};
    d.rows.restating.push_back(std::move(ledger));
    store.epoch = number;
    return d;
  }
  Sink::Step step(std::optional<Delivery> next = std::nullopt) {
    Result<Sink::Step> result = sink->step(std::move(next));
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : Sink::Step::idle;
  }
  std::vector<CommitEntry> marked() {
    std::vector<CommitEntry> found;
    Result<std::vector<JournalEntry>> entries = Journal::read(*files, folder.path(), "0123456789abcdef");
    EXPECT_TRUE(entries);
    if (!entries) return found;
    for (const JournalEntry& entry : *entries) found.push_back(std::get<CommitEntry>(entry));
    return found;
  }

  os::TempFolder folder{os::TempFolder::Place::memory};
  std::unique_ptr<os::Files> files = os::real_files();
  os::FaultyFiles faulty{*files};
  FakeWarehouse store;
  std::unique_ptr<Journal> marks;
  std::unique_ptr<Sink> sink;
  std::vector<uint64_t> committed;
};

constexpr Code kLost = Code::unknown;

TEST_F(SinkTest, a_fresh_epoch_is_inserted_without_asking_and_then_marked) {
  EXPECT_EQ(step(), Sink::Step::idle);
  EXPECT_EQ(step(epoch(1, false)), Sink::Step::worked);
  EXPECT_EQ(store.calls, (std::vector<std::string>{"insert events", "insert quarantine", "insert ledger"}))
      << "empty tables get no insert";
  EXPECT_EQ(marked(), (std::vector<CommitEntry>{{Epoch(1), {3, 1, 0, 0}}}));
  EXPECT_EQ(committed, std::vector<uint64_t>{1});
  EXPECT_FALSE(sink->busy());
}

TEST_F(SinkTest, while_the_store_is_away_nothing_is_marked_and_nothing_repeated) {
  store.fates = {{}, {Code::unavailable, false}, {Code::unavailable, false}};
  EXPECT_EQ(step(epoch(1, false)), Sink::Step::waiting);
  EXPECT_TRUE(committed.empty());
  EXPECT_EQ(sink->waiting_for(), "told to fail");
  EXPECT_EQ(step(), Sink::Step::waiting);
  EXPECT_TRUE(sink->busy());
  EXPECT_EQ(step(), Sink::Step::worked);
  EXPECT_EQ(sink->waiting_for(), "");
  EXPECT_EQ(store.rows("events", 1), 3U) << "the events, acknowledged before, were not sent again";
  EXPECT_EQ(store.rows("quarantine", 1), 1U);
  EXPECT_EQ(store.count("fence"), 0U) << "what was refused is not in doubt";
}

TEST_F(SinkTest, after_a_lost_reply_it_fences_then_asks_and_does_not_insert_what_is_there) {
  store.fates = {{kLost, true}};
  EXPECT_EQ(step(epoch(1, false)), Sink::Step::waiting);
  store.calls.clear();
  EXPECT_EQ(step(), Sink::Step::worked);
  EXPECT_EQ(store.calls, (std::vector<std::string>{"fence", "query", "insert quarantine", "insert ledger"}));
  EXPECT_EQ(store.rows("events", 1), 3U);
  EXPECT_EQ(committed, std::vector<uint64_t>{1});
}

TEST_F(SinkTest, after_a_lost_reply_it_inserts_again_only_what_is_not_there) {
  store.fates = {{kLost, false}};
  EXPECT_EQ(step(epoch(1, false)), Sink::Step::waiting);
  EXPECT_EQ(step(), Sink::Step::worked);
  EXPECT_EQ(store.rows("events", 1), 3U);
  EXPECT_NE(store.query_ids[0], store.query_ids[1])
      << "another attempt, another query id: the first may still be killed by its own";
}

TEST_F(SinkTest, it_asks_nothing_before_the_fence_is_up) {
  store.fates = {{kLost, true}};
  store.fence_fails = 2;
  EXPECT_EQ(step(epoch(1, false)), Sink::Step::waiting);
  EXPECT_EQ(step(), Sink::Step::waiting);
  EXPECT_EQ(step(), Sink::Step::waiting);
  EXPECT_EQ(store.count("query"), 0U);
  EXPECT_EQ(step(), Sink::Step::worked);
  EXPECT_EQ(store.rows("events", 1), 3U);
}

TEST_F(SinkTest, another_number_than_none_or_all_stops_it_and_names_the_epoch) {
  store.fates = {{kLost, false}};
  EXPECT_EQ(step(epoch(7, false)), Sink::Step::waiting);
  store.held["events"][7] = 2;
  const Result<Sink::Step> result = sink->step(std::nullopt);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::corrupt);
  EXPECT_NE(result.error().message.find("sluice.events holds 2 rows of epoch 7, the log says 3"), std::string::npos)
      << result.error().message;
  EXPECT_TRUE(marked().empty());
}

TEST_F(SinkTest, recovery_asks_once_per_table_and_skips_what_is_there) {
  store.held["events"] = {{5, 3}, {6, 3}};
  store.held["quarantine"] = {{5, 1}};
  EXPECT_EQ(step(epoch(5, true)), Sink::Step::worked);
  EXPECT_EQ(store.calls, (std::vector<std::string>{"query", "query", "query", "query", "insert ledger"}))
      << "restating tables are simply written again";
  store.calls.clear();
  EXPECT_EQ(step(epoch(6, true)), Sink::Step::worked);
  EXPECT_EQ(store.calls, (std::vector<std::string>{"insert quarantine", "query", "insert ledger"}))
      << "only the count earns the mark";
  EXPECT_EQ(sink->counters().skipped, 3U);
  EXPECT_EQ(store.rows("events", 5) + store.rows("events", 6) + store.rows("quarantine", 5) + store.rows("quarantine", 6), 8U);
  EXPECT_EQ(committed, (std::vector<uint64_t>{5, 6}));
}

TEST_F(SinkTest, recovery_finds_rows_where_the_log_has_none) {
  store.held["identities"] = {{5, 1}};
  const Result<Sink::Step> result = sink->step(epoch(5, true));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::corrupt);
}

TEST_F(SinkTest, a_recovery_insert_that_is_acknowledged_but_not_there_is_not_marked) {
  store.fates = {{std::nullopt, false}};
  EXPECT_EQ(step(epoch(5, true)), Sink::Step::waiting);
  EXPECT_TRUE(marked().empty());
  EXPECT_EQ(step(), Sink::Step::worked);
  EXPECT_EQ(store.count("fence"), 1U);
  EXPECT_EQ(store.rows("events", 5), 3U);
}

TEST_F(SinkTest, any_mix_of_lost_replies_and_refusals_stores_everything_once) {
  // Six inserts of two epochs; each of the first eight attempts has one of four fates.
  const FakeWarehouse::Fate kFates[]{{}, {kLost, true}, {kLost, false}, {Code::unavailable, false}};
  for (uint64_t mix = 0; mix < 4 * 4 * 4 * 4 * 4 * 4; ++mix) {
    store = FakeWarehouse();
    committed.clear();
    for (uint64_t rest = mix, i = 0; i < 6; ++i, rest /= 4) store.fates.push_back(kFates[rest % 4]);
    sink = std::make_unique<Sink>(store, *marks, "0123456789abcdef",
                                  [this](EpochRows rows) { committed.push_back(rows.epoch.value); });
    for (const uint64_t number : {1U, 2U}) {
      Sink::Step did = step(epoch(number, mix % 3 == 0));
      for (int i = 0; i < 20 && did == Sink::Step::waiting; ++i) did = step();
    }
    ASSERT_EQ(committed, (std::vector<uint64_t>{1, 2})) << mix;
    for (const uint64_t number : {1U, 2U}) {
      ASSERT_EQ(store.rows("events", number), 3U) << mix;
      ASSERT_EQ(store.rows("quarantine", number), 1U) << mix;
    }
  }
}

TEST_F(SinkTest, a_full_disk_delays_the_mark_and_a_failed_sync_ends_the_sink) {
  faulty.limit_room(0);
  EXPECT_EQ(step(epoch(1, false)), Sink::Step::waiting);
  EXPECT_TRUE(committed.empty());
  faulty.limit_room(std::nullopt);
  EXPECT_EQ(step(), Sink::Step::worked);
  EXPECT_EQ(store.rows("events", 1), 3U);
  EXPECT_EQ(committed, std::vector<uint64_t>{1});
  faulty.fail_data_sync(1);
  const Result<Sink::Step> result = sink->step(epoch(2, false));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::io);
  EXPECT_EQ(committed, std::vector<uint64_t>{1});
}

TEST_F(SinkTest, a_schema_is_made_durable_and_begins_again_after_the_store_was_away) {
  Delivery schema;
  schema.kind = Delivery::Kind::schema;
  schema.statements = {"CREATE A (x)", "CREATE B (x)"};
  store.away = true;
  EXPECT_EQ(step(std::move(schema)), Sink::Step::waiting);
  store.away = false;
  store.calls.clear();
  EXPECT_EQ(step(), Sink::Step::worked);
  EXPECT_EQ(store.calls, (std::vector<std::string>{"execute CREATE A ", "execute CREATE B ", "sync"}));
  EXPECT_TRUE(committed.empty()) << "a schema is no epoch";
}

}  // namespace
}  // namespace sluice::process
