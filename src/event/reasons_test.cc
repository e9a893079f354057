// docs/reasons.md is what people read; reasons.h is what the program says.
#include "event/reasons.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace sluice::event {
namespace {

TEST(ReasonsTest, the_page_for_people_lists_every_reason_with_its_meaning) {
  std::ifstream page(std::filesystem::path(__FILE__).parent_path() / "../../docs/reasons.md");
  ASSERT_TRUE(page.is_open());
  size_t rows = 0;
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("| `")) continue;
    ASSERT_LT(rows, kReasons.size()) << line;
    EXPECT_EQ(line, "| `" + std::string(kReasons[rows].word) + "` | " + std::string(kReasons[rows].meaning) + " |");
    ++rows;
  }
  EXPECT_EQ(rows, kReasons.size());
}

}  // namespace
}  // namespace sluice::event
