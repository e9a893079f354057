// What each client is sent when it is slow, gone, back again, or just there.
#include <gtest/gtest.h>

#include <thread>

#include "serve/hub.h"
#include "serve/page_test_fixture.h"

namespace sluice::serve {
namespace {

using nlohmann::json;

class HubStreamsTest : public PageTest {
 protected:
  // A view panel that is loaded, and one commit per number.
  std::shared_ptr<HandStream> live(uint64_t epoch = 5) {
    store_.answers["view"] = view_line(day(1), "fmt", 1, "filling");
    hub().commit(committed(epoch));
    auto client = watch({kView});
    work();
    client->take();
    return client;
  }
  void value(uint64_t epoch, int64_t commits) { commit(epoch, {row(day(1), "fmt", commits, plan::State::filling)}); }
  static std::string shown(const Event& event) { return event.data["data"]["series"][0]["points"][0]["v"]; }
};

TEST_F(HubStreamsTest, a_slow_client_gets_a_fresh_snapshot_and_none_of_what_it_missed) {
  const auto client = live();
  client->slow = true;
  client->buffered = 1;
  for (uint64_t epoch = 6; epoch < 1006; ++epoch) value(epoch, static_cast<int64_t>(epoch));
  hub().tick();
  client->slow = false;
  value(1006, 77);
  hub().tick();
  EXPECT_TRUE(client->take().empty()) << "what it has not read yet comes first";
  client->buffered = 0;
  hub().tick();
  const auto events = client->take(kView);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].name, "snapshot");
  EXPECT_EQ(events[0].id, 1006u);
  EXPECT_EQ(shown(events[0]), "77");
  EXPECT_EQ(hub().counters().slow, 1u);
  value(1007, 78);
  EXPECT_EQ(client->take(kView).at(0).name, "patch");
}

TEST_F(HubStreamsTest, a_client_with_too_much_unread_counts_as_slow) {
  const auto client = live();
  client->buffered = HubOptions{}.backlog_bytes_max + 1;
  value(6, 2);
  value(7, 3);
  EXPECT_TRUE(client->text.empty());
  client->buffered = 0;
  hub().tick();
  EXPECT_EQ(shown(client->take(kView).at(0)), "3");
}

TEST_F(HubStreamsTest, a_client_that_stays_slow_is_told_bye_or_cut) {
  const auto reads_again = live();
  const auto never_reads = watch({kView});
  never_reads->take();
  for (const auto& client : {reads_again, never_reads}) {
    client->slow = true;
    client->buffered = 1;
  }
  value(6, 2);
  clock_.pass(29'999);
  hub().tick();
  EXPECT_TRUE(reads_again->is_open);
  reads_again->slow = false;
  clock_.pass(1);
  hub().tick();
  const auto last = reads_again->take();
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].name, "bye");
  EXPECT_EQ(last[0].data, json({{"reason", "slow"}}));
  EXPECT_TRUE(reads_again->closed);
  EXPECT_TRUE(never_reads->aborted);
  EXPECT_EQ(hub().counters().subscribers, 0u);
}

TEST_F(HubStreamsTest, one_slow_client_does_not_hold_up_another) {
  const auto slow = live();
  const auto quick = watch({kView});
  quick->take();
  slow->slow = true;
  value(6, 2);
  EXPECT_EQ(shown(quick->take(kView).at(0)), "2");
}

TEST_F(HubStreamsTest, a_client_that_left_is_forgotten_at_its_next_message) {
  const auto client = live();
  client->is_open = false;
  EXPECT_EQ(hub().counters().subscribers, 1u);
  value(6, 2);
  EXPECT_EQ(hub().counters().subscribers, 0u);
}

TEST_F(HubStreamsTest, a_client_that_comes_back_gets_the_patches_it_missed) {
  live();
  value(6, 2);
  value(7, 3);
  value(8, 4);
  const auto back = watch({kView}, 7);
  const auto events = back->take(kView);
  ASSERT_EQ(events.size(), 2u) << "its own epoch again, since a job may have followed under it, then what came after";
  EXPECT_EQ(events[0].name, "patch");
  EXPECT_EQ(events[0].id, 7u);
  EXPECT_EQ(events[1].id, 8u);
  EXPECT_EQ(shown(events[1]), "4");
}

TEST_F(HubStreamsTest, a_client_from_before_the_panel_was_loaded_gets_a_snapshot) {
  live(5);
  value(6, 2);
  const auto back = watch({kView}, 4);
  const auto events = back->take(kView);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].name, "snapshot");
}

TEST_F(HubStreamsTest, a_client_from_another_life_or_the_future_gets_a_snapshot) {
  live(5);
  value(6, 2);
  EXPECT_EQ(watch({kView}, 99)->take(kView).at(0).name, "snapshot");
  EXPECT_EQ(watch({kStat}, 6)->take(kStat).at(0).name, "snapshot");
}

TEST_F(HubStreamsTest, what_the_ring_no_longer_has_is_a_snapshot) {
  HubOptions options;
  options.ring_bytes_max = 1000;  // four or five patches
  make_hub(options);
  live();
  for (uint64_t epoch = 6; epoch <= 40; ++epoch) value(epoch, static_cast<int64_t>(epoch));
  const auto old = watch({kView}, 10)->take(kView);
  ASSERT_EQ(old.size(), 1u);
  EXPECT_EQ(old[0].name, "snapshot");
  const auto recent = watch({kView}, 39)->take(kView);
  ASSERT_EQ(recent.size(), 2u);
  EXPECT_EQ(recent[0].name, "patch");
}

TEST_F(HubStreamsTest, a_resume_that_is_larger_than_a_backlog_is_a_snapshot) {
  HubOptions options;
  options.backlog_bytes_max = 1000;
  make_hub(options);
  live();
  for (uint64_t epoch = 6; epoch <= 40; ++epoch) value(epoch, static_cast<int64_t>(epoch));
  EXPECT_EQ(watch({kView}, 7)->take(kView).size(), 1u);
}

TEST_F(HubStreamsTest, ids_never_go_back_on_a_stream) {
  hub().commit(committed(5));
  store_.answers["view"] = view_line(day(1), "fmt", 1, "filling");
  store_.during = [this](const std::string& kind) {
    if (kind == "over") value(6, 2);  // a commit passes while the stat's query of epoch 5 runs
  };
  const auto client = watch({kView, kStat});
  work();
  uint64_t last = 0;
  for (const Event& event : client->take()) {
    EXPECT_GE(event.id, last);
    last = event.id;
    if (event.data.is_object() && event.data.value("panel", "") == kStat && !event.data["data"].is_null()) {
      EXPECT_EQ(event.data["epoch"], 5) << "the number's own epoch";
      EXPECT_EQ(event.id, 6u);
    }
  }
}

TEST_F(HubStreamsTest, a_job_that_an_epoch_overtook_brings_its_rows_and_no_older_time) {
  const auto client = live();
  value(6, 2);
  client->take();
  value(5, 3);
  const auto events = client->take();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].name, "patch");
  EXPECT_EQ(events[0].id, 6u);
  EXPECT_EQ(events[0].data["epoch"], 6);
  EXPECT_EQ(shown(events[0]), "3");
}

TEST_F(HubStreamsTest, a_new_client_is_told_the_state_of_things) {
  Health health;
  health.started = true;
  health.stages = {{"store", StageState::degraded, 1204, DurationMs(3500), "restarting"}};
  hub().publish_health(health);
  Committed c = committed(5);
  c.totals.received = 10;
  c.totals.stored = 9;
  c.totals.duplicate = 1;
  c.sources = {{"site", time_ms(kToday), true}};
  hub().commit(c);
  hub().publish_notes({"shifted by 12 weeks"});
  std::map<std::string, json> told;
  for (const Event& event : watch({})->take()) told[event.name] = event.data;
  EXPECT_EQ(told["ledger"], json({{"received", 10},
                                  {"stored", 9},
                                  {"quarantined", 0},
                                  {"duplicate", 1},
                                  {"pending", 0},
                                  {"missing", 0},
                                  {"balances", true}}));
  EXPECT_EQ(told["watermark"]["behind_ms"], 5);
  EXPECT_EQ(told["watermark"]["sources"], json({{{"name", "site"}, {"watermark", kToday}, {"active", true}}}));
  EXPECT_EQ(told["status"]["status"], "degraded");
  EXPECT_EQ(told["status"]["stages"][0]["lag_seconds"], 3.5);
  EXPECT_EQ(told["notes"]["notes"][0], "shifted by 12 weeks");
  EXPECT_TRUE(told["definition_error"].is_null());
}

TEST_F(HubStreamsTest, the_ledgers_sentence_does_not_go_back_and_forth) {
  hub().commit(committed(5));
  const auto client = watch({});
  client->take();
  event::LedgerCounts totals;
  totals.received = 12;
  totals.stored = 9;
  totals.pending = 2;
  hub().publish_ledger(totals, 1);
  Committed c = committed(6);
  c.totals.received = 9;
  c.totals.stored = 9;
  hub().commit(c);
  hub().publish_ledger(totals, 1);
  std::vector<json> ledgers;
  for (const Event& event : client->take()) {
    if (event.name == "ledger") ledgers.push_back(event.data);
  }
  ASSERT_EQ(ledgers.size(), 1u);
  EXPECT_EQ(ledgers[0]["missing"], 1);
  EXPECT_FALSE(ledgers[0]["balances"].get<bool>());
}

TEST_F(HubStreamsTest, a_definition_error_comes_and_goes) {
  hub().commit(committed(5));
  const auto client = watch({});
  client->take();
  hub().publish_definition_error(DefinitionError{"metrics/a.yaml", 3, 5, "unknown key", "  foo: 1"});
  hub().publish_definition_error(DefinitionError{"metrics/a.yaml", 3, 5, "unknown key", "  foo: 1"});
  hub().publish_definition_error(std::nullopt);
  const auto events = client->take();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].data["line"], 3);
  EXPECT_EQ(events[0].data["source_line"], "  foo: 1");
  EXPECT_TRUE(events[1].data.is_null());
}

TEST_F(HubStreamsTest, progress_is_said_when_it_moves_and_kept_for_the_project) {
  hub().commit(committed(5));
  const auto client = watch({});
  client->take();
  const auto step = [&](uint64_t epoch, uint64_t done) {
    Committed c = committed(epoch);
    c.progress = {{0, done, 5800}};
    hub().commit(c);
  };
  step(6, 120);
  step(7, 120);
  EXPECT_EQ(hub().now().progress.size(), 1u);
  step(8, 5800);
  EXPECT_TRUE(hub().now().progress.empty());
  std::vector<json> progress;
  for (const Event& event : client->take()) {
    if (event.name == "progress") progress.push_back(event.data);
  }
  EXPECT_EQ(progress, (std::vector<json>{{{"metric", "commits_daily"}, {"done", 120}, {"total", 5800}},
                                         {{"metric", "commits_daily"}, {"done", 5800}, {"total", 5800}, {"finished", true}}}));
}

TEST_F(HubStreamsTest, at_most_five_new_events_a_second_are_shown_and_the_others_counted) {
  hub().commit(committed(1));
  auto client = std::make_shared<HandStream>();
  Subscription wanted;
  wanted.events = true;
  ASSERT_TRUE(hub().subscribe(wanted, client));
  client->take();
  size_t rows = 0;
  uint64_t more = 0;
  uint64_t sent = 0;
  for (uint64_t epoch = 2; epoch < 52; ++epoch) {  // ten seconds, five epochs each, 3 rows and 4 others in each
    Committed c = committed(epoch);
    for (int i = 0; i < 3; ++i) {
      NewEvent event;
      event.message_id = std::to_string(epoch) + "-" + std::to_string(i);
      c.newest.push_back(event);
    }
    c.more_events = 4;
    sent += 7;
    hub().commit(c);
    clock_.pass(200);
    hub().tick();
  }
  clock_.pass(1000);
  hub().tick();
  for (const Event& event : client->take()) {
    if (event.name != "events") continue;
    rows += event.data["rows"].size();
    more += event.data["more"].get<uint64_t>();
  }
  EXPECT_LE(rows, 5u + 50u);
  EXPECT_GE(rows, 45u);
  EXPECT_EQ(rows + more, sent) << "none is forgotten";
}

TEST_F(HubStreamsTest, who_comes_later_is_told_the_newest_events_that_were_shown_and_a_bounded_number_of_them) {
  Subscription wanted;
  wanted.events = true;
  const auto first_message = [&] {
    auto client = std::make_shared<HandStream>();
    EXPECT_TRUE(hub().subscribe(wanted, client));
    json rows;
    for (const Event& event : client->take()) {
      if (event.name == "events") rows = event.data["rows"];
    }
    return rows;
  };
  hub().commit(committed(1));
  EXPECT_TRUE(first_message().is_null()) << "nothing came yet";
  for (uint64_t epoch = 2; epoch <= 31; ++epoch) {
    Committed c = committed(epoch);
    c.newest.resize(1);
    c.newest[0].message_id = epoch == 30 ? std::string(EventFeed::kRecentRowBytesMax, 'x') : std::to_string(epoch);
    hub().commit(c);
    clock_.pass(1000);
  }
  const json rows = first_message();
  ASSERT_EQ(rows.size(), EventFeed::kRecentRows);
  EXPECT_EQ(rows[0]["message_id"], "31");
  EXPECT_EQ(rows[1]["message_id"], "29") << "too long to be kept";
  EXPECT_EQ(rows[19]["message_id"], "11");
  wanted.since = event::Epoch(20);
  EXPECT_EQ(first_message().size(), EventFeed::kRecentRows) << "who comes back may have missed some";
  wanted.events = false;
  EXPECT_TRUE(first_message().is_null());
}

TEST_F(HubStreamsTest, only_those_who_asked_get_events_and_rejects_newest_first) {
  hub().commit(committed(1));
  const auto without = watch({});
  auto with = std::make_shared<HandStream>();
  Subscription wanted;
  wanted.events = wanted.quarantine = true;
  ASSERT_TRUE(hub().subscribe(wanted, with));
  with->take();
  without->take();
  Committed c = committed(2);
  c.newest.resize(2);
  c.newest[0].message_id = "older";
  c.newest[1].message_id = "newer";
  NewReject reject;
  reject.reason = "json_invalid";
  reject.raw = std::string(100'000, 'x');
  reject.place = {event::PartitionId(0), event::Offset(7)};
  c.rejects = {reject};
  c.more_rejects = 3;
  hub().commit(c);
  std::map<std::string, json> told;
  for (const Event& event : with->take()) told[event.name] = event.data;
  EXPECT_EQ(told["events"]["rows"][0]["message_id"], "newer");
  EXPECT_EQ(told["quarantine"]["more"], 3);
  EXPECT_EQ(told["quarantine"]["rows"][0]["place"], "0:7");
  EXPECT_EQ(told["quarantine"]["rows"][0]["raw"].get<std::string>().size(), 4096u);
  EXPECT_EQ(told["quarantine"]["rows"][0]["raw_bytes"], 100'000);
  for (const Event& event : without->take()) EXPECT_TRUE(event.name == "watermark" || event.name == "ledger") << event.name;
}

TEST_F(HubStreamsTest, a_quiet_stream_gets_a_comment_every_fifteen_seconds) {
  hub().commit(committed(1));
  const auto client = watch({});
  client->take();
  clock_.pass(14'999);
  hub().tick();
  EXPECT_TRUE(client->text.empty());
  clock_.pass(1);
  hub().tick();
  hub().tick();
  EXPECT_EQ(client->text, ": still here\n\n");
}

TEST_F(HubStreamsTest, stop_says_bye_and_takes_no_one_else) {
  const auto client = live();
  hub().stop();
  EXPECT_EQ(client->take().back().data, json({{"reason", "stopping"}}));
  EXPECT_TRUE(client->closed);
  EXPECT_EQ(hub().admit({}).error().code, Code::closed);
  EXPECT_EQ(hub().subscribe({}, std::make_shared<HandStream>()).error().code, Code::closed);
}

TEST_F(HubStreamsTest, commits_workers_ticks_and_viewers_may_meet_at_any_time) {
  hub().commit(committed(1));
  store_.answers["view"] = view_line(day(1), "fmt", 1, "filling");
  std::vector<std::shared_ptr<HandStream>> clients;
  std::thread worker([&] {
    for (int i = 0; i < 2000; ++i) hub().step(DurationMs(0));
  });
  std::thread viewer([&] {
    for (int i = 0; i < 40; ++i) {
      auto stream = std::make_shared<HandStream>();
      if (hub().subscribe({.panels = {kView, kStat, kTable}, .events = true, .quarantine = true, .since = {}}, stream))
        clients.push_back(stream);
      hub().tick();
    }
  });
  for (uint64_t epoch = 2; epoch < 300; ++epoch) value(epoch, static_cast<int64_t>(epoch));
  worker.join();
  viewer.join();
  work();
  value(300, 300);
  for (const auto& client : clients) {
    const auto events = client->take(kView);
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(shown(events.back()), "300");
  }
}

}  // namespace
}  // namespace sluice::serve
