// The fold's state as bytes and back: what a checkpoint holds of it (docs/formats/checkpoint-v1.md).
#include <fmt/format.h>

#include "process/fold.h"

namespace sluice::process {
namespace {

constexpr uint32_t kSnapshotVersion = 4;

void save_operator(ByteWriter& to, const Fold::Operator& op) {
  to.text(op.state->metric().name);
  to.text(op.state->metric().version);
  to.text(op.table);
  to.u64(op.birth.value);
  to.u8(op.listed ? 1 : 0);
  to.i64(to_ms(op.last_emit));
  to.varint(op.first_windows);
  save_spans(to, op.unfinished);
  to.u64(op.folded_from.value);
  to.u8(op.restates ? 1 : 0);
  save_spans(to, op.restated);
  op.state->save(to);
  to.u8(op.adopting ? 1 : 0);
  if (!op.adopting) return;
  to.i64(to_ms(op.adopted_since));
  to.u64(op.adopted_to.value);
  op.adopting->save(to);
}

}  // namespace

Result<std::unique_ptr<Fold>> Fold::open(os::Files& files, const std::string& directory, const plan::Plan& plan,
                                         FoldOptions options, std::string_view snapshot, const PlanOf& plan_of) {
  std::unique_ptr<Fold> fold(new Fold(plan, options));
  std::string_view ids_manifest, links_manifest;
  ByteReader from(snapshot);
  if (!snapshot.empty()) {
    if (from.u32() != kSnapshotVersion) return fail(Code::invalid, "checkpoint of another format version");
    ids_manifest = from.text();
    links_manifest = from.text();
    if (from.failed()) return fail(Code::corrupt, "checkpoint: manifests");
  }
  fold->ids_ = SLUICE_TRY(Deduplication::open(files, os::join(directory, "ids"), options.ids, ids_manifest));
  fold->links_ = SLUICE_TRY(Links::open(files, os::join(directory, "links"), options.links, links_manifest));
  if (!snapshot.empty()) {
    SLUICE_CHECK(fold->load(from, plan_of));
    return fold;
  }
  fold->clock_.configure(plan.sources);
  fold->set_plan(plan, event::Epoch(1));
  return fold;
}

Result<std::string> Fold::snapshot() {
  std::string bytes;
  ByteWriter to(bytes);
  to.u32(kSnapshotVersion);
  to.text(SLUICE_TRY(ids_->runs().flush()));
  to.text(SLUICE_TRY(links_->flush()));
  clock_.save(to);
  to.i64(to_ms(largest_event_time_));
  to.i64(to_ms(last_emit_));
  for (const uint64_t n : {totals_.received, totals_.stored, totals_.quarantined, totals_.duplicate, totals_.conflict}) to.u64(n);
  to.varint(open_minutes_.size());
  for (const auto& [key, counts] : open_minutes_) {
    to.text(key.source);
    to.i64(to_ms(key.minute));
    for (const uint64_t n : {counts.received, counts.stored, counts.quarantined, counts.duplicate, counts.conflict}) to.u64(n);
  }
  to.text(shown_->hash);
  to.varint(operators_.size());
  for (const Operator& op : operators_) save_operator(to, op);
  return bytes;
}

Status Fold::load(ByteReader& from, const PlanOf& plan_of) {
  const auto counts_of = [&] {
    event::LedgerCounts counts;
    for (uint64_t* n : {&counts.received, &counts.stored, &counts.quarantined, &counts.duplicate, &counts.conflict})
      *n = from.u64();
    return counts;
  };
  clock_.load(from);
  largest_event_time_ = time_ms(from.i64());
  last_emit_ = time_ms(from.i64());
  totals_ = counts_of();
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    event::LedgerKey key;
    key.source = std::string(from.text());
    key.minute = time_ms(from.i64());
    open_minutes_[key] = counts_of();
  }
  if (const std::string shown(from.text()); shown != plan_->hash && !from.failed()) shown_ = SLUICE_TRY(plan_of(shown));
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) operators_.push_back(SLUICE_TRY(load_operator(from)));
  if (from.failed() || !from.at_end()) return fail(Code::corrupt, "checkpoint: shorter or longer than its fields");
  bind();
  return ok();
}

Result<Fold::Operator> Fold::load_operator(ByteReader& from) const {
  const std::string_view name = from.text(), version = from.text();
  Operator op;
  op.plan = index_of(*plan_, name, version) ? plan_ : shown_;
  const std::optional<uint32_t> metric = index_of(*op.plan, name, version);
  if (!metric) return fail(Code::corrupt, fmt::format("checkpoint: operator {} {}, which its plans do not have", name, version));
  op.metric = *metric;
  op.table = std::string(from.text());
  op.birth = event::Epoch(from.u64());
  op.listed = from.u8() != 0;
  op.last_emit = time_ms(from.i64());
  op.first_windows = from.varint();
  load_spans(from, op.unfinished);
  op.folded_from = event::Epoch(from.u64());
  op.restates = from.u8() != 0;
  load_spans(from, op.restated);
  op.state = make_operator(op.plan->metrics[op.metric], options_.operators, kMinusInfinity);
  op.state->load(from);
  if (from.u8() == 0) return op;
  op.adopted_since = time_ms(from.i64());
  op.adopted_to = event::Epoch(from.u64());
  op.adopting = make_operator(op.plan->metrics[op.metric], options_.operators, kMinusInfinity);
  op.adopting->load(from);
  return op;
}

std::string Fold::files_of(std::string_view snapshot) {
  ByteReader from(snapshot);
  from.u32();  // version
  std::string files;
  ByteWriter to(files);
  to.text(from.text());
  to.text(from.text());
  return files;
}

Status Fold::release(const std::vector<std::string>& kept_files) {
  std::vector<std::string> ids, links;
  for (const std::string& files : kept_files) {
    ByteReader from(files);
    ids.emplace_back(from.text());
    links.emplace_back(from.text());
  }
  SLUICE_CHECK(ids_->runs().release(ids));
  return links_->release(links);
}

}  // namespace sluice::process
