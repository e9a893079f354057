#include "random_metric.h"

#include <fmt/format.h>

namespace sluice::agreement {
namespace {

std::string yaml_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += std::string("\\") + c;
    else if (u < 0x20 || u == 0x7f) out += fmt::format("\\x{:02x}", u);
    else out += c;
  }
  return out + "\"";
}

std::string aggregate(Random& random) {
  static const std::vector<std::string> kP{"0", "1", "0.5", "0.07", "0.9", "0.99", "0.333333333", "0.000000001"};
  switch (random.below(13)) {
    case 10:
      return fmt::format("{}({})", random.one_in(2) ? "first" : "last",
                         random.one_in(2) ? random.of(paths()).written : number_expression(random, 1));
    case 11:
      return fmt::format("{}({})", random.one_in(2) ? "first" : "last",
                         random.one_in(2) ? text_expression(random, 1) : time_expression(random));
    case 12: return fmt::format("topk({}, {})", text_expression(random, 1), random.one_in(3) ? 1000 : 1 + random.below(4));
    case 0: return "count()";
    case 1: return fmt::format("count({})", random.one_in(2) ? condition(random, 1) : text_expression(random, 1));
    case 2: return fmt::format("sum({})", random.of(paths()).written);
    case 3: return fmt::format("sum({})", number_expression(random, 2));
    case 4: return fmt::format("avg({})", number_expression(random, 1));
    case 5:
      return fmt::format("{}({})", random.one_in(2) ? "min" : "max",
                         random.one_in(2) ? random.of(paths()).written : number_expression(random, 1));
    case 6:
      return fmt::format("{}({})", random.one_in(2) ? "min" : "max",
                         random.one_in(2) ? text_expression(random, 1) : time_expression(random));
    case 7: return fmt::format("distinct({})", text_expression(random, 1));
    default:
      return fmt::format("percentile({}, {})", random.one_in(2) ? random.of(paths()).written : number_expression(random, 1),
                         random.of(kP));
  }
}

std::string derived(Random& random, const std::vector<std::string>& names, int depth) {
  static const std::vector<std::string> kOps{" + ", " - ", " * ", " / "};
  if (depth == 0 || random.one_in(4)) return random.one_in(5) ? random_number(random).to_text() : random.of(names);
  return "(" + derived(random, names, depth - 1) + random.of(kOps) + derived(random, names, depth - 1) + ")";
}

std::string window(Random& random) {
  static const std::vector<std::string> kWindows{"{tumble: 1d}",
                                                 "{tumble: 1h, offset: 20m}",
                                                 "{tumble: 7d, offset: 4d}",
                                                 "{tumble: 366d, offset: 100d}",
                                                 "{tumble: 1ms}",
                                                 "{tumble: 50d}",
                                                 "{hop: 1h, slide: 15m}",
                                                 "{hop: 2h, slide: 30m, offset: 7m}",
                                                 "{hop: 366d, slide: 61d}",
                                                 "{hop: 1h, slide: 1h}",
                                                 "{cumulate: 1d, step: 6h}",
                                                 "{cumulate: 1h, step: 15m, offset: 50m}",
                                                 "{cumulate: 366d, step: 61d, offset: 3d}",
                                                 "{calendar: day, zone: Europe/Berlin}",
                                                 "{calendar: week, zone: Pacific/Apia}",
                                                 "{calendar: month, zone: America/Sao_Paulo}",
                                                 "{calendar: day, zone: Asia/Kathmandu}"};
  return random.of(kWindows);
}

// Names that a query could trip over: columns of events, of tables, of itself.
const std::vector<std::string>& names() {
  static const std::vector<std::string> kNames{"version",  "is_deleted", "epoch",    "group_key", "x__sum",    "x",
                                               "x__count", "event",      "texts",    "numbers",   "watermark", "user_id",
                                               "source",   "rows",       "any_late", "sluice",    "select",    "from",
                                               "final",    "a",          "b",        "c",         "count",     "sum"};
  return kNames;
}

}  // namespace

std::string random_metric(Random& random) {
  std::vector<std::string> free = names();
  for (size_t i = free.size(); i > 1; --i) std::swap(free[i - 1], free[random.below(i)]);
  const auto take = [&] {
    std::string name = free.back();
    free.pop_back();
    return name;
  };
  std::string out = fmt::format("version: 1\nmetrics:\n  - name: m\n    window: {}\n    allowed_lateness: {}\n", window(random),
                                random.one_in(2) ? "0s" : "30m");
  if (random.one_in(2)) out += "    where: " + yaml_text(condition(random, 2)) + "\n";
  if (!random.one_in(4)) {
    out += "    dimensions:\n";
    for (uint64_t n = 1 + random.below(2); n > 0; --n) {
      out += fmt::format("      {}: {}\n", take(),
                         yaml_text(random.one_in(3) ? text_expression(random, 1)
                                                    : random.of(std::vector<std::string>{"source", "event", "user_id",
                                                                                         "context.bot", "properties.a"})));
    }
  }
  out += "    measures:\n";
  std::vector<std::string> numbers;
  for (uint64_t n = 1 + random.below(5); n > 0; --n) {
    const std::string name = take(), value = aggregate(random);
    const bool number = value.find("min(") != 0 && value.find("max(") != 0 && value.find("first(") != 0 &&
                        value.find("last(") != 0 && value.find("topk(") != 0;
    if (number) numbers.push_back(name);
    out += fmt::format("      {}: {{value: {}{}}}\n", name, yaml_text(value),
                       random.one_in(3) ? ", where: " + yaml_text(condition(random, 1)) : "");
  }
  for (uint64_t n = numbers.empty() ? 0 : random.below(4); n > 0; --n) {
    const std::string name = take();
    out += fmt::format("      {}: {}\n", name, yaml_text(derived(random, numbers, static_cast<int>(random.below(4)))));
    numbers.push_back(name);
  }
  return out;
}

}  // namespace sluice::agreement
