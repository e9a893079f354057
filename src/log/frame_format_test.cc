#include "log/frame_format.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "event/record.h"
#include "log/sample_submissions.h"

namespace sluice::log {
namespace {

constexpr std::array kCodecs{Codec::none, Codec::lz4, Codec::zstd};

ParsedHeader parsed(std::string_view frame) { return parse_header(frame, sample_data_id()); }

std::string encoded(const std::vector<event::Submission>& submissions, Codec codec = Codec::none) {
  FrameWriter writer(codec, sample_data_id());
  return std::string(writer.encode(submissions, Offset(7), time_ms(1234)).bytes);
}

TEST(FrameFormat, what_is_written_is_read_back_with_every_codec) {
  const std::string long_record(100'000, 'x');
  const std::vector<event::Submission> submissions{submission_of({"a", "", long_record}, "site"), submission_of({"b"}, "shop")};
  for (const Codec codec : kCodecs) {
    const std::string bytes = encoded(submissions, codec);
    const ParsedHeader header = parsed(bytes);
    ASSERT_EQ(header.kind, HeaderKind::frame) << codec_name(codec);
    EXPECT_EQ(header.header.codec, codec);
    EXPECT_EQ(header.header.frame_bytes(), bytes.size());
    EXPECT_EQ(header.header.end(), Offset(11));
    const auto frame = open_frame(header.header, std::string_view(bytes).substr(kHeaderBytes));
    ASSERT_TRUE(frame) << frame.error().message;
    EXPECT_EQ(frame->first, Offset(7));
    EXPECT_EQ(frame->received_at, time_ms(1234));
    ASSERT_EQ(frame->records.size(), 4U);
    EXPECT_EQ(frame->record(0), "a");
    EXPECT_EQ(frame->record(1), "");
    EXPECT_EQ(frame->record(2), long_record);
    EXPECT_EQ(frame->record(3), "b");
    ASSERT_EQ(frame->requests.size(), 2U);
    EXPECT_EQ(frame->requests[1].manifest.source, "shop");
    EXPECT_EQ(frame->requests[1].first_record, 3U);
  }
}

TEST(FrameFormat, what_does_not_get_smaller_is_stored_as_it_is) {
  for (const Codec codec : kCodecs) {
    const std::string record = noise(5000);
    const ParsedHeader header = parsed(encoded(one(record), codec));
    ASSERT_EQ(header.kind, HeaderKind::frame);
    EXPECT_EQ(header.header.codec, Codec::none);
    EXPECT_EQ(header.header.stored_bytes, header.header.payload_bytes);
  }
}

TEST(FrameFormat, a_change_of_any_bit_is_found) {
  const std::string good = encoded({submission_of({"hello", "world"})}, Codec::none);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    const ParsedHeader header = parsed(bad);
    if (bit < kHeaderBytes * 8) {
      EXPECT_EQ(header.kind, HeaderKind::damaged) << "bit " << bit;
    } else {
      ASSERT_EQ(header.kind, HeaderKind::frame);
      EXPECT_EQ(open_frame(header.header, std::string_view(bad).substr(kHeaderBytes)).error().code, Code::corrupt)
          << "bit " << bit;
    }
  }
}

TEST(FrameFormat, zeros_are_blank_and_short_bytes_are_damage) {
  EXPECT_EQ(parsed(std::string(kHeaderBytes, '\0')).kind, HeaderKind::blank);
  const std::string good = encoded(one("x"));
  for (size_t size = 0; size < kHeaderBytes; ++size) EXPECT_EQ(parsed(good.substr(0, size)).kind, HeaderKind::damaged);
}

TEST(FrameFormat, a_frame_of_other_data_is_told_from_damage) {
  const std::string bytes = encoded(one("x"));
  EXPECT_EQ(parse_header(bytes, sample_data_id(99)).kind, HeaderKind::other_data);
}

// Recomputes the header's checksum after a change, as a newer release would have written it.
std::string with_header_crc(std::string frame) {
  const uint32_t crc = crc32c(std::string_view(frame).substr(0, 60));
  std::memcpy(frame.data() + 60, &crc, sizeof crc);
  return frame;
}

TEST(FrameFormat, a_newer_release_is_told_from_damage) {
  std::string version = encoded(one("x")), codec = version, spare = version;
  version[4] = 2;
  codec[6] = 3;
  spare[7] = 1;
  for (const std::string& frame : {version, codec, spare}) EXPECT_EQ(parsed(with_header_crc(frame)).kind, HeaderKind::newer);
}

TEST(FrameFormat, lengths_beyond_the_bounds_are_damage_even_under_a_valid_checksum) {
  const FrameHeader good = parsed(encoded(one("x"))).header;
  const auto kind_of = [](const FrameHeader& header) {
    const auto bytes = encode_header(header);
    return parsed(std::string_view(bytes.data(), bytes.size())).kind;
  };
  EXPECT_EQ(kind_of(good), HeaderKind::frame);
  FrameHeader bad = good;
  bad.payload_bytes = static_cast<uint32_t>(event::kFrameBytesMax) + 1;
  EXPECT_EQ(kind_of(bad), HeaderKind::damaged);
  bad = good;
  bad.stored_bytes = bad.payload_bytes + 1;
  EXPECT_EQ(kind_of(bad), HeaderKind::damaged);
  bad = good;
  bad.record_count = 0;
  EXPECT_EQ(kind_of(bad), HeaderKind::damaged);
  bad = good;
  bad.record_count = bad.payload_bytes + 1;
  EXPECT_EQ(kind_of(bad), HeaderKind::damaged);
  bad = good;
  bad.first = Offset(UINT64_MAX);
  EXPECT_EQ(kind_of(bad), HeaderKind::damaged) << "its end would wrap";
}

TEST(FrameFormat, a_payload_that_contradicts_its_header_is_corrupt) {
  std::string bytes = encoded({submission_of({"a", "b"})});
  FrameHeader header = parsed(bytes).header;
  const std::string_view stored = std::string_view(bytes).substr(kHeaderBytes);
  header.record_count = 3;
  EXPECT_EQ(open_frame(header, stored).error().code, Code::corrupt);
  header.record_count = 2;
  header.codec = Codec::zstd;
  EXPECT_EQ(open_frame(header, stored).error().code, Code::corrupt);
  header.codec = Codec::lz4;
  EXPECT_EQ(open_frame(header, stored).error().code, Code::corrupt);
}

TEST(Codec, unpacking_garbage_is_an_error_and_never_more_than_the_size) {
  for (const Codec codec : kCodecs) {
    for (size_t size = 0; size < 200; ++size) {
      const auto out = unpack(codec, noise(size, size + 1), 64);
      EXPECT_EQ(out ? out->size() : 64, 64U);
      EXPECT_TRUE(codec != Codec::none || out.has_value() == (size == 64));
    }
  }
}

// The example of docs/formats/log-v1.md was computed by a script that shares no code with this program.
std::string documented_example() {
  const auto path = std::filesystem::path(__FILE__).parent_path() / "../../docs/formats/log-v1.md";
  std::ifstream file(path);
  std::string line, bytes;
  bool inside = false;
  while (std::getline(file, line)) {
    if (line == "```hex") {
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      std::istringstream columns(line.substr(4, line.find('|') - 4));  // behind the position
      for (std::string two; columns >> two;) bytes += static_cast<char>(std::stoi(two, nullptr, 16));
    }
  }
  return bytes;
}

TEST(LogV1Document, its_example_is_what_the_program_writes_and_reads) {
  const std::string example = documented_example();
  ASSERT_EQ(example.size(), 182U) << "the example was found";
  event::DataId data_id;
  for (size_t i = 0; i < data_id.bytes.size(); ++i) data_id.bytes[i] = static_cast<uint8_t>(0xA0 + i);

  event::Event event;
  event.message_id = "m1";
  event.event = "page_viewed";
  event.user_id = "u1";
  event.properties = R"({"n":1.5})";
  event.event_time = time_ms(1774707721000);  // 2026-03-28T14:22:01Z
  event.content_hash = 0x0102030405060708;
  event.scalars.push_back({"properties.n", "1.5", Decimal{1'500'000'000}});
  event::Reject reject;
  reject.reason = "event_missing";
  reject.path = "$[1].event";
  reject.raw = "{}";
  std::string event_bytes, reject_bytes;
  event::encode(event, event_bytes);
  event::encode(reject, reject_bytes);
  event::Submission submission = submission_of({event_bytes, reject_bytes});
  submission.manifest = {"site", 2, 1, 1};
  FrameWriter writer(Codec::none, data_id);
  EXPECT_EQ(hex(writer.encode({submission}, Offset(1000), time_ms(1774707721250)).bytes), hex(example));

  const ParsedHeader header = parse_header(example, data_id);
  ASSERT_EQ(header.kind, HeaderKind::frame);
  const auto frame = open_frame(header.header, std::string_view(example).substr(kHeaderBytes));
  ASSERT_TRUE(frame) << frame.error().message;
  EXPECT_EQ(frame->first, Offset(1000));
  EXPECT_EQ(frame->received_at, time_ms(1774707721250));
  ASSERT_EQ(frame->requests.size(), 1U);
  EXPECT_EQ(frame->requests[0].manifest, submission.manifest);
  event::RecordView record;
  ASSERT_TRUE(event::decode(frame->record(0), record));
  EXPECT_EQ(std::get<event::EventView>(record).event, "page_viewed");
  ASSERT_TRUE(event::decode(frame->record(1), record));
  EXPECT_EQ(std::get<event::RejectView>(record).reason, "event_missing");
}

}  // namespace
}  // namespace sluice::log
