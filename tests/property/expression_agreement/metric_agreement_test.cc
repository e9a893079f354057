// Random metrics over random hostile events: windows, groups, aggregates, derived measures and states computed here in plain C++ from
// the evaluator's values, and by every printed query, table and view on the real engine. Equal to the last digit.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "base/rfc3339.h"
#include "engine.h"
#include "hostile.h"
#include "plan/clickhouse.h"
#include "plan/compile.h"
#include "plan/metric_row.h"
#include "plan/zone.h"
#include "random_metric.h"

namespace sluice::agreement {
namespace {

using plan::Measure;
using plan::MeasureKind;
using plan::StoredValue;
using plan::Value;

using Dimensions = std::vector<std::optional<std::string>>;
struct Group {
  std::vector<size_t> events;
  bool late = false, on_time = false;
};

// Every event evaluated once: the plain part of the model.
struct Facts {
  bool passes = false;
  Dimensions dimensions;
  std::vector<StoredValue> arguments;  // per measure
  std::vector<bool> filters;  // per measure
};

class Model {
 public:
  Model(const plan::Plan& plan, const std::vector<StoredEvent>& events, uint64_t up_to_epoch)
      : metric_(plan.metrics[0]), events_(events) {
    std::vector<event::ScalarView> views;
    std::vector<const event::ScalarView*> slots;
    for (const StoredEvent& e : events) {
      const plan::Row row = row_of(e, plan.paths, views, slots);
      Facts f;
      f.passes = e.epoch <= up_to_epoch && evaluator_.passes(metric_.where, row);
      for (const plan::Dimension& d : metric_.dimensions) {
        const Value v = evaluator_.evaluate(d.value, row);
        f.dimensions.push_back(v.is_null() ? std::nullopt : std::optional(std::string(v.text)));
      }
      for (const Measure& m : metric_.measures) {
        f.filters.push_back(evaluator_.passes(m.where, row));
        const bool none = m.kind == MeasureKind::derived || m.argument.empty();
        f.arguments.push_back(none ? StoredValue{} : StoredValue::of(evaluator_.evaluate(m.argument, row)));
      }
      facts_.push_back(std::move(f));
    }
  }

  const std::vector<Facts>& facts() const { return facts_; }

  Group group_of(const std::vector<size_t>& members, TimeMs due) const {
    Group g{members};
    for (const size_t i : members) {
      const bool late = events_[i].watermark >= to_ms(due + metric_.allowed_lateness);
      (late ? g.late : g.on_time) = true;
    }
    return g;
  }

  // Windows and dimensions to members.
  std::map<std::pair<plan::Span, Dimensions>, std::vector<size_t>> groups(const std::vector<uint32_t>& kept) const {
    std::map<std::pair<plan::Span, Dimensions>, std::vector<size_t>> out;
    std::vector<plan::Span> windows;
    for (size_t i = 0; i < events_.size(); ++i) {
      if (!facts_[i].passes) continue;
      plan::windows_of(metric_.window, time_ms(events_[i].event_time), windows);
      for (const plan::Span& w : windows) out[{w, keep(i, kept)}].push_back(i);
    }
    return out;
  }

  Dimensions keep(size_t i, const std::vector<uint32_t>& kept) const {
    Dimensions d;
    for (const uint32_t k : kept) d.push_back(facts_[i].dimensions[k]);
    return d;
  }

  std::vector<StoredValue> stored(const std::vector<size_t>& members) const {
    std::vector<StoredValue> out;
    for (size_t m = 0; m < metric_.measures.size(); ++m) append_stored(m, members, out);
    return out;
  }
  std::vector<StoredValue> visible(const std::vector<size_t>& members) {
    return plan::visible_values(metric_, stored(members), evaluator_);
  }

 private:
  static StoredValue whole(size_t n) { return StoredValue::of(Value::of(Decimal::whole(static_cast<int64_t>(n)))); }
  static bool less(const StoredValue& a, const StoredValue& b) {
    if (a.kind == Value::Kind::text)
      return std::lexicographical_compare(a.text.begin(), a.text.end(), b.text.begin(), b.text.end(), [](char x, char y) {
        return static_cast<unsigned char>(x) < static_cast<unsigned char>(y);
      });
    return a.kind == Value::Kind::time ? a.time < b.time : a.number < b.number;
  }

  void append_stored(size_t m, const std::vector<size_t>& members, std::vector<StoredValue>& out) const {
    const Measure& measure = metric_.measures[m];
    std::vector<StoredValue> values;
    size_t rows = 0;
    for (const size_t i : members) {
      if (!facts_[i].filters[m]) continue;
      ++rows;
      if (facts_[i].arguments[m].kind != Value::Kind::null) values.push_back(facts_[i].arguments[m]);
    }
    Decimal sum;
    for (const StoredValue& v : values) sum.raw += v.number.raw;
    const StoredValue total = values.empty() ? StoredValue{} : StoredValue::of(Value::of(sum));
    if (measure.kind == MeasureKind::first || measure.kind == MeasureKind::last)
      return out.push_back(at_the_end(m, members, measure.kind == MeasureKind::first));
    if (measure.kind != MeasureKind::count && measure.kind != MeasureKind::count_of)
      std::sort(values.begin(), values.end(), less);
    switch (measure.kind) {
      case MeasureKind::count: out.push_back(whole(rows)); break;
      case MeasureKind::count_of: out.push_back(whole(values.size())); break;
      case MeasureKind::sum: out.push_back(total); break;
      case MeasureKind::avg:
        out.push_back(total);
        out.push_back(whole(values.size()));
        break;
      case MeasureKind::min: out.push_back(values.empty() ? StoredValue{} : values.front()); break;
      case MeasureKind::max: out.push_back(values.empty() ? StoredValue{} : values.back()); break;
      case MeasureKind::distinct: {
        std::set<std::string> different;
        for (const StoredValue& v : values) different.insert(v.text);
        out.push_back(whole(different.size()));
        break;
      }
      case MeasureKind::percentile: {
        size_t k = 1;
        while (k < values.size() && k * measure.p_denominator < measure.p_numerator * values.size()) ++k;
        out.push_back(values.empty() ? StoredValue{} : values[k - 1]);
        break;
      }
      case MeasureKind::topk: out.push_back(most_frequent(values, measure.top)); break;
      case MeasureKind::first:
      case MeasureKind::last:
      case MeasureKind::derived: break;
    }
  }

  // Of the non-NULL values that pass the measure's filter the one that stands first or last in (event_time, partition, offset).
  StoredValue at_the_end(size_t m, const std::vector<size_t>& members, bool first) const {
    const StoredEvent* best = nullptr;
    StoredValue value;
    for (const size_t i : members) {
      if (!facts_[i].filters[m] || facts_[i].arguments[m].kind == Value::Kind::null) continue;
      const StoredEvent& e = events_[i];
      const bool before = best != nullptr && std::tuple(e.event_time, e.partition, e.offset) <
                                                 std::tuple(best->event_time, best->partition, best->offset);
      if (best != nullptr && before != first) continue;
      best = &e;
      value = facts_[i].arguments[m];
    }
    return value;
  }

  // `values` is sorted bytewise; a stable sort keeps that among equal counts.
  static StoredValue most_frequent(const std::vector<StoredValue>& values, size_t top) {
    std::vector<plan::TopValue> counted;
    for (const StoredValue& v : values) {
      if (counted.empty() || counted.back().value != v.text) counted.push_back({v.text, 0});
      ++counted.back().count;
    }
    std::stable_sort(counted.begin(), counted.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
    counted.resize(std::min(counted.size(), top));
    return StoredValue::of(std::move(counted));
  }

  const plan::Metric& metric_;
  const std::vector<StoredEvent>& events_;
  plan::Evaluator evaluator_;
  std::vector<Facts> facts_;
};

// As the engine writes Array(Tuple(String, UInt64)), without its escapes: those were taken off with the field's.
std::string top_cell(const std::vector<plan::TopValue>& top) {
  std::string out = "[";
  for (const plan::TopValue& v : top) out += fmt::format("{}('{}',{})", out.size() > 1 ? "," : "", v.value, v.count);
  return out + "]";
}

Cell cell(const StoredValue& v) {
  switch (v.kind) {
    case Value::Kind::number: return v.number.to_text();
    case Value::Kind::text: return v.text;
    case Value::Kind::time: return format_clickhouse(v.time);
    case Value::Kind::top: return top_cell(v.top);
    default: return std::nullopt;
  }
}
Cell ms_cell(TimeMs t) { return fmt::format("{}", to_ms(t)); }
Cell flag(bool b) { return std::string(b ? "1" : "0"); }
void append(std::vector<Cell>& row, const Dimensions& dimensions) { row.insert(row.end(), dimensions.begin(), dimensions.end()); }
void append(std::vector<Cell>& row, const std::vector<StoredValue>& values) {
  for (const StoredValue& v : values) row.push_back(cell(v));
}

plan::Compiled compile_with_zones(std::vector<plan::SourceFile> files) {
  for (const std::string& zone : plan::zones_of(files)) {
    std::ifstream in(std::string(plan::kZoneFolder) + "/" + zone, std::ios::binary);
    files.push_back({std::string(plan::kZonePrefix) + zone, std::string(std::istreambuf_iterator<char>(in), {})});
  }
  return plan::compile(files);
}

struct Counts {
  size_t metrics = 0, rows = 0, late = 0, on_time = 0, filling = 0, final = 0, revised = 0, derived = 0, derived_null = 0,
         null_dimensions = 0, queries = 0, filtered_in = 0, filtered_out = 0;
};

std::string table_text(const Table& table) {
  std::string out;
  for (const auto& row : table) {
    for (const Cell& c : row) out += (c ? "[" + *c + "]" : "NULL") + " ";
    out += "\n";
  }
  return out;
}

class Check {
 public:
  Check(Engine& engine, const plan::Plan& plan, const std::vector<StoredEvent>& events, Random& random, Counts& counts)
      : engine_(engine),
        plan_(plan),
        metric_(plan.metrics[0]),
        events_(events),
        random_(random),
        counts_(counts),
        epoch_(1 + random.below(6)),
        model_(plan, events, epoch_) {
    for (uint32_t i = 0; i < metric_.dimensions.size(); ++i) all_.push_back(i);
  }

  void run() {
    check_definition();
    check_windows_and_view();
    check_window_list_and_newest();
    check_over_and_series();
  }

 private:
  void equal(Table mine, const std::string& sql) {
    ++counts_.queries;
    std::string error;
    std::optional<Table> theirs = engine_.ask(sql, error);
    ASSERT_TRUE(theirs) << error << "\n" << sql;
    std::sort(mine.begin(), mine.end());
    std::sort(theirs->begin(), theirs->end());
    if (mine == *theirs) return;
    Table here, there;
    std::set_difference(mine.begin(), mine.end(), theirs->begin(), theirs->end(), std::back_inserter(here));
    std::set_difference(theirs->begin(), theirs->end(), mine.begin(), mine.end(), std::back_inserter(there));
    FAIL() << "only in C++:\n" << table_text(here) << "only in SQL:\n" << table_text(there) << sql << "\n" << metric_.definition;
  }

  // Readers of binary rows rely on every type, Nullable or not.
  void check_types(const std::string& query, const std::vector<std::string>& expected) {
    std::string error;
    const std::optional<Table> columns = engine_.ask("DESCRIBE (" + query + ") SETTINGS print_pretty_type_names = 0", error);
    ASSERT_TRUE(columns) << error << "\n" << query;
    std::vector<std::string> types;
    for (const auto& row : *columns) types.push_back(row[1].value_or(""));
    ASSERT_EQ(types, expected) << query << "\n" << metric_.definition;
  }
  std::string visible_type(const Measure& m) const {
    if (m.kind == MeasureKind::count || m.kind == MeasureKind::count_of || m.kind == MeasureKind::distinct) return "UInt64";
    if (m.kind == MeasureKind::topk) return std::string(plan::clickhouse::kTopType);
    if (m.type == plan::Type::text) return "Nullable(String)";
    return m.type == plan::Type::time ? "Nullable(DateTime64(3, 'UTC'))" : "Nullable(Decimal(38, 9))";
  }
  std::vector<std::string> visible_types(std::vector<std::string> front, size_t dimensions,
                                         const std::vector<std::string>& back) const {
    front.insert(front.end(), dimensions, "Nullable(String)");
    for (const Measure& m : metric_.measures) front.push_back(visible_type(m));
    front.insert(front.end(), back.begin(), back.end());
    return front;
  }

  void check_definition() {
    const int64_t near = events_[random_.below(events_.size())].event_time + static_cast<int64_t>(random_.below(3 * 3'600'000));
    const TimeMs watermark =
        random_.one_in(5) ? kMinusInfinity : time_ms(random_.one_in(2) ? near - floor_mod(near, 900'000) : near);
    Table mine;
    for (const auto& [key, members] : model_.groups(all_)) {
      const Group g = model_.group_of(members, key.first.end);
      const plan::State state = plan::state_of(key.first.end, metric_.allowed_lateness, watermark, g.late, g.on_time);
      std::vector<Cell> row{format_clickhouse(key.first.start), format_clickhouse(key.first.end)};
      append(row, key.second);
      const std::vector<StoredValue> visible = model_.visible(members);
      append(row, visible);
      row.push_back(plan::state_name(state));
      count(g, state, visible, key.second);
      mine.push_back(std::move(row));
    }
    counts_.rows += mine.size();
    const std::string instant = "DateTime64(3, 'UTC')";
    check_types(plan::clickhouse::definition_query(plan_, metric_, epoch_, watermark),
                visible_types({instant, instant}, metric_.dimensions.size(), {"String"}));
    equal(std::move(mine), plan::clickhouse::definition_query(plan_, metric_, epoch_, watermark));
  }

  void count(const Group& g, plan::State state, const std::vector<StoredValue>& visible, const Dimensions& dimensions) {
    counts_.late += g.late ? 1 : 0;
    counts_.on_time += g.on_time ? 1 : 0;
    counts_.filling += state == plan::State::filling ? 1 : 0;
    counts_.final += state == plan::State::final ? 1 : 0;
    counts_.revised += state == plan::State::revised ? 1 : 0;
    for (size_t i = 0; i < visible.size(); ++i) {
      if (metric_.measures[i].kind != MeasureKind::derived) continue;
      ++counts_.derived;
      counts_.derived_null += visible[i].kind == Value::Kind::null ? 1 : 0;
    }
    counts_.null_dimensions += std::any_of(dimensions.begin(), dimensions.end(), [](const auto& d) { return !d; }) ? 1 : 0;
  }

  // Some windows by job query, through the table, as the view shows them; some groups are deleted by tombstone.
  void check_windows_and_view() {
    std::vector<plan::Span> windows;
    for (const auto& [key, members] : model_.groups(all_)) {
      if (windows.empty() || !(windows.back() == key.first)) windows.push_back(key.first);
    }
    while (windows.size() > 1 + random_.below(400))
      windows.erase(windows.begin() + static_cast<std::ptrdiff_t>(random_.below(windows.size())));
    if (windows.empty()) return;
    const std::set<plan::Span> wanted(windows.begin(), windows.end());
    Table raw, keys, seen;
    std::vector<uint32_t> dimension_order = plan_order(metric_.dimensions), measure_order = plan_order(metric_.measures);
    for (const auto& [key, members] : model_.groups(all_)) {
      if (!wanted.contains(key.first)) continue;
      const Group g = model_.group_of(members, key.first.end);
      std::vector<Cell> row{ms_cell(key.first.start), ms_cell(key.first.end)};
      append(row, key.second);
      append(row, model_.stored(members));
      row.push_back(flag(g.late));
      row.push_back(flag(g.on_time));
      raw.push_back(std::move(row));
      keys.push_back({plan::clickhouse::group_key(key.second)});
      std::vector<Cell> shown{format_clickhouse(key.first.start), format_clickhouse(key.first.end)};
      for (const uint32_t d : dimension_order) shown.push_back(key.second[d]);
      const std::vector<StoredValue> visible = model_.visible(members);
      for (const uint32_t m : measure_order) shown.push_back(cell(visible[m]));
      shown.push_back(std::string("final"));
      seen.push_back(std::move(shown));
    }
    const std::string query = plan::clickhouse::windows_query(plan_, metric_, windows, epoch_);
    equal(raw, query);
    std::vector<std::string> types{"Int64", "Int64"};
    const std::vector<plan::clickhouse::Column> table = plan::clickhouse::table_columns(metric_);
    for (size_t i = 3; i + 4 < table.size(); ++i) types.push_back(table[i].type);
    types.insert(types.end(), 2, "UInt8");
    check_types(query, types);
    engine_.run("DROP TABLE IF EXISTS sluice.`metric.1`");
    engine_.run(plan::clickhouse::create_table(metric_, "metric.1"));
    for (const int version : {2, 4}) engine_.run(insert_from(query, version, "0"));
    engine_.run(plan::clickhouse::create_view(metric_, "metric.1"));
    equal(keys, "SELECT group_key FROM sluice.`metric.1` FINAL");
    equal(seen, "SELECT * FROM sluice.m");
    std::vector<std::string> view_types{"DateTime64(3, 'UTC')", "DateTime64(3, 'UTC')"};
    view_types.insert(view_types.end(), metric_.dimensions.size(), "Nullable(String)");
    for (const uint32_t m : measure_order) view_types.push_back(visible_type(metric_.measures[m]));
    view_types.push_back("String");
    check_types("SELECT * FROM sluice.m", view_types);
    engine_.run(insert_from(query, 6, "1"));
    equal({}, "SELECT * FROM sluice.m");
  }

  template <class Item>
  static std::vector<uint32_t> plan_order(const std::vector<Item>& items) {
    std::vector<uint32_t> order;
    for (uint32_t w = 0; w < 1000 && order.size() < items.size(); ++w) {
      for (uint32_t i = 0; i < items.size(); ++i) {
        if (items[i].written == w) order.push_back(i);
      }
    }
    return order;
  }

  std::string insert_from(const std::string& query, int version, const std::string& deleted) const {
    std::string columns, values, key = "''";
    const std::vector<plan::clickhouse::Column> table = plan::clickhouse::table_columns(metric_);
    for (size_t i = 0; i < table.size(); ++i) {
      const std::string name = plan::clickhouse::quote_name(table[i].name);
      columns += (i > 0 ? ", " : "") + name;
      if (i >= 3 && i < 3 + metric_.dimensions.size())
        key += fmt::format(", if(isNull(_q.{0}), 'n', concat('t', toString(length(_q.{0})), ':', _q.{0}))", name);
    }
    for (size_t i = 0; i < table.size(); ++i) {
      const std::string& name = table[i].name;
      std::string value = "_q." + plan::clickhouse::quote_name(name);
      if (i < 2) value = fmt::format("fromUnixTimestamp64Milli({}, 'UTC')", value);
      if (i == 2) value = metric_.dimensions.empty() ? key : "concat(" + key + ")";
      if (i + 4 == table.size()) value = "'final'";
      if (i + 3 == table.size()) value = fmt::format("{}", version);
      if (i + 2 == table.size()) value = deleted;
      if (i + 1 == table.size()) value = "1";
      values += (i > 0 ? ", " : "") + value;
    }
    return fmt::format("INSERT INTO sluice.`metric.1` ({}) SELECT {} FROM ({}) AS _q", columns, values, query);
  }

  void check_window_list_and_newest() {
    std::map<plan::Span, size_t> rows;
    for (const auto& [key, members] : model_.groups({})) rows[key.first] = members.size();
    Table list;
    for (const auto& [w, n] : rows) list.push_back({ms_cell(w.start), ms_cell(w.end), fmt::format("{}", n)});
    equal(std::move(list), plan::clickhouse::window_list_query(plan_, metric_, epoch_));
    check_types(plan::clickhouse::window_list_query(plan_, metric_, epoch_), {"Int64", "Int64", "UInt64"});
    check_types(plan::clickhouse::newest_event_query(plan_, metric_, epoch_), {"Nullable(Int64)"});
    std::optional<int64_t> newest;
    for (size_t i = 0; i < events_.size(); ++i) {
      if (model_.facts()[i].passes && !events_[i].future)
        newest = std::max(newest.value_or(events_[i].event_time), events_[i].event_time);
    }
    equal({{newest ? Cell(fmt::format("{}", *newest)) : std::nullopt}},
          plan::clickhouse::newest_event_query(plan_, metric_, epoch_));
  }

  void check_over_and_series() {
    std::vector<uint32_t> kept;
    for (const uint32_t d : all_) {
      if (random_.one_in(2)) kept.push_back(d);
    }
    plan::Span over{time_ms(events_[random_.below(events_.size())].event_time - 3'600'000),
                    time_ms(events_[random_.below(events_.size())].event_time)};
    std::set<TimeMs> ends;
    for (const auto& [key, members] : model_.groups({})) ends.insert(key.first.end);
    if (!ends.empty() && !random_.one_in(3)) {  // exactly on the ends of windows, as a page asks
      over.start = *std::next(ends.begin(), static_cast<std::ptrdiff_t>(random_.below(ends.size())));
      over.end = *std::next(ends.begin(), static_cast<std::ptrdiff_t>(random_.below(ends.size())));
      if (over.start > over.end) std::swap(over.start, over.end);
    }
    if (over.start >= over.end) return;
    check_over_and_series(over, kept, {});
    const plan::clickhouse::DimensionFilters filters = random_filters();
    if (!filters.empty()) check_over_and_series(over, kept, filters);
  }

  // Values that there are, and some that there are not.
  plan::clickhouse::DimensionFilters random_filters() {
    plan::clickhouse::DimensionFilters filters;
    const size_t event = random_.below(events_.size());
    for (const uint32_t d : all_) {
      if (random_.one_in(2)) filters.push_back({d, random_.one_in(8) ? "no'\\body" : model_.keep(event, {d})[0]});
    }
    return filters;
  }
  std::vector<size_t> filtered(const std::vector<size_t>& members, const plan::clickhouse::DimensionFilters& filters) {
    std::vector<size_t> out;
    for (const size_t i : members) {
      const auto holds = [&](const auto& filter) { return model_.keep(i, {filter.dimension})[0] == filter.value; };
      if (std::all_of(filters.begin(), filters.end(), holds)) out.push_back(i);
    }
    counts_.filtered_out += members.size() - out.size();
    counts_.filtered_in += filters.empty() ? 0 : out.size();
    return out;
  }

  void check_over_and_series(plan::Span over, const std::vector<uint32_t>& kept,
                             const plan::clickhouse::DimensionFilters& filters) {
    std::map<Dimensions, std::vector<size_t>> one;
    for (size_t i = 0; i < events_.size(); ++i) {
      const TimeMs at = time_ms(events_[i].event_time);
      if (model_.facts()[i].passes && over.start <= at && at < over.end) one[model_.keep(i, kept)].push_back(i);
    }
    Table mine;
    for (const auto& [key, all] : one) {
      const std::vector<size_t> members = filtered(all, filters);
      if (!members.empty()) mine.push_back(row_with_lateness({}, key, members, over.end));
    }
    equal(std::move(mine), plan::clickhouse::over_query(plan_, metric_, over, kept, epoch_, filters));
    check_types(plan::clickhouse::over_query(plan_, metric_, over, kept, epoch_, filters),
                visible_types({}, kept.size(), {"UInt8", "UInt8"}));
    Table series;
    for (const auto& [key, all] : model_.groups(kept)) {
      const std::vector<size_t> members = filtered(all, filters);
      if (members.empty() || key.first.end <= over.start || key.first.end > over.end) continue;
      series.push_back(row_with_lateness({ms_cell(key.first.start), ms_cell(key.first.end)}, key.second, members, key.first.end));
    }
    equal(std::move(series), plan::clickhouse::series_query(plan_, metric_, over, kept, epoch_, filters));
    check_types(plan::clickhouse::series_query(plan_, metric_, over, kept, epoch_, filters),
                visible_types({"Int64", "Int64"}, kept.size(), {"UInt8", "UInt8"}));
  }

  std::vector<Cell> row_with_lateness(std::vector<Cell> row, const Dimensions& key, const std::vector<size_t>& members,
                                      TimeMs due) {
    append(row, key);
    append(row, model_.visible(members));
    const Group g = model_.group_of(members, due);
    row.push_back(flag(g.late));
    row.push_back(flag(g.on_time));
    return row;
  }

  Engine& engine_;
  const plan::Plan& plan_;
  const plan::Metric& metric_;
  const std::vector<StoredEvent>& events_;
  Random& random_;
  Counts& counts_;
  uint64_t epoch_;
  Model model_;
  std::vector<uint32_t> all_;
};

// The largest metric that the compiler lets through, with the longest list of windows: table, view and job run on the engine with the
// limits that the program sets for its own statements.
TEST(MetricAgreement, the_largest_metric_runs_on_the_engine) {
  std::string reason;
  Engine* engine = Engine::open(reason);
  if (engine == nullptr) GTEST_SKIP() << reason;
  Random random(11);
  engine->run("CREATE DATABASE IF NOT EXISTS sluice");
  engine->run("DROP TABLE IF EXISTS sluice.events");
  engine->run(events_table());
  engine->run(insert_events(random_events(random, 50)));
  engine->run("SET max_query_size = 1000000, max_ast_elements = 1000000, max_expanded_ast_elements = 2000000");
  const auto compiled_with = [](size_t measures) {
    std::string yaml = "version: 1\nmetrics:\n  - name: m\n    window: {hop: 2h, slide: 1s}\n    measures:\n      n: count()\n";
    for (size_t i = 0; i < measures; ++i) {
      yaml += fmt::format("      m{}: \"sum(number(properties.n)", i);
      for (int k = 0; k < 15; ++k) yaml += " * 1.5 + properties.m / 3";
      yaml += fmt::format(")\"\n      d{}: n", i);
      for (int k = 0; k < 60; ++k) yaml += fmt::format(" {} m{}", k % 2 == 0 ? "/" : "*", i);
      yaml += "\n";
    }
    return plan::compile({{"sluice.yaml", "version: 1\nname: p\nsources: [{name: site}]\n"}, {"metrics/m.yaml", yaml}});
  };
  size_t measures = 99;  // two columns each
  while (measures > 0 && !compiled_with(measures).plan) --measures;
  const plan::Compiled compiled = compiled_with(measures);
  ASSERT_TRUE(compiled.plan);
  const plan::Metric& metric = compiled.plan->metrics[0];
  const size_t bytes = plan::clickhouse::largest_statement(*compiled.plan, metric);
  std::printf("largest metric: %zu measures, %zu bytes of SQL\n", metric.measures.size(), bytes);
  EXPECT_GT(bytes, plan::clickhouse::kStatementBytesMax * 9 / 10);
  std::vector<plan::Span> windows;
  for (size_t i = 0; i < plan::clickhouse::kWindowsPerQuery; ++i) {
    const int64_t start = 1'774'000'000'000 + static_cast<int64_t>(i) * 1000;
    windows.push_back({time_ms(start), time_ms(start + 7'200'000)});
  }
  std::string error;
  EXPECT_TRUE(engine->ask(plan::clickhouse::windows_query(*compiled.plan, metric, windows, 9), error)) << error.substr(0, 500);
  engine->run("DROP TABLE IF EXISTS sluice.`metric.1`");
  engine->run(plan::clickhouse::create_table(metric, "metric.1"));
  engine->run(plan::clickhouse::create_view(metric, "metric.1"));
  EXPECT_TRUE(engine->ask("SELECT * FROM sluice.m", error)) << error.substr(0, 500);
}

TEST(MetricAgreement, every_printed_query_table_and_view_gives_the_model_s_rows) {
  std::string reason;
  Engine* engine = Engine::open(reason);
  if (engine == nullptr) GTEST_SKIP() << reason;
  const char* seed_text = std::getenv("SLUICE_SEED");
  const char* cases_text = std::getenv("SLUICE_METRICS");
  const uint64_t seed = seed_text == nullptr ? 1 : std::strtoull(seed_text, nullptr, 10);
  const size_t wanted = cases_text == nullptr ? 80 : std::strtoull(cases_text, nullptr, 10);
  Random random(seed * 1000003);
  engine->run("CREATE DATABASE IF NOT EXISTS sluice");
  Counts counts;
  std::vector<StoredEvent> events;
  for (; counts.metrics < wanted && !testing::Test::HasFatalFailure(); ++counts.metrics) {
    if (counts.metrics % 10 == 0) {
      events = random_events(random, 150);
      engine->run("DROP TABLE IF EXISTS sluice.events");
      engine->run(events_table());
      engine->run(insert_events(events));
    }
    // The engine has two ways to compute and takes the compiled one for queries that repeat; they were seen to differ.
    const int repeats = random.one_in(2) ? 0 : 3;
    engine->run(
        fmt::format("SET min_count_to_compile_expression = {0}, min_count_to_compile_aggregate_expression = {0}", repeats));
    const std::string yaml = random_metric(random);
    const plan::Compiled compiled =
        compile_with_zones({{"sluice.yaml", "version: 1\nname: p\nsources: [{name: site}]\n"}, {"metrics/m.yaml", yaml}});
    for (const plan::Diagnostic& d : compiled.diagnostics) ADD_FAILURE() << d.text() << "\n" << yaml;
    ASSERT_TRUE(compiled.plan);
    Check(*engine, *compiled.plan, events, random, counts).run();
  }
  std::printf(
      "seed %llu: %zu metrics, %zu queries, %zu rows; %zu groups with late events, %zu with timely ones; %zu filling, %zu final, "
      "%zu revised; "
      "%zu derived values, %zu of them NULL; %zu groups with a missing dimension; %zu events left by filters, %zu taken out\n",
      static_cast<unsigned long long>(seed), counts.metrics, counts.queries, counts.rows, counts.late, counts.on_time,
      counts.filling, counts.final, counts.revised, counts.derived, counts.derived_null, counts.null_dimensions,
      counts.filtered_in, counts.filtered_out);
  for (const size_t n : {counts.rows, counts.late, counts.on_time, counts.filling, counts.final, counts.revised,
                         counts.derived - counts.derived_null, counts.derived_null, counts.null_dimensions, counts.filtered_in,
                         counts.filtered_out}) {
    EXPECT_GT(n, 0U);
  }
}

}  // namespace
}  // namespace sluice::agreement
