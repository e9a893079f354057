#include "process/fold.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::process {
namespace {

constexpr DurationMs kFutureAfter{3'600'000};   // R2
constexpr DurationMs kDefaultDedup{24LL * 3'600'000};

TableRows& append_rows(EpochRows& out, Table table) {
  const auto at = std::find(kAppendTables.begin(), kAppendTables.end(), table);
  TableRows& rows = out.appends[static_cast<size_t>(at - kAppendTables.begin())];
  ++rows.count;
  return rows;
}

// Whether the dimensions that a metric joins have the same rows in both plans. Equal versions have equal joins.
bool same_rows(const plan::Plan& before, const plan::Plan& after, const plan::Metric& metric) {
  const std::optional<uint32_t> old = index_of(before, metric.name, metric.version);
  SLUICE_ASSERT(old && before.metrics[*old].joins.size() == metric.joins.size(), "an operator's plan has its definition");
  for (size_t i = 0; i < metric.joins.size(); ++i) {
    const auto rows = [&](const plan::Plan& plan, const plan::NamedJoin& named) -> const std::string& {
      return plan.dimension_files[plan.joins[named.join].file].table->hash();
    };
    if (rows(before, before.metrics[*old].joins[i]) != rows(after, metric.joins[i])) return false;
  }
  return true;
}

void write_place(RowWriter& to, const event::Place& place, event::Epoch epoch) {
  to.u16(place.partition.value);
  to.u64(place.offset.value);
  to.u64(epoch.value);
}

}  // namespace

std::optional<uint32_t> index_of(const plan::Plan& plan, std::string_view metric) {
  for (uint32_t i = 0; i < plan.metrics.size(); ++i) {
    if (plan.metrics[i].name == metric) return i;
  }
  return std::nullopt;
}

std::optional<uint32_t> index_of(const plan::Plan& plan, std::string_view metric, std::string_view version) {
  const std::optional<uint32_t> i = index_of(plan, metric);
  return i && plan.metrics[*i].version == version ? i : std::nullopt;
}

std::string metric_table_name(const plan::Metric& metric, event::Epoch birth) {
  return fmt::format("metric_{}_{}_{}", metric.name, metric.version, birth.value);
}

size_t EpochRows::bytes() const {
  size_t n = 1024;
  for (const TableRows& t : appends) n += t.rows.size();
  for (const RestatingRows& t : restating) n += t.rows.rows.size();
  for (const MetricChange& c : changes) n += c.rows.size() * 200;
  return n;
}

void Fold::bind() {
  paths_.clear();
  joined_.clear();
  paths_.emplace_back(*plan_);
  joined_.emplace_back(*plan_);
  if (shown_ != plan_) {
    paths_.emplace_back(*shown_);
    joined_.emplace_back(*shown_);
  }
  for (Operator& op : operators_) {
    const plan::Metric& metric = op.state->metric();
    op.shown = index_of(*shown_, metric.name, metric.version);
  }
  longest_dedup_ = kDefaultDedup;
  for (const plan::Source& source : plan_->sources) longest_dedup_ = std::max(longest_dedup_, source.dedup);
}

// A state that knows of nothing stored.
void Fold::begin(Operator& op, event::Epoch from) const {
  const plan::Metric& metric = op.plan->metrics[op.metric];
  op.state = make_operator(metric, options_.operators, largest_event_time_);
  op.folded_from = from;
  op.listed = largest_event_time_ == kMinusInfinity;  // nothing stored: nothing to compute
  op.adopting.reset();
  op.adopted_to = event::Epoch(0);
  if (op.listed || !may_adopt(metric)) return;
  op.adopting = make_operator(metric, options_.operators, kMinusInfinity);
  op.adopted_since = adopted_since(metric, clock_.watermark());
}

void Fold::set_plan(const plan::Plan& plan, event::Epoch birth) {
  std::vector<Operator> next;
  const auto take = [&](const plan::Plan& of, uint32_t metric) {
    Operator* same = operator_of(of.metrics[metric].name, of.metrics[metric].version);
    if (same == nullptr) return false;
    const bool anew = !same_rows(*same->plan, of, of.metrics[metric]);
    next.push_back(std::move(*same));
    Operator& op = next.back();
    op.plan = &of;
    op.metric = metric;
    if (anew) {
      op.restates = op.complete() || op.restates;  // else it is still computed for the first time
      op.unfinished.clear();
      begin(op, birth);
      return true;
    }
    op.state->rebind(of.metrics[metric]);
    if (op.adopting) op.adopting->rebind(of.metrics[metric]);
    return true;
  };
  bool replaces = false;
  for (uint32_t i = 0; i < plan.metrics.size(); ++i) {
    const plan::Metric& metric = plan.metrics[i];
    replaces = replaces || (shown_index(metric.name) && !index_of(*shown_, metric.name, metric.version));
    if (take(plan, i)) continue;
    Operator born;
    born.table = metric_table_name(metric, birth);
    born.birth = birth;
    born.plan = &plan;
    born.metric = i;
    begin(born, birth);
    next.push_back(std::move(born));
  }
  if (!replaces) shown_ = &plan;
  for (uint32_t i = 0; i < shown_->metrics.size(); ++i) {
    if (!index_of(plan, shown_->metrics[i].name, shown_->metrics[i].version)) take(*shown_, i);
  }
  operators_ = std::move(next);
  plan_ = &plan;
  bind();
  clock_.configure(plan.sources);
}

std::optional<uint32_t> Fold::shown_index(std::string_view metric) const { return index_of(*shown_, metric); }

bool Fold::may_swap() const {
  if (shown_ == plan_) return false;
  return std::all_of(operators_.begin(), operators_.end(),
                     [&](const Operator& op) { return op.shown || !shown_index(op.state->metric().name) || op.complete(); });
}

void Fold::swap() {
  shown_ = plan_;
  std::erase_if(operators_, [&](const Operator& op) { return op.plan != plan_; });
  bind();
}

Fold::Operator* Fold::operator_of(std::string_view metric, std::string_view version) {
  for (Operator& op : operators_) {
    // Without a state: set_plan() has already moved it into the next plan's operators.
    if (op.state && op.state->metric().name == metric && op.state->metric().version == version) return &op;
  }
  return nullptr;
}

Status Fold::adopt(const AdoptedEntry& entry, std::string_view reply, event::Epoch folded) {
  Operator* op = operator_of(entry.metric, entry.version);
  if (op == nullptr || !op->adopting) return ok();
  if (entry.end == AdoptedEntry::End::given_up) {
    op->adopting.reset();
    return ok();
  }
  SLUICE_CHECK(
      adopt_events(*op->adopting, StoredEvents(*op->plan, op->state->metric(), reply), clock_.watermark(), folded, evaluator_));
  op->adopted_to = entry.up_to;
  if (entry.end == AdoptedEntry::End::open) return ok();
  op->adopting->take_over_from(*op->state);
  op->state = std::move(op->adopting);
  return ok();
}

Status Fold::fold(const event::Frame& frame, EpochRows& out) {
  received_at_ = frame.received_at;
  clock_.advance(received_at_);
  ids_->expire(received_at_, longest_dedup_);
  for (const event::FrameRequest& request : frame.requests) {
    source_ = request.manifest.source;
    source_index_ = clock_.index_of(source_);
    dedup_ = source_index_ ? plan_->sources[*source_index_].dedup : kDefaultDedup;
    ledger().received += request.manifest.received;
    out.counts.received += request.manifest.received;
    totals_.received += request.manifest.received;
    SLUICE_CHECK(fold_request(frame, request, out));
  }
  return ok();
}

Status Fold::fold_request(const event::Frame& frame, const event::FrameRequest& request, EpochRows& out) {
  const auto place_of = [&](uint32_t i) {
    return event::Place{frame.partition, event::Offset(frame.first.value + request.first_record + i)};
  };
  uint32_t decoded = 0;
  for (uint32_t i = 0; i < request.record_count; ++i) {
    for (; decoded < request.record_count && decoded < i + kAhead; ++decoded) {
      Ahead& next = ahead_[decoded % kAhead];
      if (Status read = event::decode(frame.record(request.first_record + decoded), next.record); !read)
        return std::move(read).error().in("log record " + place_of(decoded).text());
      const auto* event = std::get_if<event::EventView>(&next.record);
      if (event == nullptr) continue;
      next.id = Deduplication::key_of(source_, event->message_id);
      ids_->prefetch(next.id);
    }
    const Ahead& now = ahead_[i % kAhead];
    if (const auto* event = std::get_if<event::EventView>(&now.record)) {
      SLUICE_CHECK(fold_event(*event, now.id, place_of(i), out));
    } else {
      fold_reject(std::get<event::RejectView>(now.record), place_of(i), out);
    }
    ++out.records;
  }
  return ok();
}

event::LedgerCounts& Fold::ledger() {
  const TimeMs minute = event::minute_of(received_at_);
  return open_minutes_[{source_, minute}];
}

Status Fold::link(std::string_view anonymous_id, std::string_view user_id, const event::Place& place, EpochRows& out) {
  if (anonymous_id.empty() || user_id.empty()) return ok();
  if (SLUICE_TRY(links_->link(source_, anonymous_id, user_id, received_at_))) write_link(anonymous_id, user_id, place, out);
  return ok();
}

Status Fold::fold_event(const event::EventView& event, const Hash128& id, const event::Place& place, EpochRows& out) {
  const auto earlier = SLUICE_TRY(ids_->check(id, received_at_, event.content_hash, dedup_));
  if (earlier) {
    event::LedgerCounts& counts = ledger();
    for (event::LedgerCounts* c : {&counts, &out.counts, &totals_}) {
      ++c->duplicate;
      c->conflict += earlier->conflict ? 1 : 0;
    }
    RowWriter to(append_rows(out, Table::duplicates).rows);
    to.text(source_);
    to.text(event.message_id);
    to.time(received_at_);
    to.time(earlier->received_at);
    to.u8(earlier->conflict ? 1 : 0);
    write_place(to, place, out.epoch);
    sample(event, "", place, true, out);
    return ok();
  }

  // R6. For an alias the previous id counts as anonymous id.
  const std::string_view anonymous = event.anonymous_id.empty() ? event.previous_id : event.anonymous_id;
  SLUICE_CHECK(link(event.anonymous_id, event.user_id, place, out));
  SLUICE_CHECK(link(event.previous_id, event.user_id, place, out));
  std::string_view linked;
  if (event.user_id.empty() && !anonymous.empty()) linked = SLUICE_TRY(links_->find(source_, anonymous));

  plan::Row row;
  row.source = source_;
  row.event = event.event;
  row.message_id = event.message_id;
  row.user_id = event.user_id;
  row.anonymous_id = event.anonymous_id;
  row.stitching_key = !anonymous.empty() ? anonymous : !event.user_id.empty() ? event.user_id : event.message_id;
  row.user_key = !event.user_id.empty() ? event.user_id
                 : !linked.empty()      ? linked
                 : !anonymous.empty()   ? anonymous
                                        : event.message_id;
  row.dialect = event::dialect_name(event.dialect);
  row.event_time = event.event_time.value_or(received_at_);
  row.received_at = received_at_;
  row.place = place;

  const bool future = row.event_time > received_at_ + kFutureAfter;
  const auto flags = static_cast<uint16_t>(event.flags | (future ? event::bit(event::Flag::future) : 0));
  const TimeMs watermark = clock_.watermark();
  block_.add(event, row, flags, watermark, place);
  for (event::LedgerCounts* c : {&ledger(), &out.counts, &totals_}) ++c->stored;

  if (!operators_.empty()) {
    for (PathBinding& paths : paths_) paths.bind(event);
    for (plan::JoinedRows& joined : joined_) joined.begin();
    for (Operator& op : operators_) {
      const size_t of = op.plan == plan_ ? 0 : 1;
      row.paths = paths_[of].values();
      row.joined = &joined_[of];
      op.state->add(row, future, watermark, out.epoch, evaluator_);
      if (op.adopting) op.adopting->add(row, future, watermark, out.epoch, evaluator_);
    }
  }
  largest_event_time_ = std::max(largest_event_time_, row.event_time);
  if (source_index_ && !future) clock_.moved(*source_index_, row.event_time, received_at_);

  sample(event, row.user_key, place, false, out);
  return ok();
}

// The first few of an epoch: the live page shows at most five rows a second, so copying more would be for nobody.
void Fold::sample(const event::EventView& event, std::string_view user_key, const event::Place& place, bool duplicate,
                  EpochRows& out) {
  if (out.newest.size() >= options_.sample_max) return;
  out.newest.push_back(SampleEvent{source_, std::string(event.event), std::string(event.message_id), std::string(user_key),
                                   event.event_time.value_or(received_at_), received_at_, place, duplicate});
}

void Fold::write_link(std::string_view anonymous_id, std::string_view user_id, const event::Place& place, EpochRows& out) {
  RowWriter to(append_rows(out, Table::identities).rows);
  to.text(source_);
  to.text(anonymous_id);
  to.text(user_id);
  to.time(received_at_);
  write_place(to, place, out.epoch);
}

void Fold::fold_reject(const event::RejectView& reject, const event::Place& place, EpochRows& out) {
  for (event::LedgerCounts* c : {&ledger(), &out.counts, &totals_}) ++c->quarantined;
  RowWriter to(append_rows(out, Table::quarantine).rows);
  to.text(source_);
  to.time(received_at_);
  to.text(reject.reason);
  to.text(reject.path);
  to.text(reject.raw);
  to.text(reject.message_id);
  to.text(event::dialect_name(reject.dialect));
  write_place(to, place, out.epoch);
  if (out.rejects.size() >= options_.sample_max) return;
  out.rejects.push_back(SampleReject{source_, std::string(reject.reason), std::string(reject.path),
                                     std::string(reject.raw.substr(0, 2048)), event::dialect_name(reject.dialect), received_at_,
                                     place});
}

bool Fold::emits_touched(const Operator& op, TimeMs now) const {
  if (op.state->metric().latency != plan::Metric::Latency::minutes) return true;
  return op.last_emit == kMinusInfinity || now - op.last_emit >= options_.emit_interval_minutes;
}

void Fold::finish(const std::optional<TimeMs>& clock, EpochRows& out) {
  if (block_.rows() > 0) {
    TableRows& rows = append_rows(out, Table::events);
    rows.count = block_.rows();
    rows.rows = block_.take(out.epoch);
  }
  if (clock) clock_.advance(*clock);
  const TimeMs now = clock_.now(), watermark = clock_.watermark();
  const bool emit_touched = last_emit_ == kMinusInfinity || now - last_emit_ >= options_.emit_interval;
  bool emitted = false;
  for (Operator& op : operators_) {
    MetricChange change;
    change.metric = op.shown.value_or(0);
    const bool touched_too = emit_touched && emits_touched(op, now);
    op.state->emit(watermark, out.epoch, touched_too, change.rows);
    if (touched_too && !change.rows.empty()) op.last_emit = now;
    change.seen = op.state->take_seen();
    if (op.adopting) {  // it only keeps up: what it closes now is not whole, and what it touched is emitted when it takes over
      op.adopting->emit(watermark, out.epoch, false, unseen_);
      op.adopting->take_seen();
      unseen_.clear();
    }
    if (change.rows.empty()) {
      if (op.shown && change.seen.any) out.changes.push_back(std::move(change));
      continue;
    }
    emitted = true;
    RestatingRows rows;
    rows.name = op.table;
    rows.statement = metric_insert_statement(op.state->metric(), op.table);
    RowWriter to(rows.rows.rows);
    for (const plan::MetricRow& row : change.rows) write_metric_row(to, op.state->metric(), row, 2 * out.epoch.value, out.epoch);
    rows.rows.count = change.rows.size();
    out.restating.push_back(std::move(rows));
    if (op.shown) out.changes.push_back(std::move(change));
  }
  if (emitted && emit_touched) last_emit_ = now;
  finish_ledger(out);
  RestatingRows marks;
  marks.name = table_name(Table::watermarks);
  marks.statement = insert_statement(Table::watermarks);
  RowWriter to(marks.rows.rows);
  write_watermark(to, "", watermark, true, out.epoch);
  for (const WatermarkClock::SourceState& source : clock_.sources()) {
    write_watermark(to, source.name, source.watermark, clock_.active(source), out.epoch);
  }
  marks.rows.count = clock_.sources().size() + 1;
  out.restating.push_back(std::move(marks));
  out.sources = clock_.sources();
  out.totals = totals_;
  out.now = now;
  out.watermark = watermark;
}

// Rows hold a minute's whole counts, so repeating an epoch restates them. Minutes before a source's newest cannot change any more.
void Fold::finish_ledger(EpochRows& out) {
  if (out.counts == event::LedgerCounts{}) return;
  RestatingRows rows;
  rows.name = table_name(Table::ledger);
  rows.statement = insert_statement(Table::ledger);
  RowWriter to(rows.rows.rows);
  for (const auto& [key, counts] : open_minutes_) {
    write_ledger(to, {key, counts}, out.epoch);
    ++rows.rows.count;
  }
  const TimeMs newest = event::minute_of(received_at_);
  std::erase_if(open_minutes_, [&](const auto& entry) { return entry.first.minute < newest; });
  out.restating.push_back(std::move(rows));
}

bool Fold::due_at(TimeMs clock) const {
  if (clock <= clock_.now()) return false;
  const TimeMs idle = clock_.idle_watermark_at(clock);
  for (const Operator& op : operators_) {
    if (op.state->has_touched() && clock - last_emit_ >= options_.emit_interval && emits_touched(op, clock)) return true;
    if (op.batch() && op.state->cold().dirty_count() > 0 && clock >= op.next_batch && clock_.now() < op.next_batch) return true;
    const std::optional<TimeMs> next = op.state->next_close();
    if (next && *next <= idle) return true;
  }
  return false;
}

size_t Fold::memory_bytes() const {
  size_t n = ids_->runs().memory_bytes() + links_->memory_bytes();
  for (const Operator& op : operators_) n += op.state->state_bytes() + (op.adopting ? op.adopting->state_bytes() : 0);
  return n;
}

}  // namespace sluice::process
