#include "process/key_runs.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "os/faulty_files.h"
#include "os/temp_folder.h"

namespace sluice::process {
namespace {

class KeyRunsTest : public ::testing::Test {
 protected:
  std::unique_ptr<KeyRuns> open(KeyRunsOptions options, std::string_view manifest = {}) {
    Result<std::unique_ptr<KeyRuns>> runs = KeyRuns::open(*files, folder.path(), options, manifest);
    EXPECT_TRUE(runs) << runs.error().message;
    return runs ? std::move(*runs) : nullptr;
  }
  static Hash128 key(uint64_t n) { return hash128(std::to_string(n)); }
  static std::optional<KeyEntry> find(KeyRuns& runs, uint64_t n) {
    Result<std::optional<KeyEntry>> found = runs.find(key(n));
    EXPECT_TRUE(found);
    return found ? *found : std::nullopt;
  }
  std::vector<os::Entry> entries() {
    Result<std::vector<os::Entry>> listed = files->list(folder.path());
    EXPECT_TRUE(listed);
    return listed ? std::move(*listed) : std::vector<os::Entry>();
  }
  size_t files_named(std::string_view ending) {
    size_t n = 0;
    for (const os::Entry& entry : entries()) n += entry.name.ends_with(ending) ? 1 : 0;
    return n;
  }

  os::TempFolder folder{os::TempFolder::Place::memory};
  std::unique_ptr<os::Files> files = os::real_files();
};

using Model = std::map<uint64_t, std::pair<int64_t, uint64_t>>;

TEST_F(KeyRunsTest, it_agrees_with_a_map_over_merges_reopening_and_lost_tails) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t n) { return random() % n; };
    KeyRunsOptions options{.open_max = 1 + below(50),
                           .filter_bytes_max = below(2) == 0 ? 1U << 20 : below(300),
                           .merge_span_ms = 1 + static_cast<int64_t>(below(2000)),
                           .merge_fan_in = 2 + below(4)};
    std::unique_ptr<KeyRuns> runs = open(options);
    Model now, durable;
    std::string manifest;
    int64_t clock = 0;
    for (int step = 0; step < 3000; ++step) {
      const uint64_t n = below(400);
      const uint64_t what = below(1000);
      if (what < 500) {
        clock += static_cast<int64_t>(below(3));
        ASSERT_TRUE(runs->put({key(n), clock, random()}));
        const std::optional<KeyEntry> put = find(*runs, n);
        ASSERT_TRUE(put);
        now[n] = {put->a, put->b};
      } else if (what < 980) {
        const std::optional<KeyEntry> found = find(*runs, n);
        const auto known = now.find(n);
        ASSERT_EQ(found.has_value(), known != now.end()) << "seed " << seed << " step " << step;
        if (found) {
          ASSERT_EQ(std::pair(found->a, found->b), known->second);
        }
      } else if (what < 990) {
        Result<std::string> flushed = runs->flush();
        ASSERT_TRUE(flushed);
        manifest = *flushed;
        durable = now;
        ASSERT_TRUE(runs->release({manifest}));
      } else {
        runs = open(options, manifest);  // a crash: what was put since is gone
        now = durable;
      }
    }
    runs.reset();
    for (const os::Entry& entry : entries()) ASSERT_TRUE(files->remove(folder.file(entry.name)));
  }
}

TEST_F(KeyRunsTest, the_newest_entry_of_a_key_wins_also_when_runs_are_merged) {
  std::unique_ptr<KeyRuns> runs = open({.open_max = 2, .merge_span_ms = 1'000'000, .merge_fan_in = 2});
  for (uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(runs->put({key(i % 3), static_cast<int64_t>(i), i}));
  EXPECT_EQ(find(*runs, 19 % 3)->b, 19U);
  EXPECT_EQ(find(*runs, 18 % 3)->b, 18U);
  EXPECT_EQ(find(*runs, 17 % 3)->b, 17U);
}

TEST_F(KeyRunsTest, expired_runs_go_whole_and_the_rest_stays) {
  std::unique_ptr<KeyRuns> runs = open({.open_max = 4, .merge_span_ms = 0, .merge_fan_in = 2});
  for (uint64_t i = 0; i < 8; ++i) ASSERT_TRUE(runs->put({key(i), static_cast<int64_t>(i), i}));  // runs 0..3 and 4..7
  runs->expire(3);
  for (uint64_t i = 8; i < 12; ++i) ASSERT_TRUE(runs->put({key(i), static_cast<int64_t>(i), i}));
  EXPECT_EQ(runs->entries(), 8U);
  EXPECT_FALSE(find(*runs, 3));
  EXPECT_TRUE(find(*runs, 4));
  Result<std::string> manifest = runs->flush();
  ASSERT_TRUE(manifest);
  ASSERT_TRUE(runs->release({*manifest}));
  EXPECT_EQ(files_named(".run"), 2U);
}

TEST_F(KeyRunsTest, files_that_a_kept_manifest_names_stay) {
  std::unique_ptr<KeyRuns> runs = open({.open_max = 4, .merge_span_ms = 1'000'000, .merge_fan_in = 2});
  for (uint64_t i = 0; i < 6; ++i) ASSERT_TRUE(runs->put({key(i), 1, i}));
  const Result<std::string> old = runs->flush();
  for (uint64_t i = 6; i < 40; ++i) ASSERT_TRUE(runs->put({key(i), 1, i}));
  const Result<std::string> fresh = runs->flush();
  ASSERT_TRUE(old && fresh);
  ASSERT_TRUE(runs->release({*fresh, *old}));
  runs = open({.open_max = 4}, *old);
  for (uint64_t i = 0; i < 40; ++i) EXPECT_EQ(find(*runs, i).has_value(), i < 6) << i;
  runs = open({.open_max = 4}, *old);   // opening it cut what stood behind it, so the newer one is void; only this one is kept
  ASSERT_TRUE(runs->release({*old}));
  EXPECT_EQ(files_named(".open"), 1U);
  EXPECT_EQ(files_named(".run"), 1U);
}

TEST_F(KeyRunsTest, over_the_filters_budget_look_ups_read_more_and_are_as_right) {
  const auto reads = [&](size_t filter_bytes_max) {
    std::unique_ptr<KeyRuns> runs = open({.open_max = 1000, .filter_bytes_max = filter_bytes_max, .merge_span_ms = 0});
    for (uint64_t i = 0; i < 10'000; ++i) EXPECT_TRUE(runs->put({key(i), static_cast<int64_t>(i), i}));
    EXPECT_LE(runs->memory_bytes(), filter_bytes_max + 200'000);
    for (uint64_t i = 0; i < 10'000; ++i) EXPECT_EQ(find(*runs, i)->b, i);
    const uint64_t before = runs->run_reads();
    for (uint64_t i = 10'000; i < 11'000; ++i) EXPECT_FALSE(find(*runs, i));
    return runs->run_reads() - before;
  };
  const uint64_t with_filters = reads(1 << 20), without = reads(3'000);  // 10 bits a key: 12,500 bytes for all of them
  EXPECT_LT(with_filters, 500U) << "10,000 probes with about 1.2 % false ones";
  EXPECT_GT(without, 5'000U) << "most runs have no filter and are read";
}

TEST_F(KeyRunsTest, a_damaged_run_is_found_at_open) {
  std::unique_ptr<KeyRuns> runs = open({.open_max = 4});
  for (uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(runs->put({key(i), 1, i}));
  const Result<std::string> manifest = runs->flush();
  ASSERT_TRUE(manifest);
  runs.reset();
  for (const os::Entry& entry : entries()) {
    if (!entry.name.ends_with(".run")) continue;
    Result<std::unique_ptr<os::File>> file = files->open(folder.file(entry.name), os::OpenMode::read_write);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write_at(77, "x"));
  }
  const auto opened = KeyRuns::open(*files, folder.path(), {}, *manifest);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt);
  EXPECT_NE(opened.error().message.find(".run: checksum does not match"), std::string::npos);
}

TEST_F(KeyRunsTest, a_file_shorter_than_its_manifest_is_found_at_open) {
  std::unique_ptr<KeyRuns> runs = open({});
  for (uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(runs->put({key(i), 1, i}));
  const Result<std::string> manifest = runs->flush();
  ASSERT_TRUE(manifest);
  runs.reset();
  Result<std::unique_ptr<os::File>> file = files->open(folder.file("00000001.open"), os::OpenMode::read_write);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->truncate(5 * 32 - 1));
  EXPECT_EQ(KeyRuns::open(*files, folder.path(), {}, *manifest).error().code, Code::corrupt);
  for (size_t size = 0; size < manifest->size(); ++size) {
    if (size == 0) continue;  // no manifest at all: begin anew
    EXPECT_FALSE(KeyRuns::open(*files, folder.path(), {}, std::string_view(*manifest).substr(0, size))) << size;
  }
}

TEST_F(KeyRunsTest, flush_is_durable_and_what_comes_after_may_go) {
  os::FaultyFiles faulty(*files);
  std::string manifest;
  {
    Result<std::unique_ptr<KeyRuns>> runs = KeyRuns::open(faulty, folder.path(), {.open_max = 3}, {});
    ASSERT_TRUE(runs);
    for (uint64_t i = 0; i < 8; ++i) ASSERT_TRUE((*runs)->put({key(i), 1, i}));
    Result<std::string> flushed = (*runs)->flush();
    ASSERT_TRUE(flushed);
    manifest = *flushed;
    for (uint64_t i = 8; i < 40; ++i) ASSERT_TRUE((*runs)->put({key(i), 1, i}));
  }
  ASSERT_TRUE(faulty.lose_unsynced());
  std::unique_ptr<KeyRuns> runs = open({.open_max = 3}, manifest);
  for (uint64_t i = 0; i < 40; ++i) EXPECT_EQ(find(*runs, i).has_value(), i < 8) << i;
  // It goes on beside the files that the lost future left behind.
  for (uint64_t i = 8; i < 40; ++i) ASSERT_TRUE(runs->put({key(i), 2, i + 100}));
  for (uint64_t i = 8; i < 40; ++i) EXPECT_EQ(find(*runs, i)->b, i + 100);
}

}  // namespace
}  // namespace sluice::process
