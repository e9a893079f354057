#include "process/identity.h"

#include <gtest/gtest.h>

#include "os/temp_folder.h"

namespace sluice::process {
namespace {

constexpr DurationMs kDay{86'400'000};

class IdentityTest : public ::testing::Test {
 protected:
  os::TempFolder folder{os::TempFolder::Place::memory};
  std::unique_ptr<os::Files> files = os::real_files();
};

TEST_F(IdentityTest, an_id_is_new_again_exactly_a_window_after_the_stored_one) {
  Result<std::unique_ptr<Deduplication>> ids = Deduplication::open(*files, folder.path(), {}, {});
  ASSERT_TRUE(ids);
  const auto check = [&](int64_t ms, uint64_t content) {
    const auto earlier = (*ids)->check(Deduplication::key_of("site", "m"), time_ms(ms), content, kDay);
    EXPECT_TRUE(earlier);
    return *earlier;
  };
  EXPECT_FALSE(check(1000, 7));
  const auto duplicate = check(1000 + kDay.count() - 1, 7);
  ASSERT_TRUE(duplicate);
  EXPECT_EQ(duplicate->received_at, time_ms(1000));
  EXPECT_FALSE(duplicate->conflict);
  EXPECT_TRUE(check(1001, 8)->conflict);
  EXPECT_FALSE(check(1000 + kDay.count(), 8));
  EXPECT_FALSE(check(1000 + kDay.count() + 1, 8)->conflict) << "the new one is what later ones are compared with";
  EXPECT_FALSE(*(*ids)->check(Deduplication::key_of("shop", "m"), time_ms(1001), 7, kDay)) << "ids are of their source";
  EXPECT_FALSE(*(*ids)->check(Deduplication::key_of("sit", "em"), time_ms(1001), 7, kDay));
}

TEST_F(IdentityTest, the_latest_link_wins_and_only_a_change_says_so) {
  Result<std::unique_ptr<Links>> links = Links::open(*files, folder.path(), {}, {});
  ASSERT_TRUE(links);
  EXPECT_EQ(*(*links)->find("site", "a"), "");
  EXPECT_TRUE(*(*links)->link("site", "a", "u1", time_ms(1)));
  EXPECT_FALSE(*(*links)->link("site", "a", "u1", time_ms(2)));
  EXPECT_TRUE(*(*links)->link("site", "a", "u2", time_ms(3)));
  EXPECT_EQ(*(*links)->find("site", "a"), "u2");
  EXPECT_EQ(*(*links)->find("shop", "a"), "");
}

TEST_F(IdentityTest, links_survive_with_a_manifest_and_only_up_to_it) {
  const KeyRunsOptions options{.open_max = 3, .merge_fan_in = 2};
  std::string manifest;
  const std::string long_user(5000, 'u');  // longer than one read
  {
    Result<std::unique_ptr<Links>> links = Links::open(*files, folder.path(), options, {});
    ASSERT_TRUE(links);
    for (int i = 0; i < 10; ++i)
      ASSERT_TRUE((*links)->link("site", "a" + std::to_string(i), "u" + std::to_string(i), time_ms(i)));
    ASSERT_TRUE((*links)->link("site", "long", long_user, time_ms(10)));
    Result<std::string> flushed = (*links)->flush();
    ASSERT_TRUE(flushed);
    manifest = *flushed;
    ASSERT_TRUE((*links)->link("site", "a3", "other", time_ms(11)));
    ASSERT_TRUE((*links)->link("site", "late", "u", time_ms(11)));
    ASSERT_TRUE((*links)->flush());
  }
  Result<std::unique_ptr<Links>> links = Links::open(*files, folder.path(), options, manifest);
  ASSERT_TRUE(links);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(*(*links)->find("site", "a" + std::to_string(i)), "u" + std::to_string(i));
  EXPECT_EQ(*(*links)->find("site", "long"), long_user);
  EXPECT_EQ(*(*links)->find("site", "late"), "");
  // What is written now stands where the lost texts stood.
  EXPECT_TRUE(*(*links)->link("site", "late", "again", time_ms(12)));
  Result<std::string> flushed = (*links)->flush();
  ASSERT_TRUE(flushed);
  links = Links::open(*files, folder.path(), options, *flushed);
  ASSERT_TRUE(links);
  EXPECT_EQ(*(*links)->find("site", "late"), "again");
}

TEST_F(IdentityTest, a_text_file_shorter_than_its_links_is_corrupt) {
  std::string manifest;
  {
    Result<std::unique_ptr<Links>> links = Links::open(*files, folder.path(), {}, {});
    ASSERT_TRUE(links);
    ASSERT_TRUE((*links)->link("site", "a", "some user", time_ms(1)));
    Result<std::string> flushed = (*links)->flush();
    ASSERT_TRUE(flushed);
    manifest = *flushed;
  }
  Result<std::unique_ptr<os::File>> file = files->open(folder.file("users.txt"), os::OpenMode::read_write);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->truncate(4));
  Result<std::unique_ptr<Links>> links = Links::open(*files, folder.path(), {}, manifest);
  if (links) {
    EXPECT_EQ((*links)->find("site", "a").error().code, Code::corrupt);
  } else {
    EXPECT_EQ(links.error().code, Code::corrupt);
  }
}

}  // namespace
}  // namespace sluice::process
