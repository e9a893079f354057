#include "store/native.h"

#include "base/bytes.h"

namespace sluice::store {

std::string hello_block(std::string_view display_name, std::string_view version, std::string_view timezone) {
  constexpr std::string_view kBlockInfo("\x01\x00\x02\xFF\xFF\xFF\xFF\x00", 8);  // not overflows, bucket -1, end
  constexpr uint8_t kDefaultSerialization = 0;
  std::string out;
  ByteWriter writer(out);
  writer.raw(kBlockInfo);
  writer.varint(4);  // columns
  writer.varint(1);  // rows
  const auto text_column = [&](std::string_view name, std::string_view value) {
    writer.text(name);
    writer.text("String");
    writer.u8(kDefaultSerialization);
    writer.text(value);
  };
  text_column("displayName()", display_name);
  text_column("version()", version);
  writer.text("revision()");
  writer.text("UInt32");
  writer.u8(kDefaultSerialization);
  writer.u32(0);
  text_column("timezone()", timezone);
  return out;
}

std::string header_block(const std::vector<Column>& columns) {
  std::string out;
  ByteWriter writer(out);
  writer.varint(columns.size());
  writer.varint(0);  // rows
  for (const Column& column : columns) {
    writer.text(column.name);
    writer.text(column.type);
  }
  return out;
}

Result<std::vector<Column>> read_description(std::string_view row_binary) {
  constexpr int kFieldsAfterType = 5;  // default kind and expression, comment, codec, ttl
  ByteReader reader(row_binary);
  std::vector<Column> columns;
  while (!reader.at_end() && !reader.failed()) {
    Column column;
    column.name = reader.text();
    column.type = reader.text();
    for (int i = 0; i < kFieldsAfterType; ++i) reader.text();
    columns.push_back(std::move(column));
  }
  if (reader.failed()) return fail(Code::corrupt, "the engine described a query in a form that we do not know");
  return columns;
}

}  // namespace sluice::store
