#include "process/sink.h"

#include <fmt/format.h>

#include "process/row_binary.h"

namespace sluice::process {

Result<Sink::Step> Sink::step(std::optional<Delivery> next) {
  if (!current_) {
    if (!next) return Step::idle;
    current_ = std::move(next);
    next_append_ = next_restating_ = 0;
    doubt_ = current_->again ? Doubt::asked : Doubt::none;
  } else {
    SLUICE_ASSERT(!next, "one epoch at a time");
  }
  return carry();
}

// All of it may be repeated, so it simply begins again after the store was away.
Result<bool> Sink::apply_schema() {
  for (const std::string& statement : current_->statements) {
    Status done = warehouse_.execute(statement);
    if (!done && done.error().code == Code::invalid) return std::move(done).error().in("store: " + statement.substr(0, 120));
    if (!done) return wait_for(done.error());
  }
  if (Status synced = warehouse_.sync(); !synced) return wait_for(synced.error());
  return true;
}

Result<Sink::Step> Sink::carry() {
  EpochRows& rows = current_->rows;
  if (current_->kind == Delivery::Kind::schema) {
    if (!SLUICE_TRY(apply_schema())) return Step::waiting;
    for (const RestatingRows& restating : rows.restating) {
      if (!SLUICE_TRY(restate(restating))) return Step::waiting;
    }
    waiting_for_.clear();
    current_.reset();
    return Step::worked;
  }
  for (; next_append_ < kAppendTables.size(); ++next_append_) {
    if (!SLUICE_TRY(append(next_append_))) return Step::waiting;
    doubt_ = current_->again ? Doubt::asked : Doubt::none;
  }
  for (; next_restating_ < rows.restating.size(); ++next_restating_) {
    if (!SLUICE_TRY(restate(rows.restating[next_restating_]))) return Step::waiting;
  }
  CommitEntry mark;
  mark.epoch = rows.epoch;
  for (size_t i = 0; i < mark.rows.size(); ++i) mark.rows[i] = rows.appends[i].count;
  if (Status marked = marks_.append(mark); !marked) {
    if (marked.error().code != Code::full) return std::move(marked).error();
    waiting_for_ = marked.error().message;
    return Step::waiting;
  }
  waiting_for_.clear();
  ++counters_.epochs;
  for (const TableRows& t : rows.appends) counters_.rows += t.count;
  EpochRows done = std::move(rows);
  current_.reset();
  committed_(std::move(done));
  return Step::worked;
}

std::string Sink::query_id(std::string_view table) const {
  return fmt::format("sluice-{}-{}-{}-{}", data_id_.substr(0, 8), table, current_->rows.epoch.value, attempt_);
}

Result<bool> Sink::wait_for(const Error& error) {
  waiting_for_ = error.message;
  ++counters_.retries;
  return false;
}

Result<uint64_t> Sink::count(Table table) {
  const std::string sql = fmt::format("SELECT count() FROM sluice.{} WHERE epoch = {} SETTINGS use_query_condition_cache = 0",
                                      table_name(table), current_->rows.epoch.value);
  const std::string reply = SLUICE_TRY(warehouse_.query(sql, "RowBinary"));
  RowReader from(reply);
  const uint64_t n = from.u64();
  if (from.failed()) return fail(Code::unavailable, "store: a short reply to a count");
  return n;
}

Result<uint64_t> Sink::count_at_recovery(size_t index) {
  const uint64_t epoch = current_->rows.epoch.value;
  if (!held_[index]) {
    const std::string sql = fmt::format(
        "SELECT epoch, count() FROM sluice.{} WHERE epoch >= {} GROUP BY epoch SETTINGS "
        "use_query_condition_cache = 0",
        table_name(kAppendTables[index]), epoch);
    const std::string reply = SLUICE_TRY(warehouse_.query(sql, "RowBinary"));
    std::map<uint64_t, uint64_t> held;
    for (RowReader from(reply); from.more();) {
      const uint64_t of_epoch = from.u64();
      held[of_epoch] = from.u64();
    }
    held_[index] = std::move(held);
  }
  const auto it = held_[index]->find(epoch);
  return it == held_[index]->end() ? 0 : it->second;
}

// Decides an insert of unknown fate: once nothing earlier can still land, the count tells.
Result<bool> Sink::settle(size_t index, bool& stored) {
  const Table table = kAppendTables[index];
  const uint64_t expected = current_->rows.appends[index].count;
  Result<uint64_t> found = uint64_t{0};
  if (doubt_ == Doubt::asked) {
    found = count_at_recovery(index);
  } else {
    if (Status fenced = warehouse_.fence(); !fenced) return wait_for(fenced.error());
    ++counters_.fences;
    found = count(table);
  }
  if (!found) return wait_for(found.error());
  stored = *found == expected;
  if (!stored && *found != 0) {
    return fail(
        Code::corrupt,
        fmt::format("store: sluice.{} holds {} rows of epoch {}, the log says {}. Processing stops so that no number is wrong; "
                    "run `sluice ledger` and restore the store or the data directory from one copy",
                    table_name(table), *found, current_->rows.epoch.value, expected));
  }
  doubt_ = Doubt::none;
  return true;
}

Result<bool> Sink::append(size_t index) {
  const Table table = kAppendTables[index];
  const TableRows& rows = current_->rows.appends[index];
  if (doubt_ != Doubt::none) {
    bool stored = false;
    if (!SLUICE_TRY(settle(index, stored))) return false;
    if (stored) {
      counters_.skipped += rows.count > 0 ? 1 : 0;
      return true;
    }
  }
  if (rows.count == 0) return true;
  Status inserted = warehouse_.insert({insert_statement(table), rows.rows, rows.count, query_id(table_name(table))});
  ++counters_.inserts;
  if (inserted && current_->again) {  // after a recovery insert only the count earns the mark
    Result<uint64_t> found = count(table);
    if (!found || *found != rows.count) {
      doubt_ = Doubt::sent;
      ++attempt_;
      return wait_for(found ? fail(Code::unknown, "store: a recovery insert was acknowledged but is not there") : found.error());
    }
  }
  if (inserted) return true;
  ++attempt_;
  // A refusal left nothing behind and may pass (memory, too many parts); a lost reply leaves doubt.
  if (inserted.error().code == Code::unknown) doubt_ = Doubt::sent;
  return wait_for(inserted.error());
}

// Repeating is harmless: same key, same version, same bytes.
Result<bool> Sink::restate(const RestatingRows& rows) {
  if (rows.rows.count == 0) return true;
  Status inserted = warehouse_.insert({rows.statement, rows.rows.rows, rows.rows.count, query_id(rows.name)});
  ++counters_.inserts;
  if (inserted) return true;
  ++attempt_;
  return wait_for(inserted.error());
}

}  // namespace sluice::process
