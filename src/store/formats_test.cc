#include "store/formats.h"

#include <gtest/gtest.h>

#include "store/native.h"

namespace sluice::store {
namespace {

const std::vector<Column> kColumns = {{"a", "UInt64"}, {"it's \"b\"\t", "Map(String, String)"}};

// Heads as the engine writes them; child_test compares with the engine itself.
TEST(Formats, heads_are_written_as_the_engine_writes_them) {
  EXPECT_EQ(format_head("TSVWithNames", kColumns), "a\tit\\'s \"b\"\\t\n");
  EXPECT_EQ(format_head("TabSeparatedWithNamesAndTypes", kColumns), "a\tit\\'s \"b\"\\t\nUInt64\tMap(String, String)\n");
  EXPECT_EQ(format_head("CSVWithNames", kColumns), "\"a\",\"it's \"\"b\"\"\t\"\n");
  EXPECT_EQ(format_head("JSONCompactEachRowWithNames", kColumns), "[\"a\", \"it's \\\"b\\\"\\t\"]\n");
  EXPECT_EQ(format_head("RowBinaryWithNames", {{"a", "UInt64"}}), std::string("\x01\x01"
                                                                              "a",
                                                                              3));
  EXPECT_EQ(format_head("RowBinaryWithNamesAndTypes", {{"a", "UInt64"}}), std::string("\x01\x01"
                                                                                      "a\x06UInt64",
                                                                                      10));
}

TEST(Formats, kinds_decide_what_may_be_streamed) {
  EXPECT_EQ(format_kind("Native"), FormatKind::rows);
  EXPECT_EQ(format_kind("CSVWithNames"), FormatKind::headed);
  for (const char* document : {"JSON", "Parquet", "ArrowStream", "Pretty", "NobodyKnows"})
    EXPECT_EQ(format_kind(document), FormatKind::document) << document;
  for (const char* closed : {"Template", "CapnProto", "Protobuf", "native", "", "CustomSeparated"})
    EXPECT_FALSE(is_allowed_format(closed)) << closed;
}

TEST(Formats, content_types_are_those_of_clickhouse) {
  EXPECT_EQ(content_type("JSONEachRow"), "application/x-ndjson; charset=UTF-8");
  EXPECT_EQ(content_type("JSONCompact"), "application/json; charset=UTF-8");
  EXPECT_EQ(content_type("CSVWithNames"), "text/csv; charset=UTF-8");
  EXPECT_EQ(content_type("Parquet"), "application/octet-stream");
}

TEST(Native, the_hello_block_is_framed_byte_by_byte) {
  const std::string block = hello_block("s", "26.7.2.1", "UTC");
  const std::string expected = std::string("\x01\x00\x02\xFF\xFF\xFF\xFF\x00\x04\x01", 10) +
                               std::string(
                                   "\x0D"
                                   "displayName()\x06String\x00\x01s",
                                   24) +
                               std::string(
                                   "\x09version()\x06String\x00\x08"
                                   "26.7.2.1",
                                   27) +
                               std::string("\x0Arevision()\x06UInt32\x00\x00\x00\x00\x00", 23) +
                               std::string("\x0Atimezone()\x06String\x00\x03UTC", 23);
  EXPECT_EQ(block, expected);
}

TEST(Native, descriptions_are_read_or_refused) {
  const std::string row = std::string("\x01x\x05UInt8\x00\x00\x00\x00\x00", 13);
  const Result<std::vector<Column>> columns = read_description(row + row);
  ASSERT_TRUE(columns);
  EXPECT_EQ(columns->size(), 2U);
  EXPECT_EQ((*columns)[1].type, "UInt8");
  for (size_t cut = 1; cut < row.size(); ++cut) EXPECT_FALSE(read_description(row.substr(0, cut))) << cut;
}

}  // namespace
}  // namespace sluice::store
