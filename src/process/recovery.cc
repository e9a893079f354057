// The part of the processor that runs once per start: journal and checkpoint into a fold, then the journaled epochs again.
#include <fmt/format.h>

#include "plan/clickhouse.h"
#include "plan/clickhouse_join.h"
#include "process/processor.h"

namespace sluice::process {
Result<Processor::Opened> Processor::open(Setup setup) {
  Opened opened;
  opened.processor.reset(new Processor(std::move(setup)));
  Processor& p = *opened.processor;
  Journal::Opened journal = SLUICE_TRY(Journal::open(p.setup_.files, p.setup_.directory + "/cuts", p.setup_.data_id));
  p.journal_ = std::move(journal.journal);
  if (journal.bytes_cut > 0)
    opened.notes.push_back(fmt::format("epoch journal: a torn last entry of {} bytes was cut", journal.bytes_cut));
  SLUICE_CHECK(p.recover(std::move(journal.entries), opened.notes));
  return opened;
}

Result<const plan::Plan*> Processor::plan_of(const std::string& hash) {
  auto& plan = plans_[hash];
  if (!plan) plan = SLUICE_TRY(setup_.load_plan(hash));
  return plan.get();
}

Status Processor::recover(std::vector<JournalEntry> entries, std::vector<std::string>& notes) {
  Epoch newest_allowed(UINT64_MAX);
  if (setup_.first_missing) newest_allowed = Epoch(setup_.first_missing->value - 1);
  std::optional<Checkpoint> checkpoint = SLUICE_TRY(checkpoints_.newest(newest_allowed, notes));
  if (!checkpoint && setup_.log.begin() > event::Offset(0)) {
    return fail(Code::corrupt,
                fmt::format("no usable checkpoint, and the log begins at {}: what came before cannot be folded again. "
                            "Restore DATA/process/checkpoints from a copy",
                            setup_.log.begin().value));
  }
  SLUICE_CHECK(checkpoints_.drop_after(checkpoint ? checkpoint->epoch : Epoch(0)));
  const std::vector<Checkpoint> on_disk = SLUICE_TRY(checkpoints_.kept());
  for (const Checkpoint& kept : on_disk) keep(kept);
  if (entries.empty()) {
    SLUICE_CHECK(journal_->append(PlanEntry{setup_.wanted, Epoch(1)}));
    entries.push_back(PlanEntry{setup_.wanted, Epoch(1)});
  }
  const auto* first_plan = std::get_if<PlanEntry>(&entries.front());
  if (first_plan == nullptr && !checkpoint) return fail(Code::corrupt, "the epoch journal does not begin with a plan");
  plan_hash_ = checkpoint ? checkpoint->plan : first_plan->hash;
  const plan::Plan* plan = SLUICE_TRY(plan_of(plan_hash_));
  fold_ = SLUICE_TRY(Fold::open(setup_.files, setup_.directory, *plan, setup_.options.fold,
                                checkpoint ? checkpoint->snapshot : std::string_view(),
                                [this](const std::string& hash) { return plan_of(hash); }));
  if (checkpoint) {
    folded_ = committed_ = checkpointed_ = checkpoint->epoch;
    next_ = event::embedded_offset(checkpoint->position);
    next_job_ = checkpoint->next_job;
    running_ = checkpoint->running;
    committed_watermark_ = fold_->clock().watermark();
  }
  from_ = next_;
  // Everything behind the checkpoint's own cut is replayed, in the journal's order.
  bool behind = !checkpoint.has_value();
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto* cut = std::get_if<CutEntry>(&entries[i]);
    if (behind && i > 0) to_replay_.push_back(std::move(entries[i]));
    if (cut != nullptr && checkpoint && cut->epoch == checkpoint->epoch) behind = true;
  }
  if (!behind)
    return fail(Code::corrupt,
                fmt::format("the epoch journal does not know epoch {} of the newest checkpoint", checkpoint->epoch.value));
  status_.replaying = !to_replay_.empty();
  note_status();
  deliver_schema();
  return ok();
}

// Tables of all that is folded, views of what is shown and of what is new, and one row per definition. Idempotent: after a restart it is
// simply done again. What is neither any more goes.
void Processor::deliver_schema() {
  Delivery schema;
  schema.kind = Delivery::Kind::schema;
  schema.statements = create_statements();
  schema.plan = fold_->shown().hash;
  schema.tables.resize(fold_->shown().metrics.size());
  RestatingRows rows;
  rows.name = table_name(Table::definitions);
  rows.statement = insert_statement(Table::definitions);
  RowWriter to(rows.rows.rows);
  std::set<std::string> tables;
  std::map<std::string, std::string> views;
  std::vector<std::string> view_statements;
  fill_dimensions(tables, views, view_statements);
  for (const Fold::Operator& op : fold_->operators()) {
    const plan::Metric& metric = op.state->metric();
    schema.statements.push_back(plan::clickhouse::create_table(metric, op.table));
    tables.insert(op.table);
    if (op.shown) schema.tables[*op.shown] = op.table;
    if (op.shown || !fold_->shown_index(metric.name)) {
      view_statements.push_back(plan::clickhouse::create_view(metric, op.table));
      views.emplace(metric.name, op.table);
    }
    write_definition(to, {metric.name, metric.version, op.table, metric.definition, op.birth});
    ++rows.rows.count;
  }
  for (std::string& statement : view_statements) schema.statements.push_back(std::move(statement));
  for (const auto& [name, table] : views_) {
    if (!views.contains(name)) schema.statements.push_back(plan::clickhouse::drop_view(name));
  }
  for (const std::string& table : tables_) {
    if (!tables.contains(table)) to_drop_.push_back(table);
  }
  // A dimension has a content again that it had; a definition that is back before an epoch was folded is born in the same one as before, and has the same table.
  std::erase_if(to_drop_, [&](const std::string& table) { return tables.contains(table); });
  tables_ = std::move(tables);
  views_ = std::move(views);
  schema.rows.restating.push_back(std::move(rows));
  outbox_.push_back(std::move(schema));
}

// Dimensions of both plans, each content in a table of its own that is full before anything names it; the views show what is shown.
void Processor::fill_dimensions(std::set<std::string>& tables, std::map<std::string, std::string>& views,
                                std::vector<std::string>& view_statements) {
  Delivery fill;
  fill.kind = Delivery::Kind::schema;
  fill.statements = create_statements();
  for (const plan::Plan* plan : {&fold_->shown(), &fold_->plan()}) {
    for (const plan::DimensionFile& file : plan->dimension_files) {
      const std::string table = plan::clickhouse::dimension_table_name(file);
      if (views.emplace(file.name, table).second) view_statements.push_back(plan::clickhouse::create_dimension_view(file));
      if (!tables.insert(table).second || tables_.contains(table)) continue;
      fill.statements.push_back(plan::clickhouse::create_dimension_table(file));
      RestatingRows rows;
      rows.name = table;
      rows.statement = dimension_insert_statement(table);
      RowWriter to(rows.rows.rows);
      write_dimension(to, *file.table);
      rows.rows.count = file.table->rows().size();
      fill.rows.restating.push_back(std::move(rows));
    }
  }
  if (!fill.rows.restating.empty()) outbox_.push_back(std::move(fill));
}

// Behind the delivery that took their views away.
void Processor::drop_tables() {
  if (to_drop_.empty() || running_ || listing_) return;
  Delivery drops;
  drops.kind = Delivery::Kind::schema;
  for (const std::string& table : std::exchange(to_drop_, {})) drops.statements.push_back(plan::clickhouse::drop_table(table));
  outbox_.push_back(std::move(drops));
}

void Processor::forget_plans() {
  if (plans_.size() <= 2 || running_ || listing_ || adopt_asked_) return;
  std::erase_if(plans_,
                [&](const auto& known) { return known.second.get() != &fold_->plan() && known.second.get() != &fold_->shown(); });
}

Status Processor::use_plan(const std::string& hash, Epoch first) {
  const plan::Plan* plan = SLUICE_TRY(plan_of(hash));
  fold_->set_plan(*plan, first);
  plan_hash_ = hash;
  deliver_schema();
  return ok();
}

Result<Processor::Step> Processor::replay(os::MonotonicTime now) {
  if (over_bounds()) return Step::waiting;
  if (to_replay_.empty()) {
    status_.replaying = false;
    SLUICE_CHECK(use_wanted_plan());
    note_status();
    return Step::worked;
  }
  if (const auto* adopted = std::get_if<AdoptedEntry>(&to_replay_.front())) {
    if (!SLUICE_TRY(replay_adopted(*adopted))) return Step::waiting;
    to_replay_.pop_front();
    return Step::worked;
  }
  const JournalEntry entry = std::move(to_replay_.front());
  to_replay_.pop_front();
  if (const auto* cut = std::get_if<CutEntry>(&entry)) {
    SLUICE_CHECK(replay_cut(*cut));
    SLUICE_CHECK(checkpoint(now));
  } else if (const auto* plan = std::get_if<PlanEntry>(&entry)) {
    SLUICE_CHECK(use_plan(plan->hash, plan->first_epoch));
  } else if (const auto* job = std::get_if<JobEntry>(&entry)) {
    if (Fold::Operator* op = fold_->operator_of(job->metric, job->version)) op->state->cold().started(job->windows, job->up_to);
    running_ = *job;
    next_job_ = job->job.next();
  } else if (const auto* done = std::get_if<JobDoneEntry>(&entry)) {
    if (running_ && running_->job == done->job) {
      // A store that lost epochs may have lost what jobs wrote, too: computing it once more is harmless.
      if (done->stopped || setup_.first_missing) give_back(*running_);
      if (!done->stopped) finish_first(*running_);
      running_.reset();
    }
  } else if (const auto* listed = std::get_if<ListedEntry>(&entry)) {
    apply_listing(*listed);
  } else if (std::get_if<SwapEntry>(&entry) != nullptr) {
    fold_->swap();
    deliver_schema();
  }
  note_status();
  return Step::worked;
}

Status Processor::replay_cut(const CutEntry& cut) {
  EpochRows rows;
  rows.epoch = cut.epoch;
  if (cut.epoch != folded_.next() || event::embedded_offset(cut.from) != next_) {
    return fail(Code::corrupt,
                fmt::format("the epoch journal names epoch {} from {}, but epoch {} from {} is next", cut.epoch.value,
                            event::embedded_offset(cut.from).value, folded_.next().value, next_.value));
  }
  const event::Offset to = event::embedded_offset(cut.to);
  while (next_ < to) {
    std::optional<event::Frame> frame = SLUICE_TRY(setup_.log.next(next_));
    if (!frame || frame->end() > to) {
      return fail(Code::corrupt, fmt::format("epoch {} covers the log up to {}, but the log {}", cut.epoch.value, to.value,
                                             frame ? "has a frame across that end"
                                                   : "ends before it: was DATA/log restored from an older copy?"));
    }
    SLUICE_CHECK(fold_->fold(*frame, rows));
    next_ = frame->end();
  }
  fold_->finish(cut.clock, rows);
  from_ = next_;
  records_since_checkpoint_ += rows.records;
  folded_ = cut.epoch;
  deliver(std::move(rows), true);
  return ok();
}

// Between epochs only: an entry says from which epoch on it holds.
Status Processor::use_wanted_plan() {
  // What the store was asked for the definitions of now is taken first.
  if (plan_hash_ == setup_.wanted || gathering_since_ || listing_ || adopt_asked_) return ok();
  SLUICE_CHECK(plan_of(setup_.wanted));
  SLUICE_CHECK(journal_->append(PlanEntry{setup_.wanted, folded_.next()}));
  return use_plan(setup_.wanted, folded_.next());
}

Status Processor::swap() {
  SLUICE_CHECK(journal_->append(SwapEntry{plan_hash_, folded_.next()}));
  fold_->swap();
  deliver_schema();
  return ok();
}

}  // namespace sluice::process
