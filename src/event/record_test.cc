#include "event/record.h"

#include <gtest/gtest.h>

#include <random>

#include "base/bytes.h"
#include "event/batch.h"
#include "event/reasons.h"

namespace sluice::event {
namespace {

Event full_event() {
  Event event;
  event.message_id = "id-1";
  event.event = "page_viewed";
  event.event_time = time_ms(-5);
  event.user_id = "u";
  event.anonymous_id = "anon";
  event.previous_id = "before";
  event.properties = R"({"a":1,"b":"x"})";
  event.context = R"({"bot":true})";
  event.extra = R"({"odd":null})";
  event.dialect = Dialect::segment;
  event.flags = bit(Flag::no_zone) | bit(Flag::wide);
  event.content_hash = UINT64_MAX - 3;
  event.scalars = {{"properties.a", "1", Decimal::whole(1)},
                   {"properties.b", "x", std::nullopt},
                   {"properties.big", "999999999999999999.999999999", *Decimal::from_json("999999999999999999.999999999")},
                   {"properties.small", "-999999999999999999", *Decimal::from_json("-999999999999999999")},
                   {"context.bot", "true", std::nullopt}};
  return event;
}

Reject full_reject() { return {"event_missing", "$[3].event", "{\"x\":1}\xff", "id-2", Dialect::native}; }

void expect_same(const Event& event, const EventView& view) {
  EXPECT_EQ(view.message_id, event.message_id);
  EXPECT_EQ(view.event, event.event);
  EXPECT_EQ(view.event_time, event.event_time);
  EXPECT_EQ(view.user_id, event.user_id);
  EXPECT_EQ(view.anonymous_id, event.anonymous_id);
  EXPECT_EQ(view.previous_id, event.previous_id);
  EXPECT_EQ(view.properties, event.properties);
  EXPECT_EQ(view.context, event.context);
  EXPECT_EQ(view.extra, event.extra);
  EXPECT_EQ(view.dialect, event.dialect);
  EXPECT_EQ(view.flags, event.flags);
  EXPECT_EQ(view.content_hash, event.content_hash);
  ASSERT_EQ(view.scalars.size(), event.scalars.size());
  for (size_t i = 0; i < event.scalars.size(); ++i) {
    EXPECT_EQ(view.scalars[i].path, event.scalars[i].path);
    EXPECT_EQ(view.scalars[i].text, event.scalars[i].text);
    EXPECT_EQ(view.scalars[i].number, event.scalars[i].number);
  }
}

TEST(Record, an_event_reads_back_whole) {
  std::string bytes;
  encode(full_event(), bytes);
  RecordView view;
  ASSERT_TRUE(decode(bytes, view));
  expect_same(full_event(), std::get<EventView>(view));
}

TEST(Record, a_view_encodes_to_the_same_bytes) {
  std::string bytes, again, reject_bytes, reject_again;
  encode(full_event(), bytes);
  encode(full_reject(), reject_bytes);
  RecordView view;
  ASSERT_TRUE(decode(bytes, view));
  encode(std::get<EventView>(view), again);
  EXPECT_EQ(again, bytes);
  ASSERT_TRUE(decode(reject_bytes, view));
  encode(std::get<RejectView>(view), reject_again);
  EXPECT_EQ(reject_again, reject_bytes);
}

TEST(Record, a_reject_reads_back_and_keeps_at_most_its_first_64_kib) {
  Reject reject = full_reject();
  std::string bytes;
  encode(reject, bytes);
  RecordView view;
  ASSERT_TRUE(decode(bytes, view));
  EXPECT_EQ(std::get<RejectView>(view).reason, reject.reason);
  EXPECT_EQ(std::get<RejectView>(view).path, reject.path);
  EXPECT_EQ(std::get<RejectView>(view).raw, reject.raw);
  EXPECT_EQ(std::get<RejectView>(view).message_id, reject.message_id);
  reject.raw = std::string(kRejectRawMax + 1, 'x');
  bytes.clear();
  encode(reject, bytes);
  ASSERT_TRUE(decode(bytes, view));
  EXPECT_EQ(std::get<RejectView>(view).raw.size(), kRejectRawMax);
}

TEST(Record, a_reused_view_keeps_nothing_of_the_record_before) {
  std::string first, second;
  encode(full_event(), first);
  Event bare;
  bare.message_id = "m";
  bare.event = "e";
  encode(bare, second);
  RecordView view;
  ASSERT_TRUE(decode(first, view));
  ASSERT_TRUE(decode(second, view));
  expect_same(bare, std::get<EventView>(view));
}

TEST(Record, the_most_scalars_an_event_can_have_fit) {
  Event event = full_event();
  event.scalars.assign(kScalarsMax, {"properties.p", "1", Decimal::whole(1)});
  std::string bytes;
  encode(event, bytes);
  RecordView view;
  ASSERT_TRUE(decode(bytes, view));
  EXPECT_EQ(std::get<EventView>(view).scalars.size(), kScalarsMax);
}

TEST(Record, every_cut_and_every_extra_byte_is_corrupt) {
  std::string event_bytes, reject_bytes;
  encode(full_event(), event_bytes);
  encode(full_reject(), reject_bytes);
  RecordView view;
  for (const std::string& bytes : {event_bytes, reject_bytes}) {
    for (size_t size = 0; size < bytes.size(); ++size) {
      const Status status = decode(std::string_view(bytes).substr(0, size), view);
      ASSERT_FALSE(status) << size;
      EXPECT_EQ(status.error().code, Code::corrupt);
    }
    EXPECT_FALSE(decode(bytes + '\0', view));
  }
}

TEST(Record, unknown_kinds_dialects_and_impossible_events_are_corrupt) {
  std::string good;
  encode(full_event(), good);
  RecordView view;
  std::string bad = good;
  bad[0] = 3;
  EXPECT_FALSE(decode(bad, view));
  bad = good;
  bad[1] = 9;
  EXPECT_FALSE(decode(bad, view));
  bad = good;
  bad[12] = 2;  // neither with nor without a time
  EXPECT_FALSE(decode(bad, view));
  Event nameless = full_event();
  nameless.event.clear();
  bad.clear();
  encode(nameless, bad);
  EXPECT_FALSE(decode(bad, view));
}

TEST(Record, flipped_bits_never_read_outside_and_what_is_accepted_encodes_again) {
  std::string good;
  encode(full_event(), good);
  RecordView view;
  for (size_t bit_index = 0; bit_index < good.size() * 8; ++bit_index) {
    const auto bytes = std::make_unique<char[]>(good.size());  // a heap block of its exact size, for the address sanitizer
    std::ranges::copy(good, bytes.get());
    bytes[bit_index / 8] = static_cast<char>(bytes[bit_index / 8] ^ (1 << (bit_index % 8)));
    const std::string_view changed(bytes.get(), good.size());
    if (!decode(changed, view)) continue;
    std::string again;
    std::visit([&](const auto& record) { encode(record, again); }, view);
    RecordView second;
    EXPECT_TRUE(decode(again, second)) << bit_index;
  }
}

Submission submission_of(const Manifest& manifest, const std::vector<std::string>& records) {
  Submission submission{manifest, "", static_cast<uint32_t>(records.size())};
  ByteWriter to(submission.records);
  for (const std::string& record : records) to.text(record);
  return submission;
}

TEST(Payload, requests_and_records_read_back_in_order) {
  Frame frame;
  frame.first = Offset(100);
  frame.payload = encode_payload({submission_of({"site", 3, 2, 1}, {"a", "bb", ""}), submission_of({"shop", 0, 0, 0}, {}),
                                  submission_of({"shop", 1, 1, 0}, {"c"})});
  ASSERT_TRUE(decode_payload(frame));
  ASSERT_EQ(frame.records.size(), 4U);
  EXPECT_EQ(frame.record(0), "a");
  EXPECT_EQ(frame.record(1), "bb");
  EXPECT_EQ(frame.record(2), "");
  EXPECT_EQ(frame.record(3), "c");
  EXPECT_EQ(frame.end(), Offset(104));
  ASSERT_EQ(frame.requests.size(), 3U);
  EXPECT_EQ(frame.requests[0].manifest, (Manifest{"site", 3, 2, 1}));
  EXPECT_EQ(frame.requests[1].record_count, 0U);
  EXPECT_EQ(frame.requests[2].first_record, 3U);
  const Frame moved = std::move(frame);
  EXPECT_EQ(moved.record(3), "c") << "extents survive the move";
}

TEST(Payload, the_ledger_sees_a_manifest_as_it_was_written_even_a_wrong_one) {
  Frame frame;
  frame.payload = encode_payload({submission_of({"site", 99, 50, 1}, {"a"})});
  ASSERT_TRUE(decode_payload(frame));
  EXPECT_EQ(frame.requests[0].manifest.received, 99U);
}

TEST(Payload, every_cut_and_every_extra_byte_is_refused) {
  Frame frame;
  const std::string good =
      encode_payload({submission_of({"site", 2, 2, 0}, {"abc", "defg"}), submission_of({"b", 1, 1, 0}, {"h"})});
  for (size_t size = 0; size < good.size(); ++size) {
    frame.payload = good.substr(0, size);
    EXPECT_FALSE(decode_payload(frame)) << size;
  }
  frame.payload = good + '\0';
  EXPECT_FALSE(decode_payload(frame));
}

TEST(Payload, counts_that_lie_are_refused_before_memory_is_taken_for_them) {
  for (const uint64_t lie : {uint64_t{1} << 20, uint64_t{1} << 40, UINT64_MAX}) {
    Frame frame;
    ByteWriter requests(frame.payload);
    requests.varint(lie);
    EXPECT_FALSE(decode_payload(frame));
    frame.payload.clear();
    ByteWriter to(frame.payload);
    to.varint(1);
    to.text("site");
    for (int i = 0; i < 3; ++i) to.varint(1);
    to.varint(lie);
    EXPECT_FALSE(decode_payload(frame));
    EXPECT_LT(frame.records.capacity(), 1'000'000U);
  }
}

TEST(Payload, random_bytes_never_read_outside) {
  std::mt19937 random(5);
  for (int i = 0; i < 20'000; ++i) {
    Frame frame;
    frame.payload.resize(random() % 40);
    for (char& c : frame.payload) c = static_cast<char>(random() % 3 == 0 ? random() : random() % 4);
    frame.payload.shrink_to_fit();
    if (!decode_payload(frame)) continue;
    for (size_t k = 0; k < frame.records.size(); ++k) EXPECT_LE(frame.record(k).size(), frame.payload.size());
  }
}

TEST(Names, flags_dialects_and_reasons_are_words_that_never_change) {
  EXPECT_EQ(flag_names(bit(Flag::extra) | bit(Flag::no_zone)), (std::vector<std::string_view>{"no_zone", "extra"}));
  EXPECT_EQ(flag_names(0x7F).size(), 7U);
  EXPECT_EQ(flag_names(bit(Flag::future)), std::vector<std::string_view>{"future"});
  EXPECT_STREQ(dialect_name(Dialect::segment), "segment");
  EXPECT_EQ(dialect_of(0), std::nullopt);
  EXPECT_EQ(dialect_of(2), Dialect::segment);
  EXPECT_EQ(dialect_of(3), std::nullopt);
  EXPECT_EQ((Place{PartitionId(0), Offset(1234)}).text(), "0:1234");
}

}  // namespace
}  // namespace sluice::event
