#include "process/journal.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "os/faulty_files.h"
#include "os/temp_folder.h"

namespace sluice::process {
namespace {

class JournalTest : public ::testing::Test {
 protected:
  Result<Journal::Opened> open(os::Files& with, const std::string& data_id = "d1") {
    return Journal::open(with, folder.path(), data_id);
  }
  std::string path() const { return folder.file("00000001.journal"); }
  std::string bytes() {
    Result<std::string> all = files->read_all(path(), 1 << 20);
    EXPECT_TRUE(all);
    return all ? *all : "";
  }
  void overwrite(std::string_view with) {
    Result<std::unique_ptr<os::File>> file = files->open(path(), os::OpenMode::read_write);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->truncate(0));
    ASSERT_TRUE((*file)->write_at(0, with));
  }
  static event::Position position(uint64_t offset) { return {{event::PartitionId(0), event::Offset(offset)}}; }
  static std::vector<JournalEntry> samples() {
    CutEntry with_clock{Epoch(1), position(0), position(300), time_ms(1'774'700'000'123), "abc"};
    CutEntry without{Epoch(2),
                     position(300),
                     {{event::PartitionId(0), event::Offset(301)}, {event::PartitionId(7), event::Offset(1ULL << 40)}},
                     std::nullopt,
                     "abc"};
    JobEntry job{JobId(9), "daily",        "v1",       {{time_ms(-86'400'000), time_ms(0)}, {time_ms(0), time_ms(86'400'000)}},
                 Epoch(2), kMinusInfinity, time_ms(5), true};
    return {PlanEntry{"abc", Epoch(1)},
            with_clock,
            without,
            job,
            JobDoneEntry{JobId(9), true},
            ListedEntry{"daily", "v1", Epoch(2), {}},
            CommitEntry{Epoch(1), {1, 0, 0, 7}},
            AdoptedEntry{"m", "v", time_ms(-5), Epoch(2), Epoch(9), AdoptedEntry::End::takes_over},
            SwapEntry{"abc", Epoch(3)}};
  }
  void write_samples() {
    Result<Journal::Opened> opened = open(*files);
    ASSERT_TRUE(opened) << opened.error().message;
    for (const JournalEntry& entry : samples()) ASSERT_TRUE(opened->journal->append(entry));
  }

  os::TempFolder folder{os::TempFolder::Place::memory};
  std::unique_ptr<os::Files> files = os::real_files();
};

TEST_F(JournalTest, what_is_appended_is_read_again) {
  write_samples();
  Result<Journal::Opened> opened = open(*files);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->entries, samples());
  EXPECT_EQ(opened->bytes_cut, 0U);
  const Result<std::vector<JournalEntry>> beside = Journal::read(*files, folder.path(), "d1");
  ASSERT_TRUE(beside);
  EXPECT_EQ(*beside, samples());
}

TEST_F(JournalTest, a_journal_torn_at_any_byte_opens_with_its_whole_entries_and_goes_on) {
  write_samples();
  const std::string whole = bytes();
  std::vector<size_t> ends;  // of entries
  size_t at = whole.size();
  for (const JournalEntry& entry : samples()) at -= encode_entry(entry).size();
  for (const JournalEntry& entry : samples()) ends.push_back(at += encode_entry(entry).size());
  for (size_t size = 0; size <= whole.size(); ++size) {
    overwrite(whole.substr(0, size));
    Result<Journal::Opened> opened = open(*files);
    ASSERT_TRUE(opened) << size << opened.error().message;
    const auto expected = static_cast<size_t>(std::count_if(ends.begin(), ends.end(), [&](size_t end) { return end <= size; }));
    ASSERT_EQ(opened->entries.size(), expected) << size;
    ASSERT_TRUE(opened->journal->append(PlanEntry{"next", Epoch(77)}));
    Result<Journal::Opened> again = open(*files);
    ASSERT_TRUE(again) << size << again.error().message;
    ASSERT_EQ(again->entries.size(), expected + 1) << size;
    ASSERT_EQ(again->entries.back(), JournalEntry(PlanEntry{"next", Epoch(77)}));
    ASSERT_EQ(again->bytes_cut, 0U);
  }
}

// A flipped bit in front of whole entries is damage and refused; in the last entry it cannot be told from a torn write and is cut.
TEST_F(JournalTest, damage_before_the_last_entry_is_never_skipped) {
  write_samples();
  const std::string whole = bytes();
  const size_t last = whole.size() - encode_entry(samples().back()).size();
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    overwrite(damaged);
    const Result<Journal::Opened> opened = open(*files);
    if (at >= last) {
      ASSERT_TRUE(opened) << at;
      ASSERT_EQ(opened->entries.size(), samples().size() - 1) << at;
    } else {
      ASSERT_FALSE(opened) << "byte " << at << " was flipped, and " << opened->entries.size() << " entries were believed";
      ASSERT_TRUE(opened.error().code == Code::corrupt || opened.error().code == Code::conflict ||
                  opened.error().code == Code::invalid)
          << at;
    }
    EXPECT_EQ(bytes().size() < damaged.size(), at >= last) << "a refused journal is left as it is";
  }
}

TEST_F(JournalTest, another_data_id_is_a_conflict_and_changes_nothing) {
  write_samples();
  const std::string before = bytes();
  const Result<Journal::Opened> opened = open(*files, "d2");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::conflict);
  EXPECT_EQ(bytes(), before);
}

TEST_F(JournalTest, files_are_rolled_and_only_the_last_may_be_torn) {
  Result<Journal::Opened> opened = open(*files);
  ASSERT_TRUE(opened);
  JobEntry large{JobId(1), "m", "v", {}, Epoch(1), time_ms(0), time_ms(0), false};
  large.windows.assign(200'000, {time_ms(1'774'700'000'000), time_ms(1'774'700'060'000)});
  size_t count = 0;
  while (!files->exists(folder.file("00000003.journal"))) {
    ASSERT_TRUE(opened->journal->append(large));
    ASSERT_LT(++count, 100U);
  }
  Result<Journal::Opened> again = open(*files);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->entries.size(), count);
  again = fail(Code::closed, "");
  Result<std::unique_ptr<os::File>> second = files->open(folder.file("00000002.journal"), os::OpenMode::read_write);
  ASSERT_TRUE(second);
  ASSERT_TRUE((*second)->truncate(*(*second)->size() - 1));
  const Result<Journal::Opened> torn = open(*files);
  ASSERT_FALSE(torn);
  EXPECT_EQ(torn.error().code, Code::corrupt);
}

TEST_F(JournalTest, whole_files_behind_every_checkpoint_and_the_log_are_forgotten) {
  Result<Journal::Opened> opened = open(*files);
  ASSERT_TRUE(opened);
  uint64_t epoch = 0;
  while (!files->exists(folder.file("00000004.journal"))) {
    ++epoch;
    CutEntry cut{Epoch(epoch), position(epoch - 1), position(epoch), std::nullopt, std::string(1 << 20, 'p')};
    ASSERT_TRUE(opened->journal->append(cut));
    ASSERT_LT(epoch, 100U);
  }
  ASSERT_TRUE(opened->journal->forget(Epoch(epoch), event::Offset(0)));
  EXPECT_TRUE(files->exists(path())) << "the log still holds what it cuts";
  ASSERT_TRUE(opened->journal->forget(Epoch(9), event::Offset(epoch)));
  const Epoch first = opened->journal->first_epoch();
  EXPECT_LE(first, Epoch(9));
  EXPECT_GT(first, Epoch(0));
  ASSERT_TRUE(opened->journal->forget(Epoch(epoch + 1), event::Offset(epoch)));
  EXPECT_FALSE(files->exists(path()));
  EXPECT_TRUE(files->exists(folder.file("00000004.journal"))) << "the one that is written to stays";
  Result<Journal::Opened> again = open(*files);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->entries.size() + (opened->journal->first_epoch().value - 1), epoch);
}

TEST_F(JournalTest, a_failed_sync_poisons) {
  os::FaultyFiles faulty(*files);
  Result<Journal::Opened> opened = open(faulty);
  ASSERT_TRUE(opened);
  ASSERT_TRUE(opened->journal->append(PlanEntry{"a", Epoch(1)}));
  faulty.fail_data_sync(1);
  EXPECT_EQ(opened->journal->append(PlanEntry{"b", Epoch(2)}).error().code, Code::io);
  faulty.heal();
  EXPECT_EQ(opened->journal->append(PlanEntry{"c", Epoch(3)}).error().code, Code::io)
      << "no retry: what the cache says is not believed";
  opened = fail(Code::closed, "");
  ASSERT_TRUE(faulty.lose_unsynced());
  Result<Journal::Opened> again = open(*files);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->entries, (std::vector<JournalEntry>{PlanEntry{"a", Epoch(1)}}));
}

TEST_F(JournalTest, a_full_disk_passes_and_leaves_no_half_entry) {
  os::FaultyFiles faulty(*files);
  Result<Journal::Opened> opened = open(faulty);
  ASSERT_TRUE(opened);
  for (uint64_t room = 0; room < encode_entry(samples()[1]).size(); ++room) {
    faulty.limit_room(room);
    ASSERT_EQ(opened->journal->append(samples()[1]).error().code, Code::full) << room;
  }
  faulty.limit_room(std::nullopt);
  ASSERT_TRUE(opened->journal->append(samples()[1]));
  Result<Journal::Opened> again = open(*files);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->entries, std::vector<JournalEntry>{samples()[1]});
}

TEST_F(JournalTest, an_unknown_kind_or_odd_lengths_are_corrupt) {
  EXPECT_EQ(decode_entry("").error().code, Code::corrupt);
  EXPECT_EQ(decode_entry(std::string(1, '\0')).error().code, Code::corrupt);
  EXPECT_EQ(decode_entry("\x63").error().code, Code::corrupt);
  for (const JournalEntry& entry : samples()) {
    const std::string body = encode_entry(entry).substr(8);
    EXPECT_EQ(*decode_entry(body), entry);
    for (size_t size = 0; size < body.size(); ++size)
      EXPECT_FALSE(decode_entry(std::string_view(body).substr(0, size))) << entry.index() << " " << size;
    EXPECT_FALSE(decode_entry(body + "x")) << entry.index();
  }
}

// The example of docs/formats/journal-v1.md was computed by a script that shares no code with this program.
TEST_F(JournalTest, the_documents_example_is_what_the_program_writes) {
  std::ifstream document(std::filesystem::path(__FILE__).parent_path() / "../../docs/formats/journal-v1.md");
  std::string line, example;
  bool inside = false;
  while (std::getline(document, line)) {
    if (line.starts_with("```")) {
      inside = line == "```hex";
    } else if (inside) {
      std::istringstream columns(line.substr(4, line.find('|') - 4));  // behind the position
      for (std::string two; columns >> two;) example += static_cast<char>(std::stoi(two, nullptr, 16));
    }
  }
  ASSERT_EQ(example.size(), 85U) << "the example was found";
  Result<Journal::Opened> opened = open(*files);
  ASSERT_TRUE(opened);
  ASSERT_TRUE(opened->journal->append(PlanEntry{"abc", Epoch(1)}));
  ASSERT_TRUE(opened->journal->append(CommitEntry{Epoch(1), {3, 1, 0, 0}}));
  EXPECT_EQ(hex(bytes()), hex(example));
}

}  // namespace
}  // namespace sluice::process
