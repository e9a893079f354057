#include "app/feed.h"

#include <gtest/gtest.h>

namespace sluice::app {
namespace {

process::EpochRows epoch_of(uint64_t epoch, uint64_t stored, uint64_t to) {
  process::EpochRows rows;
  rows.epoch = event::Epoch(epoch);
  rows.now = time_ms(1'000 * static_cast<int64_t>(epoch));
  rows.watermark = rows.now - DurationMs(500);
  rows.totals.received = rows.totals.stored = stored;
  rows.to = event::Offset(to);
  return rows;
}

serve::Committed header_of(uint64_t epoch) {
  serve::Committed header;
  header.epoch = event::Epoch(epoch);
  return header;
}

std::shared_ptr<const plan::Plan> plan_of(std::string hash, std::vector<std::string> metrics) {
  plan::Plan plan;
  plan.hash = std::move(hash);
  for (std::string& name : metrics) {
    plan.metrics.emplace_back().name = std::move(name);
    plan.metrics.back().version = "v1";
  }
  return std::make_shared<const plan::Plan>(std::move(plan));
}

class FeedTest : public testing::Test {
 protected:
  std::vector<uint64_t> epochs() const {
    std::vector<uint64_t> all;
    for (const serve::Committed& committed : published_) all.push_back(committed.epoch.value);
    return all;
  }

  std::vector<serve::Committed> published_;
  const std::shared_ptr<const plan::Plan> plan_ = plan_of("p1", {"a", "b"});
  Feed feed_{[this](serve::Committed committed) { published_.push_back(std::move(committed)); }, event::Offset(7), plan_};
};

TEST_F(FeedTest, nothing_is_published_before_the_tables_are_there_but_the_newest_totals_are_kept) {
  EXPECT_FALSE(feed_.newest().open);
  EXPECT_EQ(feed_.newest().to, event::Offset(7)) << "what the journals said at the start";
  feed_.epoch(epoch_of(3, 10, 12));
  EXPECT_TRUE(published_.empty());
  EXPECT_EQ(feed_.newest().epoch, event::Epoch(3));
  feed_.opened(header_of(2), event::Offset(9));
  ASSERT_EQ(epochs(), std::vector<uint64_t>{3}) << "the newer of the two";
  EXPECT_EQ(published_[0].totals.stored, 10U);
  EXPECT_TRUE(feed_.newest().open);
  EXPECT_EQ(feed_.newest().to, event::Offset(12));
}

TEST_F(FeedTest, an_epoch_that_recovery_stores_again_is_not_published_again) {
  feed_.opened(header_of(4), event::Offset(20));
  feed_.epoch(epoch_of(4, 99, 20));
  feed_.epoch(epoch_of(5, 6, 21));
  feed_.epoch(epoch_of(5, 6, 21));
  EXPECT_EQ(epochs(), (std::vector<uint64_t>{4, 5}));
  EXPECT_EQ(feed_.newest().totals.stored, 6U);
}

TEST_F(FeedTest, a_generation_that_begins_behind_the_newest_epoch_takes_nothing_back) {
  feed_.opened(header_of(4), event::Offset(20));
  feed_.epoch(epoch_of(6, 8, 30));
  feed_.opened(header_of(5), event::Offset(25));
  EXPECT_EQ(epochs(), (std::vector<uint64_t>{4, 6}));
  EXPECT_EQ(feed_.newest().to, event::Offset(30));
}

TEST_F(FeedTest, an_epoch_is_told_with_its_sources_samples_and_what_they_leave_out) {
  feed_.opened(header_of(0), event::Offset(0));
  process::EpochRows rows = epoch_of(1, 12, 3);
  rows.counts.stored = 10;
  rows.counts.duplicate = 2;
  rows.counts.quarantined = 3;
  process::SampleEvent again;
  again.message_id = "m";
  again.duplicate = true;
  rows.newest.push_back(again);
  process::SampleReject reject;
  reject.reason = "json_invalid";
  rows.rejects.push_back(reject);
  process::MetricChange change;
  change.metric = 2;
  change.rows.emplace_back();
  change.seen.any = true;
  change.seen.newest = time_ms(77);
  rows.changes.push_back(change);
  process::WatermarkClock::SourceState active, silent, never;
  active.name = "active";
  active.idle = silent.idle = never.idle = DurationMs(100);
  active.last_received = rows.now - DurationMs(100);
  silent.last_received = rows.now - DurationMs(101);
  never.last_received = kMinusInfinity;
  rows.sources = {active, silent, never};
  feed_.epoch(std::move(rows));

  ASSERT_EQ(published_.size(), 2U);
  const serve::Committed& told = published_[1];
  EXPECT_EQ(told.more_events, 11U);
  EXPECT_EQ(told.more_rejects, 2U);
  EXPECT_EQ(told.newest.at(0).verdict, "duplicate");
  EXPECT_EQ(told.rejects.at(0).reason, "json_invalid");
  ASSERT_EQ(told.metrics.size(), 1U);
  EXPECT_EQ(told.metrics[0].metric, 2U);
  EXPECT_EQ(told.metrics[0].as_of, event::Epoch(1));
  EXPECT_EQ(told.metrics[0].newest, time_ms(77));
  ASSERT_EQ(told.sources.size(), 3U);
  EXPECT_TRUE(told.sources[0].active);
  EXPECT_FALSE(told.sources[1].active);
  EXPECT_FALSE(told.sources[2].active);
}

TEST_F(FeedTest, the_changes_of_a_job_go_out_under_the_newest_epoch_as_of_its_own) {
  feed_.opened(header_of(0), event::Offset(0));
  feed_.epoch(epoch_of(9, 1, 1));
  process::JobTask task;
  task.plan = plan_.get();
  task.metric = 1;
  task.entry.up_to = event::Epoch(4);
  process::JobResult result;
  result.rows.emplace_back();
  result.revisions.emplace_back();
  feed_.job(task, std::move(result));
  const serve::Committed& told = published_.back();
  EXPECT_EQ(told.epoch, event::Epoch(9));
  ASSERT_EQ(told.metrics.size(), 1U);
  EXPECT_EQ(told.metrics[0].metric, 1U);
  EXPECT_EQ(told.metrics[0].as_of, event::Epoch(4));
  EXPECT_EQ(told.metrics[0].rows.size(), 1U);
  EXPECT_EQ(told.metrics[0].revisions.size(), 1U);
  EXPECT_FALSE(told.metrics[0].events_changed);
}

TEST_F(FeedTest, progress_goes_out_once_per_change_and_not_before_the_tables_are_there) {
  const std::vector<process::MetricProgress> none{{"a", 0, 0, 0, ""}, {"b", 1, 0, 0, ""}},
      half{{"a", 0, 0, 0, ""}, {"b", 1, 1, 2, ""}, {"c", std::nullopt, 1, 2, ""}};
  feed_.progress("p1", half);
  EXPECT_TRUE(published_.empty());
  feed_.opened(header_of(0), event::Offset(0));
  feed_.progress("p1", none);
  EXPECT_EQ(published_.size(), 1U) << "as before: nothing is computed";
  feed_.progress("p1", half);
  feed_.progress("p1", half);
  ASSERT_EQ(published_.size(), 2U);
  EXPECT_EQ(published_[1].progress, (std::vector<serve::Progress>{{1, 1, 2}}));
}

TEST_F(FeedTest, a_job_is_told_by_the_place_that_its_definition_has_in_what_is_shown) {
  feed_.opened(header_of(3), event::Offset(0));
  feed_.show(plan_of("p2", {"new", "other", "b"}));
  process::JobTask task;
  task.plan = plan_.get();
  task.metric = 1;  // b
  feed_.job(task, {});
  ASSERT_EQ(published_.size(), 2U);
  EXPECT_EQ(published_[1].plan, "p2");
  EXPECT_EQ(published_[1].metrics.at(0).metric, 2U);
  task.metric = 0;  // a, which p2 does not have
  feed_.job(task, {});
  EXPECT_EQ(published_.size(), 2U);
}

TEST_F(FeedTest, what_is_told_names_the_plan_that_it_counts_by) {
  feed_.opened(header_of(3), event::Offset(0));
  feed_.epoch(epoch_of(4, 1, 1));
  feed_.show(plan_of("p2", {"a"}));
  feed_.repeat();
  feed_.progress("p1", {{"a", 0, 1, 2, ""}});  // of before the change
  feed_.epoch(epoch_of(5, 2, 2));
  std::vector<std::string> plans;
  for (const serve::Committed& committed : published_) plans.push_back(committed.plan);
  EXPECT_EQ(plans, (std::vector<std::string>{"p1", "p1", "p2", "p2"}));
  EXPECT_EQ(epochs(), (std::vector<uint64_t>{3, 4, 4, 5}));
}

}  // namespace
}  // namespace sluice::app
