#include "event_streams.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "collect/native.h"
#include "collect/options.h"
#include "event/record.h"
#include "generator.h"
#include "ndjson.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kSource = "site";
constexpr uint64_t kBaseMin = 2000;  // events of the git file that are copied, at least

// Collects typed events into the payload of a frame.
class FrameBuilder {
 public:
  explicit FrameBuilder(event::Offset first) : first_(first) { submission_.manifest.source = kSource; }

  void add(const event::EventView& event, TimeMs received_at) {
    record_.clear();
    event::encode(event, record_);
    ByteWriter(submission_.records).text(record_);
    ++submission_.record_count;
    ++submission_.manifest.received;
    ++submission_.manifest.accepted;
    received_at_ = std::max(received_at_, received_at);
  }
  size_t size() const { return submission_.record_count; }
  event::Frame take() && {
    event::Frame frame;
    frame.partition = event::kEmbeddedPartition;
    frame.first = first_;
    frame.received_at = received_at_;
    frame.payload = event::encode_payload({std::move(submission_)});
    SLUICE_ASSERT(event::decode_payload(frame), "a payload that was just made");
    return frame;
  }

 private:
  event::Offset first_;
  event::Submission submission_;
  TimeMs received_at_ = kMinusInfinity;
  std::string record_;
};

struct BaseEvent {
  event::Event event;
  std::vector<event::ScalarView> scalars;  // of `event`'s own
  TimeMs at{};
};

event::Event owned(const event::EventView& view) {
  event::Event out;
  out.message_id = view.message_id;
  out.event = view.event;
  out.event_time = view.event_time;
  out.user_id = view.user_id;
  out.anonymous_id = view.anonymous_id;
  out.previous_id = view.previous_id;
  out.properties = view.properties;
  out.context = view.context;
  out.extra = view.extra;
  out.dialect = view.dialect;
  out.flags = view.flags;
  out.content_hash = view.content_hash;
  for (const event::ScalarView& s : view.scalars) out.scalars.push_back({std::string(s.path), std::string(s.text), s.number});
  return out;
}

// One line through the edge. The shop's and the git file's are all well made.
void type_line(collect::Decoder& decoder, collect::Stamp& stamp, std::string_view line, uint32_t index) {
  SLUICE_ASSERT(collect::decode_native(decoder, line), "a line that the edge refuses");
  SLUICE_ASSERT(!stamp.apply(decoder.draft(), decoder.arena(), index), "a line that the edge refuses");
}

class GitStream final : public EventStream {
 public:
  GitStream(std::vector<event::Event> base, uint64_t copies) : copies_(copies) {
    base_.reserve(base.size());
    for (event::Event& event : base) base_.push_back({std::move(event), {}, {}});
    for (BaseEvent& base_event : base_) {
      base_event.at = base_event.event.event_time.value_or(TimeMs{});
      first_ = std::min(first_, base_event.at);
      last_ = std::max(last_, base_event.at);
      for (const event::Scalar& s : base_event.event.scalars) base_event.scalars.push_back({s.path, s.text, s.number});
    }
  }

  event::Frame next(size_t records) override {
    FrameBuilder frame(event::Offset{offset_});
    while (frame.size() < records) {
      add(frame);
      ++offset_;
      if (++copy_ < copies_) continue;
      copy_ = 0;
      if (++at_ < base_.size()) continue;
      at_ = 0;
      ++round_;
    }
    return std::move(frame).take();
  }

 private:
  void add(FrameBuilder& frame) {
    const BaseEvent& base = base_[at_];
    const DurationMs shift =
        (last_ - first_ + std::chrono::days(1)) * static_cast<int64_t>(round_) + DurationMs(static_cast<int64_t>(copy_));
    message_id_ = fmt::format("{}-{}-{}", base.event.message_id, copy_, round_);
    user_id_ = fmt::format("{}-{}", base.event.user_id, copy_);
    anonymous_id_ = fmt::format("{}-{}", base.event.anonymous_id, copy_);
    event::EventView view;
    view.message_id = message_id_;
    view.event = base.event.event;
    view.event_time = base.at + shift;
    view.user_id = user_id_;
    view.anonymous_id = anonymous_id_;
    view.properties = base.event.properties;
    view.context = base.event.context;
    view.dialect = base.event.dialect;
    view.flags = base.event.flags;
    view.content_hash = base.event.content_hash;
    view.scalars = base.scalars;
    arrival_ = std::max(arrival_, *view.event_time);
    frame.add(view, arrival_);
  }

  const uint64_t copies_;
  std::vector<BaseEvent> base_;
  TimeMs first_ = TimeMs::max(), last_ = kMinusInfinity, arrival_ = kMinusInfinity;
  uint64_t offset_ = 0, at_ = 0, copy_ = 0, round_ = 0;
  std::string message_id_, user_id_, anonymous_id_;
};

class ShopStream final : public EventStream {
 public:
  ShopStream(shop::Generator generator, os::Entropy& entropy) : generator_(std::move(generator)), entropy_(entropy) {}

  event::Frame next(size_t records) override {
    FrameBuilder frame(event::Offset{offset_});
    while (frame.size() < records) {
      if (left_.empty() && !generator_.next(left_)) break;
      if (left_.empty()) continue;
      line_.clear();
      const shop::Event& event = left_.front();
      shop::append_ndjson(line_, event, event.delivered);
      line_.pop_back();
      // A request of its own, since each comes at its own moment.
      collect::Stamp stamp(kSource, event.delivered, "", entropy_);
      type_line(decoder_, stamp, line_, 0);
      frame.add(decoder_.draft().event, event.delivered);
      left_ = left_.subspan(1);
      ++offset_;
    }
    return std::move(frame).take();
  }

 private:
  shop::Generator generator_;
  os::Entropy& entropy_;
  collect::CollectOptions options_;
  collect::Decoder decoder_{options_};
  std::span<const shop::Event> left_;
  uint64_t offset_ = 0;
  std::string line_;
};

}  // namespace

std::unique_ptr<EventStream> git_stream(const std::string& lines, uint64_t events, uint64_t keys, os::Entropy& entropy) {
  const collect::CollectOptions options;
  collect::Decoder decoder(options);
  std::vector<event::Event> all;
  for (size_t at = 0; at < lines.size();) {
    const size_t end = std::min(lines.find('\n', at), lines.size());
    if (end > at) {
      collect::Stamp stamp(kSource, time_ms(1'790'000'000'000), "", entropy);
      type_line(decoder, stamp, std::string_view(lines).substr(at, end - at), 0);
      all.push_back(owned(decoder.draft().event));
    }
    at = end + 1;
  }
  // Fewer events hold fewer people and need more copies: the largest part that gives both.
  uint64_t copies = 1;
  size_t from = 0;
  for (uint64_t take = all.size(); take >= kBaseMin; take = take * 3 / 4) {
    from = all.size() - take;
    std::set<std::string_view> people;
    for (size_t i = from; i < all.size(); ++i) people.insert(all[i].user_id);
    copies = std::max<uint64_t>(1, keys / people.size());
    if (take * copies <= events) break;
  }
  return std::make_unique<GitStream>(
      std::vector<event::Event>(std::make_move_iterator(all.begin() + static_cast<ptrdiff_t>(from)),
                                std::make_move_iterator(all.end())),
      copies);
}

std::unique_ptr<EventStream> shop_stream(uint64_t people, os::Entropy& entropy) {
  shop::Options options;
  options.people = static_cast<uint32_t>(people);
  options.start = time_ms(1'767'225'600'000);  // 2026-01-01
  Result<shop::Generator> generator = shop::Generator::create(options);
  SLUICE_ASSERT(generator, "people out of bounds");
  return std::make_unique<ShopStream>(std::move(*generator), entropy);
}

}  // namespace sluice::bench
