#include "quality/ledger_sql.h"

#include <gtest/gtest.h>

namespace sluice::quality {
namespace {

using event::Epoch;

TEST(LedgerSql, folded_rows_are_read_and_the_largest_epoch_is_as_of) {
  const auto folded = parse_folded("app\t1774707720000\t10\t7\t1\t2\t1\t41\nsi\\te\t-60000\t1\t1\t0\t0\t0\t40\n");
  ASSERT_TRUE(folded);
  EXPECT_EQ(folded->as_of, Epoch(41));
  ASSERT_EQ(folded->rows.size(), 2u);
  const event::LedgerCounts& app = folded->rows.at({"app", time_ms(1'774'707'720'000)});
  EXPECT_EQ(app.received, 10u);
  EXPECT_EQ(app.stored, 7u);
  EXPECT_EQ(app.quarantined, 1u);
  EXPECT_EQ(app.duplicate, 2u);
  EXPECT_EQ(app.conflict, 1u);
  EXPECT_TRUE(folded->rows.contains({"si\te", time_ms(-60'000)}));
}

TEST(LedgerSql, no_rows_are_as_of_no_epoch) {
  const auto folded = parse_folded("");
  ASSERT_TRUE(folded);
  EXPECT_EQ(folded->as_of, Epoch(0));
  EXPECT_TRUE(parse_stored("")->empty());
  EXPECT_TRUE(parse_stored_by_epoch("")->empty());
}

TEST(LedgerSql, counts_of_minutes_and_epochs_are_read) {
  EXPECT_EQ(parse_stored("app\t60000\t5\t2\n")->at({"app", time_ms(60'000)}), (StoreCounts{5, 2}));
  EXPECT_EQ(parse_stored_by_epoch("7\t5\t2\n")->at(Epoch(7)), (StoreCounts{5, 2}));
}

TEST(LedgerSql, an_odd_reply_is_no_zero) {
  for (const char* reply : {"app\t1\t10\t7\t1\t2\t1\n", "app\tx\t1\t1\t1\t1\t1\t1\n", "app\t1\t1\t1\t1\t1\t1\t1",
                            "\\N\t1\t1\t1\t1\t1\t1\t1\n", "app\t1\t-1\t1\t1\t1\t1\t1\n"}) {
    const auto folded = parse_folded(reply);
    ASSERT_FALSE(folded) << reply;
    EXPECT_EQ(folded.error().code, Code::corrupt);
  }
  EXPECT_FALSE(parse_stored("app\t1\t5\n"));
  EXPECT_FALSE(parse_stored_by_epoch("7\t5\n"));
}

TEST(LedgerSql, the_store_is_counted_as_of_an_epoch) {
  EXPECT_NE(stored_sql(Epoch(9)).find("epoch <= 9"), std::string::npos);
  EXPECT_NE(stored_by_epoch_sql(Epoch(3), Epoch(9)).find("epoch > 3 AND epoch <= 9"), std::string::npos);
  EXPECT_NE(folded_sql().find("FINAL"), std::string::npos);
}

}  // namespace
}  // namespace sluice::quality
