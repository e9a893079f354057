#include "process/adoption.h"

namespace sluice::process {
namespace {

std::string_view* text_of(plan::Row& row, plan::Name name) {
  switch (name) {
    case plan::Name::source: return &row.source;
    case plan::Name::event: return &row.event;
    case plan::Name::message_id: return &row.message_id;
    case plan::Name::user_id: return &row.user_id;
    case plan::Name::anonymous_id: return &row.anonymous_id;
    case plan::Name::stitching_key: return &row.stitching_key;
    case plan::Name::user_key: return &row.user_key;
    case plan::Name::dialect: return &row.dialect;
    default: return nullptr;
  }
}

}  // namespace

bool may_adopt(const plan::Metric& metric) { return !metric.sessions && metric.latency != plan::Metric::Latency::batch; }

TimeMs adopted_since(const plan::Metric& metric, TimeMs watermark) {
  // Whose cohort it is depends on every start event ever stored.
  if (metric.kind == plan::Metric::Kind::retention || watermark == kMinusInfinity) return kMinusInfinity;
  return watermark - metric.allowed_lateness - metric.due_after - metric.window.size;
}

StoredEvents::StoredEvents(const plan::Plan& plan, const plan::Metric& metric, std::string_view reply)
    : from_(reply),
      reads_(plan::reads_of(plan, metric)),
      joined_(plan),
      scalars_(reads_.paths.size()),
      paths_(plan.paths.size(), nullptr) {
  for (size_t i = 0; i < reads_.paths.size(); ++i) scalars_[i].path = plan.paths[reads_.paths[i]];
  row_.paths = paths_;
}

bool StoredEvents::next() {
  if (!from_.more()) return false;
  joined_.begin();
  row_.joined = &joined_;
  row_.event_time = from_.time();
  row_.received_at = from_.time();
  row_.place.partition = event::PartitionId(from_.u16());
  row_.place.offset = event::Offset(from_.u64());
  for (const plan::Name name : reads_.names) {
    std::string_view* into = text_of(row_, name);
    const bool null = from_.is_null();
    SLUICE_ASSERT(into != nullptr, "reads_of() names texts only");
    *into = null ? std::string_view() : from_.text();
  }
  for (size_t i = 0; i < reads_.paths.size(); ++i) {
    const bool absent = from_.is_null();
    scalars_[i].text = absent ? std::string_view() : from_.text();
    scalars_[i].number.reset();
    if (!from_.is_null()) scalars_[i].number = from_.decimal();
    paths_[reads_.paths[i]] = absent ? nullptr : &scalars_[i];
  }
  return !from_.failed();
}

Status adopt_events(MetricOperator& adopting, StoredEvents events, TimeMs watermark, event::Epoch epoch,
                    plan::Evaluator& evaluator) {
  const ColdWindows before = adopting.cold();
  while (events.next()) adopting.add(events.row(), true, watermark, epoch, evaluator);
  // What it was given is counted now, as at the end of an epoch: a checkpoint may come before the next one. What that closes is the jobs'.
  std::vector<plan::MetricRow> unseen;
  adopting.emit(watermark, epoch, false, unseen);
  adopting.cold().keep_dirty_of(before);
  adopting.take_seen();
  if (events.failed()) return fail(Code::unavailable, "store: a short reply with stored events");
  return ok();
}

}  // namespace sluice::process
