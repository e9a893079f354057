#include "serve/subscriber.h"

#include <algorithm>

#include "serve/json_out.h"

namespace sluice::serve {
namespace {

constexpr size_t kRawShownMax = 4096;

template <class Rows>
std::string events_json(const Rows& rows, uint64_t more) {
  JsonOut out;
  out.object([&] {
    out.key("rows").array([&] {
      for (const std::string& row : rows) out.raw(row);
    });
    out.key("more").count(more);
  });
  return out.take();
}

}  // namespace

Message sse_message(std::string_view event, event::Epoch id, std::string_view data) {
  std::string bytes = "event: ";
  bytes += event;
  bytes += "\nid: " + std::to_string(id.value) + "\ndata: ";
  bytes += data;  // JSON of ours has no line breaks: they are escaped
  bytes += "\n\n";
  return std::make_shared<const std::string>(std::move(bytes));
}

std::string new_event_json(const NewEvent& row) {
  JsonOut out;
  out.object([&] {
    out.key("time").time(row.event_time);
    out.key("received_at").time(row.received_at);
    out.key("event").text(row.event);
    out.key("source").text(row.source);
    out.key("user_key").text(row.user_key);
    out.key("message_id").text(row.message_id);
    out.key("place").text(row.place.text());
    out.key("verdict").text(row.verdict);
  });
  return out.take();
}

std::string new_reject_json(const NewReject& row) {
  JsonOut out;
  out.object([&] {
    out.key("source").text(row.source);
    out.key("received_at").time(row.received_at);
    out.key("reason").text(row.reason);
    out.key("path").text(row.path);
    out.key("raw").text(std::string_view(row.raw).substr(0, kRawShownMax));
    out.key("raw_bytes").count(row.raw.size());
    out.key("dialect").text(row.dialect);
    out.key("place").text(row.place.text());
  });
  return out.take();
}

std::string rejects_json(const std::vector<NewReject>& rows, uint64_t more) {
  const size_t n = std::min(rows.size(), kSampleMax);
  JsonOut out;
  out.object([&] {
    out.key("rows").array([&] {
      for (size_t i = 0; i < n; ++i) out.raw(new_reject_json(rows[rows.size() - 1 - i]));
    });
    out.key("more").count(more + rows.size() - n);
  });
  return out.take();
}

void EventFeed::refill(os::MonotonicTime now) {
  constexpr DurationMs kPerRow{1000 / kRowsPerSecond};
  if (refilled_ == os::MonotonicTime{}) refilled_ = now;
  const int64_t rows = (now - refilled_) / kPerRow;
  if (rows <= 0) return;
  allowance_ = static_cast<int>(std::min<int64_t>(kRowsPerSecond, allowance_ + rows));
  refilled_ = allowance_ == kRowsPerSecond ? now : refilled_ + rows * kPerRow;
}

std::optional<std::string> EventFeed::take(const std::vector<NewEvent>& newest, uint64_t more, os::MonotonicTime now) {
  refill(now);
  held_ += more;
  const size_t n = std::min(newest.size(), static_cast<size_t>(allowance_));
  held_ += newest.size() - n;
  allowance_ -= static_cast<int>(n);
  // Without a row to show, the count of the others waits for the next row or for the next full allowance.
  if (n == 0 && (held_ == 0 || allowance_ < kRowsPerSecond)) return std::nullopt;
  std::vector<std::string> rows;  // newest first
  for (size_t i = 0; i < n; ++i) rows.push_back(new_event_json(newest[newest.size() - 1 - i]));
  for (size_t i = n; i-- > 0;) {
    if (rows[i].size() <= kRecentRowBytesMax) recent_.push_front(rows[i]);
  }
  if (recent_.size() > kRecentRows) recent_.resize(kRecentRows);
  return events_json(rows, std::exchange(held_, 0));
}

std::optional<std::string> EventFeed::recent() const {
  if (recent_.empty()) return std::nullopt;
  return events_json(recent_, 0);
}

}  // namespace sluice::serve
