#include "quality/ledger.h"

#include <algorithm>
#include <set>

namespace sluice::quality {
namespace {

LedgerTable together(const LedgerInput& input) {
  LedgerTable rows = input.folded;
  for (const auto& [key, counts] : input.waiting) rows[key] += counts;
  return rows;
}

uint64_t fates(const event::LedgerCounts& c) { return c.stored + c.quarantined + c.duplicate + c.pending; }

// Epochs whose counts in the store are not those that their commit marks promise. Epochs newer than the newest mark may be on
// their way; older than the oldest are not asked for.
std::vector<EpochDifference> compare_epochs(const LedgerInput& input) {
  std::map<event::Epoch, EpochDifference> all;
  event::Epoch newest;
  for (const EpochMark& mark : input.marks) {
    all[mark.epoch] = {mark.epoch, mark.marked, {}};
    newest = std::max(newest, mark.epoch);
  }
  for (const auto& [epoch, found] : input.stored_by_epoch) {
    if (epoch > newest) continue;
    EpochDifference& difference = all[epoch];
    difference.epoch = epoch;
    difference.found = found;
  }
  std::vector<EpochDifference> differences;
  for (const auto& [epoch, difference] : all) {
    if (difference.marked != difference.found) differences.push_back(difference);
  }
  return differences;
}

std::vector<event::Epoch> edge_epochs(const LedgerInput& input, const event::LedgerKey& key) {
  std::set<event::Epoch> differing;
  std::set<event::Epoch> all;
  for (const EdgeCount& count : input.edge) {
    if (count.key != key) continue;
    all.insert(count.epoch);
    if (count.received != count.records) differing.insert(count.epoch);
  }
  // Manifests that are right put the difference into the fold: then any epoch of that minute may hold it.
  const auto& named = differing.empty() ? all : differing;
  return {named.begin(), named.end()};
}

std::vector<event::Epoch> store_epochs(const std::vector<EpochDifference>& epochs, bool of_events) {
  std::vector<event::Epoch> named;
  for (const EpochDifference& e : epochs) {
    if (of_events ? e.marked.events != e.found.events : e.marked.quarantine != e.found.quarantine) named.push_back(e.epoch);
  }
  return named;
}

void compare_minute(const LedgerInput& input, const event::LedgerKey& key, LedgerReport& report) {
  const auto row = report.rows.find(key);
  const event::LedgerCounts counts = row == report.rows.end() ? event::LedgerCounts{} : row->second;
  const auto store = input.stored.find(key);
  const StoreCounts in_store = store == input.stored.end() ? StoreCounts{} : store->second;
  if (!counts.balances()) {
    report.differences.push_back({Difference::Kind::edge, key, counts.received, fates(counts), edge_epochs(input, key)});
  }
  if (counts.stored != in_store.events) {
    report.differences.push_back(
        {Difference::Kind::events, key, counts.stored, in_store.events, store_epochs(report.epochs, true)});
  }
  if (counts.quarantined != in_store.quarantine) {
    report.differences.push_back(
        {Difference::Kind::quarantine, key, counts.quarantined, in_store.quarantine, store_epochs(report.epochs, false)});
  }
  // What counts in the end is what the store has.
  const uint64_t found = in_store.events + in_store.quarantine + counts.duplicate + counts.pending;
  if (found < counts.received) report.missing += counts.received - found;
  if (found > counts.received) report.surplus += found - counts.received;
}

}  // namespace

std::vector<event::LedgerKey> unbalanced_at_the_edge(const LedgerInput& input) {
  std::vector<event::LedgerKey> keys;
  for (const auto& [key, counts] : together(input)) {
    if (!counts.balances()) keys.push_back(key);
  }
  return keys;
}

LedgerReport make_report(const LedgerInput& input) {
  LedgerReport report;
  report.as_of = input.as_of;
  report.rows = together(input);
  report.stored = input.stored;
  report.epochs = compare_epochs(input);
  std::set<event::LedgerKey> keys;
  for (const auto& [key, counts] : report.rows) {
    report.totals += counts;
    keys.insert(key);
  }
  for (const auto& [key, counts] : input.stored) {
    report.stored_totals.events += counts.events;
    report.stored_totals.quarantine += counts.quarantine;
    keys.insert(key);
  }
  for (const event::LedgerKey& key : keys) compare_minute(input, key, report);
  return report;
}

}  // namespace sluice::quality
