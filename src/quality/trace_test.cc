#include "quality/trace.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::quality {
namespace {

using event::Epoch;

// One id with every fate: stored, repeated twice (once with other content), refused once, sent once more just now.
Trace all_fates() {
  Trace trace{"m-1", {}};
  EXPECT_TRUE(parse_duplicate_copies(
      "site\t1774707725000\t0\t30\t9\t1774707721000\t0\nsite\t1774707726000\t0\t31\t9\t1774707721000\t1\n", trace.copies));
  EXPECT_TRUE(parse_stored_copies("site\t1774707721000\t0\t12\t7\t1774700000000\tpage_viewed\tu_8a3f\n", trace.copies));
  EXPECT_TRUE(parse_quarantined_copies("site\t1774707727000\t0\t40\t9\ttimestamp_invalid\t$.timestamp\n", trace.copies));
  Copy pending;
  pending.source = "site";
  pending.place = {event::PartitionId(0), event::Offset(52)};
  pending.received_at = time_ms(1'774'707'728'000);
  trace.copies.push_back(pending);
  sort_copies(trace);
  return trace;
}

TEST(Trace, copies_stand_in_the_order_of_the_log_with_their_verdicts) {
  const nlohmann::json json = nlohmann::json::parse(trace_json(all_fates()));
  EXPECT_TRUE(json["found"].get<bool>());
  EXPECT_EQ(json["id"], "m-1");
  ASSERT_EQ(json["copies"].size(), 5u);
  const char* verdicts[] = {"stored", "duplicate", "duplicate", "quarantined", "pending"};
  const char* places[] = {"0:12", "0:30", "0:31", "0:40", "0:52"};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(json["copies"][i]["verdict"], verdicts[i]);
    EXPECT_EQ(json["copies"][i]["place"], places[i]);
  }
  EXPECT_EQ(json["copies"][0]["epoch"], 7);
  EXPECT_EQ(json["copies"][0]["event_time"], 1'774'700'000'000);
  EXPECT_EQ(json["copies"][1]["of"], "0:12");
  EXPECT_FALSE(json["copies"][1]["conflict"].get<bool>());
  EXPECT_TRUE(json["copies"][2]["conflict"].get<bool>());
  EXPECT_EQ(json["copies"][3]["reason"], "timestamp_invalid");
  EXPECT_EQ(json["copies"][3]["path"], "$.timestamp");
  EXPECT_TRUE(json["copies"][4]["epoch"].is_null());
}

TEST(Trace, the_text_says_what_became_of_each_copy) {
  const std::string text = trace_text(all_fates());
  EXPECT_NE(text.find("m-1: 5 copies"), std::string::npos);
  EXPECT_NE(
      text.find("stored in sluice.events by epoch 7: event page_viewed, event time 2026-03-28T12:13:20.000Z, user key u_8a3f"),
      std::string::npos);
  EXPECT_NE(text.find("duplicate of 0:12 received 2026-03-28T14:22:01.000Z: counted by epoch 9, not stored\n"),
            std::string::npos);
  EXPECT_NE(text.find("its content differs (conflict)"), std::string::npos);
  EXPECT_NE(text.find("quarantined by epoch 9: timestamp_invalid at $.timestamp"), std::string::npos);
  EXPECT_NE(text.find("pending: safe in the log"), std::string::npos);
}

TEST(Trace, a_store_that_was_not_asked_is_told) {
  Trace trace{"m-1", {Copy{}}};
  EXPECT_TRUE(nlohmann::json::parse(trace_json(trace))["complete"].get<bool>());
  EXPECT_EQ(trace_text(trace).find("does not answer"), std::string::npos);
  trace.complete = false;
  EXPECT_FALSE(nlohmann::json::parse(trace_json(trace))["complete"].get<bool>());
  EXPECT_NE(trace_text(trace).find("The store does not answer now"), std::string::npos);
}

TEST(Trace, nothing_found_is_an_answer) {
  const Trace trace{"m-2", {}};
  EXPECT_NE(trace_text(trace).find("m-2: not received"), std::string::npos);
  const nlohmann::json json = nlohmann::json::parse(trace_json(trace));
  EXPECT_FALSE(json["found"].get<bool>());
  EXPECT_TRUE(json["copies"].empty());
}

TEST(Trace, a_duplicate_belongs_to_the_stored_copy_of_its_own_source_before_it) {
  Trace trace{"m", {}};
  ASSERT_TRUE(parse_stored_copies("a\t1\t0\t1\t1\t1\te\tk\nb\t2\t0\t2\t1\t1\te\tk\na\t9\t0\t9\t4\t1\te\tk\n", trace.copies));
  ASSERT_TRUE(parse_duplicate_copies("a\t3\t0\t3\t1\t1\t0\na\t10\t0\t10\t4\t9\t0\nc\t4\t0\t4\t1\t1\t0\n", trace.copies));
  sort_copies(trace);
  const nlohmann::json json = nlohmann::json::parse(trace_json(trace));
  EXPECT_EQ(json["copies"][2]["of"], "0:1");
  EXPECT_TRUE(json["copies"][3]["of"].is_null());  // source c has no stored copy left
  EXPECT_EQ(json["copies"][5]["of"], "0:9");
}

TEST(Trace, an_id_cannot_leave_its_quotes) {
  const std::string sql = stored_copies_sql("x' OR 1 --\\");
  EXPECT_NE(sql.find("message_id = 'x\\' OR 1 --\\\\'"), std::string::npos) << sql;
}

TEST(Trace, an_odd_reply_is_not_a_missing_copy) {
  std::vector<Copy> copies;
  EXPECT_FALSE(parse_stored_copies("site\t1\t0\t12\t7\n", copies));
  EXPECT_FALSE(parse_stored_copies("site\tx\t0\t12\t7\t1\te\tk\n", copies));
  EXPECT_FALSE(parse_duplicate_copies("site\t1\t70000\t12\t7\t1\t0\n", copies));
  EXPECT_FALSE(parse_quarantined_copies("site\t1\t0\t12\t7\tr\tp", copies));
  EXPECT_TRUE(copies.empty());
}

}  // namespace
}  // namespace sluice::quality
