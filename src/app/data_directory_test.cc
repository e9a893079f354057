#include "app/data_directory.h"

#include <gtest/gtest.h>

#include "app/project_files.h"
#include "os/temp_folder.h"

namespace sluice::app {
namespace {

class DataDirectoryTest : public testing::Test {
 protected:
  Result<std::unique_ptr<DataDirectory>> open(DurationMs wait = DurationMs(0)) {
    return DataDirectory::open(real_.ports(), root_, wait);
  }
  Code code_of_open() {
    const Result<std::unique_ptr<DataDirectory>> opened = open();
    EXPECT_FALSE(opened);
    return opened ? Code::invalid : opened.error().code;
  }

  os::RealPorts real_;
  os::Files& files_ = real_.ports().files;
  os::TempFolder folder_{os::TempFolder::Place::memory};
  const std::string root_ = folder_.file("a/data");
};

TEST_F(DataDirectoryTest, its_id_is_made_once) {
  const std::string id = (*open())->data_id().text();
  EXPECT_EQ(id.size(), 32U);
  EXPECT_EQ((*open())->data_id().text(), id);
}

TEST_F(DataDirectoryTest, only_one_may_have_it_and_the_other_is_told_what_to_do) {
  const auto first = open();
  ASSERT_TRUE(first);
  const auto second = open(DurationMs(60));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
  EXPECT_NE(second.error().message.find("stop that one, or give another --data"), std::string::npos) << second.error().message;
}

TEST_F(DataDirectoryTest, an_id_that_is_none_is_refused) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(files_.replace(root_ + "/data-id", "0123\n"));
  EXPECT_EQ(code_of_open(), Code::corrupt);
}

TEST_F(DataDirectoryTest, a_log_without_an_id_is_not_given_a_new_one) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(files_.remove(root_ + "/data-id"));
  ASSERT_TRUE(files_.make_directories(root_ + "/log"));
  EXPECT_EQ(code_of_open(), Code::corrupt);
}

class ProjectFilesTest : public DataDirectoryTest {
 protected:
  void write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(files_.make_directories(os::parent(folder_.file(path))));
    ASSERT_TRUE(files_.replace(folder_.file(path), text));
  }
};

TEST_F(ProjectFilesTest, a_folder_without_sluice_yaml_is_no_project_and_the_message_says_how_to_make_one) {
  const auto read = read_project(files_, folder_.path());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::not_found);
  EXPECT_NE(read.error().message.find("sluice init"), std::string::npos);
}

TEST_F(ProjectFilesTest, files_come_in_order_and_what_is_no_yaml_stays_out) {
  write("sluice.yaml", "version: 1\nname: t\nsources: [{name: s}]\n");
  write("metrics/b.yml", "b");
  write("metrics/a.yaml", "a");
  write("metrics/notes.txt", "no");
  write("metrics/deeper/c.yaml", "no");
  const auto read = read_project(files_, folder_.path());
  ASSERT_TRUE(read) << read.error().message;
  std::vector<std::string> paths;
  for (const plan::SourceFile& file : *read) paths.push_back(file.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"sluice.yaml", "metrics/a.yaml", "metrics/b.yml"}));
}

TEST_F(ProjectFilesTest, a_project_has_at_most_a_thousand_files) {
  write("sluice.yaml", "version: 1\n");
  for (int i = 0; i < 1'000; ++i) write("metrics/" + std::to_string(i) + ".yaml", "");
  const auto read = read_project(files_, folder_.path());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::invalid);
}

TEST_F(ProjectFilesTest, a_plan_that_was_kept_is_found_by_its_hash_and_one_that_was_edited_is_not_taken) {
  const std::vector<plan::SourceFile> project{{"sluice.yaml", "version: 1\nname: t\nsources: [{name: s}]\n"}};
  const auto plan = compile_project(project);
  ASSERT_TRUE(plan) << plan.error().message;
  const std::string kept = folder_.file("plans");
  ASSERT_TRUE(keep_plan(files_, kept, (*plan)->hash, project));
  const auto again = load_plan(files_, kept, (*plan)->hash);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ((*again)->sources.at(0).name, "s");
  std::vector<plan::SourceFile> edited = project;
  edited[0].text += "  # \n";
  edited[0].text.replace(edited[0].text.find("name: s"), 7, "name: x");
  ASSERT_TRUE(files_.replace(kept + "/" + (*plan)->hash, plan::pack(edited)));
  const auto odd = load_plan(files_, kept, (*plan)->hash);
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().code, Code::corrupt);
}

TEST_F(ProjectFilesTest, every_mistake_is_told_at_once) {
  const auto plan = compile_project({{"sluice.yaml", "version: 1\nname: t\nsorces: []\nlistenrs: {}\n"}});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, Code::invalid);
  EXPECT_NE(plan.error().message.find("sluice.yaml:3:1"), std::string::npos) << plan.error().message;
  EXPECT_NE(plan.error().message.find("sluice.yaml:4:1"), std::string::npos) << plan.error().message;
}

}  // namespace
}  // namespace sluice::app
