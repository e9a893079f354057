#include "plan/dimension_table.h"

#include <gtest/gtest.h>

#include "base/rfc3339.h"
#include "plan/diagnostics.h"

namespace sluice::plan {
namespace {

DimensionFile file(std::string path, std::string valid_from = "", std::string valid_to = "") {
  DimensionFile out;
  out.name = "accounts";
  out.key = "id";
  out.valid_from = std::move(valid_from);
  out.valid_to = std::move(valid_to);
  out.path = std::move(path);
  return out;
}

std::string errors(const DimensionFile& of, std::string_view text) {
  Diagnostics diagnostics;
  const auto table = read_dimension_table(of, text, diagnostics);
  std::string all;
  for (const Diagnostic& d : std::move(diagnostics).sorted()) all += d.text() + "\n";
  EXPECT_EQ(table == nullptr, !all.empty());
  return all;
}

std::shared_ptr<const DimensionTable> read(const DimensionFile& of, std::string_view text) {
  Diagnostics diagnostics;
  auto table = read_dimension_table(of, text, diagnostics);
  for (const Diagnostic& d : std::move(diagnostics).sorted()) ADD_FAILURE() << d.text();
  return table;
}

TimeMs at(std::string_view text) { return parse_rfc3339(text)->time; }

// The text under a column in the row that a key has then; "-" for none, "NULL" for no value.
std::string value(const DimensionTable& table, std::string_view key, std::string_view time, std::string_view column) {
  const auto row = table.find(key, at(time));
  if (!row) return "-";
  const DimensionTable::Cell cell = table.cell(*row, *table.column(column));
  if (cell.is_null) return "NULL";
  return std::string(cell.text) + (cell.number() ? "=" + cell.number()->to_text() : "");
}

TEST(dimension_table, a_row_holds_from_its_own_millisecond_until_before_its_end) {
  const auto table =
      read(file("a.csv", "since", "until"),
           "id,plan,since,until\na,pro,2026-03-28T11:00:00Z,2026-03-28T12:00:00Z\na,free,2026-03-28,2026-03-28T11:00:00Z\n");
  EXPECT_EQ(value(*table, "a", "2026-03-27T23:59:59.999Z", "plan"), "-");
  EXPECT_EQ(value(*table, "a", "2026-03-28T00:00:00Z", "plan"), "free");
  EXPECT_EQ(value(*table, "a", "2026-03-28T10:59:59.999Z", "plan"), "free");
  EXPECT_EQ(value(*table, "a", "2026-03-28T11:00:00Z", "plan"), "pro");
  EXPECT_EQ(value(*table, "a", "2026-03-28T11:59:59.999Z", "plan"), "pro");
  EXPECT_EQ(value(*table, "a", "2026-03-28T12:00:00Z", "plan"), "-");
  EXPECT_EQ(value(*table, "A", "2026-03-28T11:00:00Z", "plan"), "-");
}

TEST(dimension_table, without_validity_a_row_holds_always) {
  const auto table = read(file("a.csv"), "id,plan\na,pro\n");
  EXPECT_EQ(value(*table, "a", "1901-01-01T00:00:00Z", "plan"), "pro");
  EXPECT_EQ(value(*table, "a", "2099-12-31T23:59:59Z", "plan"), "pro");
}

TEST(dimension_table, an_end_that_is_missing_is_open) {
  const auto table = read(file("a.csv", "since", "until"), "id,plan,since,until\na,free,,2026-01-01\na,pro,2026-01-01,\n");
  EXPECT_EQ(value(*table, "a", "1901-01-01T00:00:00Z", "plan"), "free");
  EXPECT_EQ(value(*table, "a", "2026-01-01T00:00:00Z", "plan"), "pro");
}

TEST(dimension_table, csv_has_quotes_commas_line_ends_and_a_byte_order_mark) {
  const auto table = read(file("a.csv"), "\xEF\xBB\xBFid,\"Plan, now\",x.y\r\na,\"one \"\"two\"\"\nthree\",7\r\n\r\nb,,\r\n");
  EXPECT_EQ(value(*table, "a", "2026-01-01T00:00:00Z", "Plan, now"), "one \"two\"\nthree");
  EXPECT_EQ(value(*table, "a", "2026-01-01T00:00:00Z", "x\\.y"), "7=7");
  EXPECT_EQ(value(*table, "b", "2026-01-01T00:00:00Z", "Plan, now"), "NULL");
}

TEST(dimension_table, csv_texts_stay_as_written_and_are_numbers_where_json_has_one) {
  const auto table = read(file("a.csv"), "id,v\na,1.50\nb,007\nc,1e3\nd,-0.0000000005\ne,n/a\nf,1e18\n");
  const auto v = [&](std::string_view key) { return value(*table, key, "2026-01-01T00:00:00Z", "v"); };
  EXPECT_EQ(v("a"), "1.50=1.5");
  EXPECT_EQ(v("b"), "007");
  EXPECT_EQ(v("c"), "1e3=1000");
  EXPECT_EQ(v("d"), "-0.0000000005=-0.000000001");
  EXPECT_EQ(v("e"), "n/a");
  EXPECT_EQ(v("f"), "1e18");
}

TEST(dimension_table, json_lines_are_typed_as_properties_are) {
  const auto table =
      read(file("a.jsonl"),
           "{\"id\":\"a\",\"s\":\"5\",\"n\":1.50,\"big\":1e18,\"b\":true,\"none\":null,\"in\":{\"x.y\":2},\"list\":[{\"n\":9}]}\n"
           "\n{\"id\":42.0}\n");
  const auto v = [&](std::string_view column) { return value(*table, "a", "2026-01-01T00:00:00Z", column); };
  EXPECT_EQ(v("s"), "5");
  EXPECT_EQ(v("n"), "1.5=1.5");
  EXPECT_EQ(v("big"), "1e18");
  EXPECT_EQ(v("b"), "true");
  EXPECT_EQ(v("in.x\\.y"), "2=2");
  EXPECT_EQ(table->columns(), (std::vector<std::string>{"b", "big", "id", "in.x\\.y", "n", "s"}));
  EXPECT_EQ(value(*table, "42", "2026-01-01T00:00:00Z", "id"), "42=42");
}

TEST(dimension_table, intervals_of_a_key_that_overlap_are_refused) {
  const DimensionFile both = file("a.csv", "since", "until");
  EXPECT_EQ(errors(both, "id,since,until\na,2026-01-02,\nb,,\na,2026-01-01,2026-01-02T00:00:00.001Z\n"),
            "a.csv:4:1: key `a` is valid at the same time on line 2; its intervals may not overlap\n");
  EXPECT_EQ(errors(both, "id,since,until\na,2026-01-02,\na,2026-01-01,2026-01-02\n"), "");
  EXPECT_EQ(errors(file("a.csv"), "id\na\na\n"), "a.csv:3:1: key `a` is on line 2 already; without validity a key has one row\n");
}

TEST(dimension_table, faults_of_csv_name_their_line_and_column) {
  EXPECT_EQ(errors(file("a.csv"), ""), "a.csv:1:1: a CSV file begins with a line that names its columns\n");
  EXPECT_EQ(errors(file("a.csv"), "idd,plan\na,b\n"), "a.csv:1:1: no column `id`; did you mean `idd`?\n");
  EXPECT_EQ(errors(file("a.csv"), "id,plan,plan\n"), "a.csv:1:9: a second column `plan`\n");
  EXPECT_EQ(errors(file("a.csv"), "id,plan\na\nb,pro\n"), "a.csv:2:1: 1 fields, where the first line has 2\n");
  EXPECT_EQ(errors(file("a.csv"), "id,plan\n,pro\n"), "a.csv:2:1: this row has no `id`, which is the key\n");
  EXPECT_EQ(errors(file("a.csv"), "id,plan\na,p\"ro\n"),
            "a.csv:2:4: a double quote inside a field; write the field in double quotes, its own as \"\"\n");
  EXPECT_EQ(errors(file("a.csv"), "id,plan\na,\"pro\n"), "a.csv:2:3: this double quote is never closed\n");
  EXPECT_EQ(errors(file("a.csv"), "id,plan\na,\"pro\"x\n"),
            "a.csv:2:8: after a closing double quote comes a comma or the line's end\n");
  EXPECT_EQ(errors(file("a.csv"), "id\n\xff\n"), "a.csv:2:1: this line is not UTF-8, or holds a NUL; save the file as UTF-8\n");
  EXPECT_EQ(errors(file("a.csv", "since"), "id,since\na,yesterday\n"),
            "a.csv:2:3: `yesterday` is no instant; write it as 2026-03-28T14:22:01Z or 2026-03-28\n");
  EXPECT_EQ(errors(file("a.csv", "since", "until"), "id,since,until\na,2026-01-02,2026-01-02\n"),
            "a.csv:2:1: `since` does not lie before `until`: the row would never be valid\n");
}

TEST(dimension_table, faults_of_json_lines_name_their_line) {
  EXPECT_EQ(errors(file("a.jsonl"), "{\"id\":\"a\",\"id\":\"b\"}\n"), "a.jsonl:1:1: a second key `id`\n");
  EXPECT_EQ(errors(file("a.jsonl"), "{\"id\":\"a\"}\n[1]\n"),
            "a.jsonl:2:1: a line is one object: {\"id\": \"a\", \"plan\": \"free\"}\n");
  EXPECT_EQ(errors(file("a.jsonl"), "{\"plan\":1}\n"), "a.jsonl:1:1: this row has no `id`, which is the key\n");
  EXPECT_TRUE(errors(file("a.jsonl"), "{\"id\":\"a\"\n").starts_with("a.jsonl:1:"));
  EXPECT_TRUE(errors(file("a.jsonl"), "{\"id\":\"a\"} {}\n").starts_with("a.jsonl:1:"));
}

TEST(dimension_table, what_is_too_large_is_refused) {
  std::string rows = "id\n";
  for (size_t i = 0; i < kDimensionRowsMax; ++i) rows += std::to_string(i) + "\n";
  EXPECT_EQ(errors(file("a.csv"), rows), "");
  EXPECT_EQ(errors(file("a.csv"), rows + "x\n"), "a.csv:200002:1: more than 200000 rows; a dimension has no more\n");
  std::string columns = "id";
  for (size_t i = 1; i < kDimensionColumnsMax; ++i) columns += ",c" + std::to_string(i);
  EXPECT_EQ(errors(file("a.csv"), columns + "\n"), "");
  EXPECT_EQ(errors(file("a.csv"), columns + ",more\n"), "a.csv:1:1171: more than 256 columns; a dimension has no more\n");
  EXPECT_EQ(errors(file("a.csv"), std::string(kDimensionFileBytesMax + 1, 'x')),
            "a.csv:1:1: 16777217 bytes; a dimension's file has at most 16777216\n");
}

TEST(dimension_table, the_hash_is_of_what_rows_say_and_not_of_how_they_are_written) {
  const auto hash = [](std::string_view text) { return read(file("a.csv"), text)->hash(); };
  EXPECT_EQ(hash("id,plan\na,pro\nb,free\n"), hash("plan,id\r\nfree,b\r\n\"pro\",a\r\n"));
  EXPECT_NE(hash("id,plan\na,pro\n"), hash("id,plan\na,Pro\n"));
  EXPECT_NE(hash("id,plan\na,pro\n"), hash("id,plan\na,\n"));
}

}  // namespace
}  // namespace sluice::plan
