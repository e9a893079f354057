#include "app/project_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "os/temp_folder.h"
#include "plan/dimension_table.h"
#include "plan/zone.h"

namespace sluice::app {
namespace {

class ZoneFilesTest : public ::testing::Test {
 protected:
  void write(const std::string& path, std::string_view text) {
    std::filesystem::create_directories(std::filesystem::path(folder_.file(path)).parent_path());
    std::ofstream(folder_.file(path)) << text;
  }
  void write_metric(std::string_view window) {
    write("sluice.yaml", "version: 1\nname: p\nsources: [{name: site}]\n");
    write("metrics/m.yaml", "version: 1\nmetrics:\n  - {name: m, window: " + std::string(window) + ", measures: {n: count()}}\n");
  }
  std::vector<plan::SourceFile> read() {
    const auto files = read_project(*files_, folder_.path());
    EXPECT_TRUE(files) << files.error().message;
    return files ? *files : std::vector<plan::SourceFile>{};
  }

  os::TempFolder folder_;
  std::unique_ptr<os::Files> files_ = os::real_files();
};

TEST_F(ZoneFilesTest, a_zone_that_is_named_is_read_from_the_machine_and_kept_with_the_plan) {
  if (!files_->exists(os::join(plan::kZoneFolder, "Europe/Berlin"))) GTEST_SKIP() << "this machine has no time zones";
  write_metric("{calendar: day, zone: Europe/Berlin}");
  const std::vector<plan::SourceFile> files = read();
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[2].path, "zones/Europe/Berlin");
  EXPECT_TRUE(files[2].text.starts_with("TZif"));
  const auto plan = compile_project(files);
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_TRUE(keep_plan(*files_, folder_.file("plans"), (*plan)->hash, files));
  const auto again = load_plan(*files_, folder_.file("plans"), (*plan)->hash);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ((*again)->metrics[0].version, (*plan)->metrics[0].version);
}

TEST_F(ZoneFilesTest, a_zone_that_the_machine_does_not_have_is_said_where_it_is_named) {
  write_metric("{calendar: day, zone: Europe/Nowhere}");
  const auto plan = compile_project(read());
  ASSERT_FALSE(plan);
  EXPECT_TRUE(plan.error().message.starts_with("metrics/m.yaml:3:45: no time zone `Europe/Nowhere` in /usr/share/zoneinfo"))
      << plan.error().message;
}

TEST_F(ZoneFilesTest, the_file_of_a_dimension_is_read_kept_with_the_plan_and_part_of_the_stamp) {
  write_metric("{tumble: 1h}");
  write("dimensions/d.yaml", "version: 1\ndimensions: [{name: accounts, key: id, file: data/accounts.csv}]\n");
  const std::vector<std::string> named{"data/accounts.csv"};
  const auto stamp = [&] {
    const Result<std::string> now = project_stamp(*files_, folder_.path(), named);
    return now ? *now : now.error().message;
  };
  const std::string without = stamp();
  const auto missing = compile_project(read());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "dimensions/d.yaml:2:46: there is no file data/accounts.csv in the project's folder\n");
  write("data/accounts.csv", "id,plan\na,pro\n");
  EXPECT_NE(stamp(), without);
  const std::vector<plan::SourceFile> files = read();
  EXPECT_EQ(plan::dimension_files_of(files), named);
  const auto plan = compile_project(files);
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_TRUE(keep_plan(*files_, folder_.file("plans"), (*plan)->hash, files));
  const std::string before = stamp();
  write("data/accounts.csv", "id,plan\na,free!\n");
  EXPECT_NE(stamp(), before);
  const auto again = load_plan(*files_, folder_.file("plans"), (*plan)->hash);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ((*again)->dimension_files[0].table->hash(), (*plan)->dimension_files[0].table->hash());
  EXPECT_NE((*compile_project(read()))->hash, (*plan)->hash);
}

}  // namespace
}  // namespace sluice::app
