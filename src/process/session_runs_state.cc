// Runs of sessions into a checkpoint and back.
#include "process/session_runs.h"

namespace sluice::process {
namespace {

void save_moment(ByteWriter& to, const Moment& moment) {
  to.i64(to_ms(moment.at));
  to.varint(moment.place.partition.value);
  to.varint(moment.place.offset.value);
}
Moment load_moment(ByteReader& from) {
  Moment moment;
  moment.at = time_ms(from.i64());
  moment.place.partition = event::PartitionId(static_cast<uint16_t>(from.varint()));
  moment.place.offset = event::Offset(from.varint());
  return moment;
}

constexpr uint8_t kTouched = 1, kClosed = 2;
constexpr uint8_t kCold = 1, kOpenLeft = 2;

void save_piece(ByteWriter& to, const Piece& piece) {
  save_moment(to, piece.first);
  to.text(piece.message_id);
  to.i64(to_ms(piece.last));
  to.varint(piece.events);
  save_moment(to, piece.user_at);
  to.text(piece.user_key);
  to.i64(to_ms(piece.least_watermark));
  to.i64(to_ms(piece.largest_watermark));
  to.u8(static_cast<uint8_t>((piece.touched ? kTouched : 0) | (piece.closed ? kClosed : 0)));
}
Piece load_piece(ByteReader& from) {
  Piece piece;
  piece.first = load_moment(from);
  piece.message_id = std::string(from.text());
  piece.last = time_ms(from.i64());
  piece.events = from.varint();
  piece.user_at = load_moment(from);
  piece.user_key = std::string(from.text());
  piece.least_watermark = time_ms(from.i64());
  piece.largest_watermark = time_ms(from.i64());
  const uint8_t flags = from.u8();
  piece.touched = (flags & kTouched) != 0;
  piece.closed = (flags & kClosed) != 0;
  return piece;
}

}  // namespace

void SessionRuns::save(ByteWriter& to) const {
  to.i64(to_ms(ground_));
  to.i64(to_ms(swept_));
  to.u8(unlisted_ ? 1 : 0);
  to.varint(index_.size());
  for (uint32_t slot = 0; slot < keys_.size(); ++slot) {
    const SessionKey& key = keys_[slot];
    if (!key.used) continue;
    to.fixed(names_[slot]);
    to.text(key.source);
    to.text(key.key);
    to.i64(key.hash);
    to.varint(key.runs.size());
    for (const Run& run : key.runs) {
      to.i64(to_ms(run.start));
      to.i64(to_ms(run.last));
      to.u8(static_cast<uint8_t>((run.cold ? kCold : 0) | (run.open_left ? kOpenLeft : 0)));
      to.varint(run.pieces.size());
      for (const Piece& piece : run.pieces) save_piece(to, piece);
    }
  }
}

void SessionRuns::load(ByteReader& from) {
  ground_ = time_ms(from.i64());
  swept_ = time_ms(from.i64());
  unlisted_ = from.u8() != 0;
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const uint32_t slot = new_slot(from.fixed<Hash128>());
    SessionKey& key = keys_[slot];
    key.source = std::string(from.text());
    key.key = std::string(from.text());
    key.hash = from.i64();
    for (uint64_t m = from.varint(); m > 0 && !from.failed(); --m) {
      Run run;
      run.start = time_ms(from.i64());
      run.last = time_ms(from.i64());
      const uint8_t flags = from.u8();
      run.cold = (flags & kCold) != 0;
      run.open_left = (flags & kOpenLeft) != 0;
      for (uint64_t p = from.varint(); p > 0 && !from.failed(); --p) run.pieces.push_back(load_piece(from));
      (run.cold ? cold_ : live_) += run.cold ? 1 : run.pieces.size();
      key.runs.push_back(std::move(run));
    }
    if (from.failed()) return;
    await_end(slot);
    for (const Run& run : key.runs) schedule(slot, next_of(run, swept_));
  }
}

}  // namespace sluice::process
