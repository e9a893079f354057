// What people and programs read of a ledger report.
#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/rfc3339.h"
#include "quality/ledger.h"

namespace sluice::quality {
namespace {

constexpr size_t kEpochsShown = 20;

std::string plural(uint64_t n, std::string_view one, std::string_view many) {
  return thousands(n) + " " + std::string(n == 1 ? one : many);
}

std::string epochs_text(const std::vector<event::Epoch>& epochs) {
  if (epochs.empty()) return "in epochs older than the journal";
  std::string out = epochs.size() == 1 ? "in epoch " : "in epochs ";
  for (size_t i = 0; i < std::min(epochs.size(), kEpochsShown); ++i)
    out.append(i > 0 ? ", " : "").append(std::to_string(epochs[i].value));
  if (epochs.size() > kEpochsShown) out += " and " + plural(epochs.size() - kEpochsShown, "other", "others");
  return out;
}

const char* kind_name(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::edge: return "edge";
    case Difference::Kind::events: return "events";
    case Difference::Kind::quarantine: return "quarantine";
  }
  return "edge";
}

std::string difference_text(const Difference& d) {
  const std::string where = fmt::format("{} {}", d.key.source, format_rfc3339(d.key.minute).substr(0, 16));
  switch (d.kind) {
    case Difference::Kind::edge:
      return fmt::format("{}: the edge counted {} received, but {} are stored, quarantined, duplicate or pending, {}", where,
                         thousands(d.expected), thousands(d.found), epochs_text(d.epochs));
    case Difference::Kind::events:
      return fmt::format("{}: {} were stored, but sluice.events has {}, {}", where, thousands(d.expected), thousands(d.found),
                         epochs_text(d.epochs));
    case Difference::Kind::quarantine:
      return fmt::format("{}: {} were quarantined, but sluice.quarantine has {}, {}", where, thousands(d.expected),
                         thousands(d.found), epochs_text(d.epochs));
  }
  return where;
}

std::string epoch_text(const EpochDifference& e) {
  return fmt::format(
      "epoch {}: its commit mark says {} and {}, the store has {} and {}", e.epoch.value,
      plural(e.marked.events, "event", "events"), plural(e.marked.quarantine, "quarantined row", "quarantined rows"),
      plural(e.found.events, "event", "events"), plural(e.found.quarantine, "quarantined row", "quarantined rows"));
}

void append_counts(std::string& out, const event::LedgerCounts& c) {
  out += fmt::format(R"("received":{},"stored":{},"quarantined":{},"duplicate":{},"conflict":{},"pending":{})", c.received,
                     c.stored, c.quarantined, c.duplicate, c.conflict, c.pending);
}

template <class List, class Write>
void append_list(std::string& out, std::string_view name, const List& list, Write write) {
  out += fmt::format(",\"{}\":[", name);
  bool first = true;
  for (const auto& item : list) {
    if (!first) out += ',';
    first = false;
    write(item);
  }
  out += ']';
}

}  // namespace

std::string thousands(uint64_t n) {
  std::string digits = std::to_string(n);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string summary(const LedgerReport& report) {
  const event::LedgerCounts& t = report.totals;
  std::string out = thousands(t.received) + " received = " + thousands(report.stored_totals.events) + " stored";
  if (report.stored_totals.quarantine > 0) out += " + " + thousands(report.stored_totals.quarantine) + " quarantined";
  if (t.duplicate > 0) out += " + " + plural(t.duplicate, "duplicate", "duplicates");
  if (t.pending > 0) out += " + " + thousands(t.pending) + " pending";
  out += ", " + thousands(report.missing) + " missing";
  if (report.surplus > 0) out += ", " + thousands(report.surplus) + " too many";
  return out;
}

std::string table_text(const LedgerReport& report) {
  std::string out = fmt::format("{:<20} {:<16} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12}\n", "source", "minute (UTC)",
                                "received", "stored", "quarantined", "duplicate", "conflict", "pending", "in store");
  for (const auto& [key, c] : report.rows) {
    const auto store = report.stored.find(key);
    const StoreCounts in_store = store == report.stored.end() ? StoreCounts{} : store->second;
    const bool fine = c.balances() && c.stored == in_store.events && c.quarantined == in_store.quarantine;
    out += fmt::format("{:<20} {:<16} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12}{}\n", key.source,
                       format_rfc3339(key.minute).substr(0, 16), thousands(c.received), thousands(c.stored),
                       thousands(c.quarantined), thousands(c.duplicate), thousands(c.conflict), thousands(c.pending),
                       thousands(in_store.events + in_store.quarantine), fine ? "" : "  <-- does not balance");
  }
  if (!report.balances()) out += "\n";
  for (const Difference& difference : report.differences) out += difference_text(difference) + "\n";
  for (const EpochDifference& epoch : report.epochs) out += epoch_text(epoch) + "\n";
  out += "\n" + summary(report) + fmt::format(" (as of epoch {})\n", report.as_of.value);
  if (!report.balances()) {
    out +=
        "The ledger does not balance. Keep the data directory as it is; a restart folds again what the store lost, as far back "
        "as the "
        "log goes.\n";
  }
  return out;
}

std::string report_json(const LedgerReport& report) {
  std::string out =
      fmt::format(R"({{"balances":{},"as_of":{},"summary":{},"missing":{},"surplus":{},"totals":{{)", report.balances(),
                  report.as_of.value, json_string(summary(report)), report.missing, report.surplus);
  append_counts(out, report.totals);
  out += fmt::format(R"(,"in_store":{{"events":{},"quarantine":{}}}}})", report.stored_totals.events,
                     report.stored_totals.quarantine);
  append_list(out, "differences", report.differences, [&](const Difference& d) {
    out += fmt::format(R"({{"kind":"{}","source":{},"minute":{},"expected":{},"found":{})", kind_name(d.kind),
                       json_string(d.key.source), to_ms(d.key.minute), d.expected, d.found);
    append_list(out, "epochs", d.epochs, [&](event::Epoch epoch) { out += std::to_string(epoch.value); });
    out += '}';
  });
  append_list(out, "epochs", report.epochs, [&](const EpochDifference& e) {
    out += fmt::format(R"({{"epoch":{},"marked":{{"events":{},"quarantine":{}}},"found":{{"events":{},"quarantine":{}}}}})",
                       e.epoch.value, e.marked.events, e.marked.quarantine, e.found.events, e.found.quarantine);
  });
  append_list(out, "rows", report.rows, [&](const auto& row) {
    const auto store = report.stored.find(row.first);
    const StoreCounts in_store = store == report.stored.end() ? StoreCounts{} : store->second;
    out += fmt::format(R"({{"source":{},"minute":{},)", json_string(row.first.source), to_ms(row.first.minute));
    append_counts(out, row.second);
    out += fmt::format(R"(,"in_store":{{"events":{},"quarantine":{}}}}})", in_store.events, in_store.quarantine);
  });
  return out + "}";
}

}  // namespace sluice::quality
