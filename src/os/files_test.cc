#include "os/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "os/faulty_files.h"
#include "os/temp_folder.h"

namespace sluice::os {
namespace {

class FilesTest : public testing::Test {
 protected:
  std::unique_ptr<File> create(const std::string& name) { return *files_->open(folder_.file(name), OpenMode::create_new); }

  TempFolder folder_;
  std::unique_ptr<Files> files_ = real_files();
};

TEST_F(FilesTest, written_bytes_are_read_back_and_reads_stop_at_the_end) {
  const auto file = create("a");
  ASSERT_TRUE(file->write_at(0, "hello world"));
  ASSERT_TRUE(file->write_at(6, "there"));
  EXPECT_EQ(*file->read_at(0, 100), "hello there");
  EXPECT_EQ(*file->read_at(6, 3), "the");
  EXPECT_EQ(*file->read_at(11, 5), "");
  EXPECT_EQ(*file->read_at(1000, 5), "");
  EXPECT_TRUE(file->data_sync());
  EXPECT_TRUE(file->drop_cache());
  EXPECT_EQ(*file->read_at(0, 5), "hello");
}

TEST_F(FilesTest, preallocated_room_reads_as_zeros_counts_as_size_and_keeps_what_was_written) {
  const auto file = create("a");
  ASSERT_TRUE(file->write_at(0, "abc"));
  ASSERT_TRUE(file->preallocate(8192));
  EXPECT_EQ(*file->size(), 8192U);
  EXPECT_EQ(*file->read_at(0, 8192), "abc" + std::string(8189, '\0'));
  ASSERT_TRUE(file->preallocate(10)) << "less than the size changes nothing";
  EXPECT_EQ(*file->size(), 8192U);
  struct stat status{};
  ASSERT_EQ(::stat(folder_.file("a").c_str(), &status), 0);
  EXPECT_GE(status.st_blocks * 512, 8192) << "the room is reserved, not only promised";
}

TEST_F(FilesTest, truncate_cuts_and_the_cut_part_reads_as_zeros_when_it_grows_again) {
  const auto file = create("a");
  ASSERT_TRUE(file->write_at(0, "abcdef"));
  ASSERT_TRUE(file->truncate(2));
  ASSERT_TRUE(file->truncate(4));
  EXPECT_EQ(*file->read_at(0, 10), std::string("ab\0\0", 4));
}

TEST_F(FilesTest, creating_twice_is_a_conflict_and_opening_nothing_is_not_found) {
  create("a");
  const auto again = files_->open(folder_.file("a"), OpenMode::create_new);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::conflict);
  const auto missing = files_->open(folder_.file("b"), OpenMode::read);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_NE(missing.error().message.find(folder_.file("b")), std::string::npos) << "says where";
}

TEST_F(FilesTest, new_files_and_folders_are_private) {
  create("a");
  ASSERT_TRUE(files_->make_directories(folder_.file("x/y/z")));
  struct stat status{};
  ASSERT_EQ(::stat(folder_.file("a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0077, 0U);
  ASSERT_EQ(::stat(folder_.file("x/y").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0077, 0U);
  EXPECT_TRUE(files_->make_directories(folder_.file("x/y/z"))) << "there already";
  EXPECT_FALSE(files_->make_directories(folder_.file("a/b"))) << "a file stands in the way";
}

TEST_F(FilesTest, list_is_sorted_and_knows_sizes_and_folders) {
  ASSERT_TRUE(create("b")->write_at(0, "123"));
  create("a");
  ASSERT_TRUE(files_->make_directories(folder_.file("c")));
  const auto entries = *files_->list(folder_.path());
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[1].name, "b");
  EXPECT_EQ(entries[1].size, 3U);
  EXPECT_TRUE(entries[2].is_directory);
  EXPECT_EQ(files_->list(folder_.file("nowhere")).error().code, Code::not_found);
}

TEST_F(FilesTest, replace_swaps_the_whole_content_and_survives_a_leftover_of_an_earlier_try) {
  const std::string path = folder_.file("a");
  ASSERT_TRUE(files_->replace(path, "one"));
  create("a.new");
  ASSERT_TRUE(files_->replace(path, "two"));
  EXPECT_EQ(*files_->read_all(path, 3), "two");
  EXPECT_FALSE(files_->exists(path + ".new"));
  EXPECT_EQ(files_->read_all(path, 2).error().code, Code::invalid);
}

TEST_F(FilesTest, removing_what_is_absent_is_no_error) {
  EXPECT_TRUE(files_->remove(folder_.file("a")));
  EXPECT_TRUE(files_->remove_tree(folder_.file("a")));
  create("a");
  EXPECT_TRUE(files_->remove(folder_.file("a")));
  EXPECT_FALSE(files_->exists(folder_.file("a")));
}

TEST_F(FilesTest, a_lock_is_held_by_one_until_it_is_dropped) {
  auto first = files_->lock(folder_.file("lock"));
  ASSERT_TRUE(first);
  const auto second = files_->lock(folder_.file("lock"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
  first->reset();
  EXPECT_TRUE(files_->lock(folder_.file("lock")));
}

TEST_F(FilesTest, syncs_of_folder_and_file_system_succeed_and_free_bytes_is_known) {
  EXPECT_TRUE(files_->sync_directory(folder_.path()));
  EXPECT_TRUE(files_->sync_file_system(folder_.path()));
  EXPECT_GT(*files_->free_bytes(folder_.path()), 0U);
}

TEST(Paths, join_and_parent_are_inverse_enough) {
  EXPECT_EQ(join("a", "b"), "a/b");
  EXPECT_EQ(join("a/", "b"), "a/b");
  EXPECT_EQ(join("", "b"), "b");
  EXPECT_EQ(parent("a/b"), "a");
  EXPECT_EQ(parent("/a"), "/");
  EXPECT_EQ(parent("a/b/"), "a");
  EXPECT_EQ(parent("a"), ".");
}

class FaultyFilesTest : public FilesTest {
 protected:
  FaultyFiles faulty_{*files_};
};

TEST_F(FaultyFilesTest, only_the_chosen_sync_of_the_chosen_file_fails) {
  const auto journal = *faulty_.open(folder_.file("journal"), OpenMode::create_new);
  const auto other = *faulty_.open(folder_.file("other"), OpenMode::create_new);
  faulty_.fail_data_sync(2, "journal");
  EXPECT_TRUE(other->data_sync());
  EXPECT_TRUE(journal->data_sync());
  EXPECT_TRUE(other->data_sync());
  EXPECT_EQ(journal->data_sync().error().code, Code::io);
  EXPECT_TRUE(journal->data_sync());
  EXPECT_EQ(faulty_.data_syncs(), 4U);
}

TEST_F(FaultyFilesTest, a_torn_write_leaves_its_first_bytes) {
  const auto file = *faulty_.open(folder_.file("a"), OpenMode::create_new);
  faulty_.tear_write(1, 3);
  EXPECT_EQ(file->write_at(0, "abcdef").error().code, Code::io);
  EXPECT_EQ(*file->read_at(0, 10), "abc");
}

TEST_F(FaultyFilesTest, a_full_disk_takes_a_prefix_and_has_room_again_after_healing) {
  const auto file = *faulty_.open(folder_.file("a"), OpenMode::create_new);
  faulty_.limit_room(4);
  EXPECT_EQ(file->preallocate(5).error().code, Code::full);
  EXPECT_EQ(file->write_at(0, "abcdef").error().code, Code::full);
  EXPECT_EQ(*file->size(), 4U);
  EXPECT_TRUE(file->write_at(0, "wxyz")) << "no new room needed";
  faulty_.limit_room(std::nullopt);
  EXPECT_TRUE(file->write_at(0, "abcdef"));
}

TEST_F(FaultyFilesTest, after_the_disk_stopped_nothing_works_and_unsynced_changes_are_lost) {
  auto file = *faulty_.open(folder_.file("a"), OpenMode::create_new);
  ASSERT_TRUE(file->write_at(0, "synced"));
  ASSERT_TRUE(file->data_sync());
  faulty_.stop_after(3);
  EXPECT_TRUE(file->write_at(0, "SYNCED and more"));
  EXPECT_TRUE(file->truncate(3));
  EXPECT_TRUE(file->preallocate(100));
  EXPECT_FALSE(file->data_sync());
  EXPECT_FALSE(file->read_at(0, 1));
  file.reset();
  faulty_.heal();
  ASSERT_TRUE(faulty_.lose_unsynced());
  EXPECT_EQ(*faulty_.read_all(folder_.file("a"), 100), "synced");
}

}  // namespace
}  // namespace sluice::os
