#include "harness/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/rfc3339.h"
#include "harness/panel_question.h"
#include "plan/clickhouse.h"

namespace sluice::harness {
namespace {

constexpr size_t kStepsMax = 100'000;

std::string_view trimmed(std::string_view text) {
  while (text.ends_with(' ') || text.ends_with('\r')) text.remove_suffix(1);
  while (text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

// The first word, and what follows it.
std::pair<std::string_view, std::string_view> split_word(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) return {text, {}};
  return {text.substr(0, space), trimmed(text.substr(space))};
}

std::optional<uint64_t> number_of(std::string_view text) {
  uint64_t n = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (bad != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

std::optional<DurationMs> duration_of(std::string_view text) {
  static constexpr std::pair<std::string_view, int64_t> kUnits[]{
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  for (const auto& [unit, ms] : kUnits) {
    if (!text.ends_with(unit)) continue;
    if (const auto n = number_of(text.substr(0, text.size() - unit.size()))) return DurationMs(static_cast<int64_t>(*n) * ms);
  }
  return std::nullopt;
}

std::string question_sql(std::string_view word, std::string_view rest) {
  if (word == "rows") return fmt::format("SELECT * FROM sluice.{} ORDER BY ALL", rest);
  if (word == "events") {
    return fmt::format("SELECT {} FROM sluice.events ORDER BY log_offset",
                       rest.empty() ? "message_id, event_time, received_at, user_key, flags, watermark" : rest);
  }
  if (word == "quarantine") return "SELECT source, received_at, reason, path, raw FROM sluice.quarantine ORDER BY log_offset";
  if (word == "duplicates") {
    return "SELECT source, message_id, received_at, first_received_at, conflict FROM sluice.duplicates ORDER BY log_offset";
  }
  if (word == "identities")
    return "SELECT source, anonymous_id, user_id, received_at FROM sluice.identities ORDER BY log_offset, anonymous_id";
  if (word == "ledger") {
    return "SELECT source, minute, received, stored, quarantined, duplicate, conflict FROM sluice.ledger FINAL ORDER BY ALL";
  }
  if (word == "watermarks") return "SELECT source, watermark, active FROM sluice.watermarks FINAL ORDER BY ALL";
  if (word == "revisions") {
    return "SELECT metric, window_start, window_end, dimensions, measure, old, new, cause FROM sluice.revisions FINAL ORDER BY "
           "job, window_start, window_end, group_key, measure";
  }
  if (word == "sql") return std::string(rest);
  return "";
}

}  // namespace

const char* rerun_name(Rerun rerun) {
  switch (rerun) {
    case Rerun::as_written: return "as written";
    case Rerun::ones: return "batches of one";
    case Rerun::restarts: return "restart after every batch";
  }
  return "";
}

Result<Scenario> parse_scenario(std::string_view text) {
  Scenario scenario;
  std::string sources = "  - {name: site}\n", section, project, file;
  std::map<std::string, std::string> metrics;  // by project
  std::map<std::string, std::map<std::string, std::string>> given;  // by project, then path
  std::map<std::string, std::map<std::string, std::string>> others;  // by project, then kind: funnels, retention, ...
  bool own_sources = false;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    ++number;
    if (line.starts_with("== ")) {
      const auto [name, rest] = split_word(trimmed(line.substr(3)));
      section = name;
      project = rest;
      if (section == "metrics") metrics[project];
      if (section == "file") {
        const auto [path, of] = split_word(rest);
        file = path;
        project = of;
        given[project][file];
      }
      if (section == "funnels" || section == "retention" || section == "dimensions" || section == "sessions")
        others[project][section];
      continue;
    }
    if (section == "sources") {
      if (!own_sources) sources.clear();
      own_sources = true;
      sources.append("  ").append(line).append("\n");
    } else if (section == "metrics") {
      metrics[project].append("  ").append(line).append("\n");
    } else if (section == "funnels" || section == "retention" || section == "dimensions" || section == "sessions") {
      others[project][section].append("  ").append(line).append("\n");
    } else if (section == "file") {
      given[project][file].append(line).append("\n");
    } else if (section == "run") {
      if (trimmed(line).empty() || line.starts_with("#")) continue;
      if (line.starts_with("  ")) {
        if (scenario.steps.empty()) return fail(Code::invalid, fmt::format("line {}: an answer without a question", number));
        scenario.steps.back().expected.emplace_back(line.substr(2));
        continue;
      }
      if (scenario.steps.size() >= kStepsMax)
        return fail(Code::invalid, fmt::format("line {}: more than {} steps", number, kStepsMax));
      Step step{number, std::string(trimmed(line)), false, {}};
      constexpr std::string_view kOnly = "as written:";
      if (step.text.starts_with(kOnly)) {
        step.as_written_only = true;
        step.text = std::string(trimmed(std::string_view(step.text).substr(kOnly.size())));
      }
      scenario.steps.push_back(std::move(step));
    } else if (!section.empty()) {
      return fail(Code::invalid, fmt::format("line {}: no such section: {}", number, section));
    }
  }
  metrics[""];
  for (const auto& [name, kinds] : others) metrics[name];
  for (const auto& [name, definitions] : metrics) {
    Rig::Project files{{"sluice.yaml", "version: 1\nname: test\nsources:\n" + sources}};
    if (!definitions.empty()) files.push_back({"metrics/m.yaml", "version: 1\nmetrics:\n" + definitions});
    for (const auto& [kind, list] : others[name])
      files.push_back({"metrics/" + kind + ".yaml", "version: 1\n" + kind + ":\n" + list});
    for (const auto& [path, lines] : given[name]) files.push_back({path, lines});
    scenario.projects[name] = std::move(files);
  }
  return scenario;
}

ScenarioRun::ScenarioRun(EngineStore& store, const Scenario& scenario, Rerun rerun)
    : store_(store), scenario_(scenario), rerun_(rerun) {
  options_.one_record_per_frame = rerun == Rerun::ones;
  options_.processor.fold.emit_interval = DurationMs(0);
}

Result<std::vector<std::optional<Answer>>> ScenarioRun::run() {
  std::vector<std::optional<Answer>> answers;
  for (const Step& step : scenario_.steps) {
    if (step.as_written_only && rerun_ != Rerun::as_written) {
      answers.emplace_back();
      continue;
    }
    Result<std::optional<Answer>> answer = take(step);
    if (!answer) return std::move(answer).error().in(fmt::format("line {}: {}", step.line, step.text.substr(0, 100)));
    answers.push_back(std::move(answer).value());
  }
  if (!rig_) return fail(Code::invalid, "nothing is sent");
  return answers;
}

Status ScenarioRun::option(std::string_view text) {
  if (rig_) return fail(Code::invalid, "options stand before all other steps");
  const size_t space = text.rfind(' ');
  const std::string_view name = trimmed(text.substr(0, space)), value = text.substr(space + 1);
  process::ProcessorOptions& o = options_.processor;
  const auto n = number_of(value);
  const auto duration = duration_of(value);
  if (name == "emit every" && duration) {
    o.fold.emit_interval = *duration;
  } else if (name == "checkpoint every" && duration) {
    o.checkpoint_interval = *duration;
    o.checkpoint_rest = 0;  // between two steps of the harness more time passes than a checkpoint takes
  } else if (name == "groups at most" && n) {
    o.fold.operators.groups_max = *n;
  } else if (name == "dedup open at most" && n) {
    o.fold.ids.open_max = o.fold.links.open_max = *n;
    o.fold.ids.merge_fan_in = o.fold.links.merge_fan_in = 2;
  } else if (name == "cut records at most" && n) {
    o.cut_records_max = *n;
  } else if (name == "job windows at most" && n) {
    o.job_windows_max = *n;
  } else {
    return fail(Code::invalid, "no such option, or a wrong value");
  }
  return ok();
}

Result<std::optional<Answer>> ScenarioRun::take(const Step& step) {
  const auto [word, rest] = split_word(step.text);
  const std::optional<Answer> nothing;
  for (const std::string_view front : {"emit every ", "checkpoint every ", "groups at most ", "dedup open at most ",
                                       "job windows at most ", "cut records at most "}) {
    if (!step.text.starts_with(front)) continue;
    SLUICE_CHECK(option(step.text));
    return nothing;
  }
  if (!rig_) {
    rig_ = std::make_unique<Rig>(store_, options_);
    SLUICE_CHECK(rig_->open(scenario_.projects.at("")));
  }
  if (word == "at") {
    const std::optional<ParsedTime> time = parse_rfc3339(rest);
    if (!time) return fail(Code::invalid, "not a time");
    rig_->set_clock(time->time);
  } else if (word == "advance") {
    const std::optional<DurationMs> by = duration_of(rest);
    if (!by) return fail(Code::invalid, "not a duration");
    rig_->set_clock(rig_->clock() + *by);
  } else if (word == "send") {
    const bool named = !rest.starts_with('{') && !rest.starts_with('[');
    const auto [source, body] = named ? split_word(rest) : std::pair(std::string_view("site"), rest);
    SLUICE_CHECK(send(std::string(source), std::string(body), "/v1/events"));
  } else if (word == "segment") {
    const auto [source, more] = split_word(rest);
    const auto [path, body] = split_word(more);
    SLUICE_CHECK(send(std::string(source), std::string(body), std::string(path)));
  } else if (step.text == "cut") {
    SLUICE_CHECK(rig_->cut());
  } else if (step.text == "settle") {
    SLUICE_CHECK(settle());
  } else if (step.text == "go on") {
    const Status settled = settle();  // whatever comes of it
  } else if (word == "restart") {
    const auto project = scenario_.projects.find(rest.empty() ? project_ : std::string(rest));
    if (project == scenario_.projects.end()) return fail(Code::invalid, "no such project");
    project_ = project->first;
    SLUICE_CHECK(rig_->restart(project->second));
  } else if (word == "define") {
    const auto project = scenario_.projects.find(std::string(rest));
    if (project == scenario_.projects.end()) return fail(Code::invalid, "no such project");
    project_ = project->first;
    SLUICE_CHECK(rig_->define(project->second));
  } else if (step.text.starts_with("power cut after ") && number_of(step.text.substr(16))) {
    rig_->power_cut_after(*number_of(step.text.substr(16)));
  } else if (step.text.starts_with("store dies after ") && number_of(step.text.substr(17))) {
    rig_->faults().die_after = number_of(step.text.substr(17));
  } else if (step.text == "store back") {
    rig_->faults().die_after.reset();
  } else if (step.text.starts_with("lose reply ")) {
    const auto [nth, fate] = split_word(std::string_view(step.text).substr(11));
    if (!number_of(nth) || (fate != "stored" && fate != "absent")) return fail(Code::invalid, "lose reply N stored|absent");
    rig_->faults().lose_reply = *number_of(nth);
    rig_->faults().lost_but_stored = fate == "stored";
  } else if (step.text.starts_with("refuse insert ") && number_of(step.text.substr(14))) {
    rig_->faults().refuse = *number_of(step.text.substr(14));
  } else {
    return ask(word, rest);
  }
  return nothing;
}

Result<std::optional<Answer>> ScenarioRun::ask(std::string_view word, std::string_view rest) {
  if (word == "reply") return std::optional(Answer{false, fmt::format("{} {}", reply_.status, reply_.body)});
  if (word == "notes") {
    std::string all;
    for (const std::string& note : rig_->notes()) all += note + "\n";
    return std::optional(Answer{false, all});
  }
  SLUICE_CHECK(settle());
  if (word == "counts") {
    const RigCounts c = rig_->counts();
    return std::optional(Answer{
        false,
        fmt::format("jobs {} windows {} revisions {} evictions {} adopted {} replayed {} skipped {} fences {} retries {}", c.jobs,
                    c.windows, c.revisions, c.evictions, c.adopted, c.replayed, c.sink.skipped, c.sink.fences, c.sink.retries)});
  }
  std::string sql = question_sql(word, rest);
  if (word == "definition") {
    for (const plan::Metric& metric : rig_->plan().metrics) {
      if (metric.name != rest) continue;
      sql = "SELECT * FROM (" + plan::clickhouse::definition_query(rig_->plan(), metric, UINT64_MAX, rig_->status().watermark) +
            ") ORDER BY ALL";
    }
  }
  if (word == "over" || word == "series" || word == "dropped") sql = SLUICE_TRY(panel_sql(rig_->plan(), word, rest));
  if (sql.empty()) return fail(Code::invalid, "no such step");
  std::string table = SLUICE_TRY(rig_->query(sql, "TabSeparatedWithNames"));
  return std::optional(Answer{true, std::move(table)});
}

Status ScenarioRun::send(const std::string& source, const std::string& body, const std::string& path) {
  reply_ = rig_->send(source, body, {}, path);
  ++requests_;
  if (reply_.status != 200 && reply_.status != 400)
    return fail(Code::invalid, fmt::format("reply {} {}", reply_.status, reply_.body));
  if (rerun_ == Rerun::restarts) return interrupt();
  return ok();
}

// Another moment of the pipeline each time: before anything was folded, before the store has it, before its mark, after all.
Status ScenarioRun::interrupt() {
  switch (requests_ % 5) {
    case 0: break;
    case 1: rig_->faults().die_after = 0; break;
    case 2: rig_->faults().die_after = requests_ % 7; break;
    case 3: rig_->power_cut_after(requests_ % 11); break;
    default: SLUICE_CHECK(rig_->settle()); break;
  }
  if (requests_ % 5 != 0) {
    const Status cut = rig_->cut();
    if (!cut && requests_ % 5 != 3) return cut;
  }
  const auto project = scenario_.projects.find(project_);
  return rig_->restart(project->second);
}

Status ScenarioRun::settle() { return rig_->settle(); }

std::vector<std::string> lines_of(const Answer& answer) {
  std::vector<std::string> lines;
  for (std::string_view rest = answer.text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 1));
    if (!answer.table) {
      lines.emplace_back(line);
      continue;
    }
    std::string out;
    for (bool first = true, more = true; more; first = false) {
      const size_t tab = line.find('\t');
      more = tab != std::string_view::npos;
      std::string_view cell = line.substr(0, tab);
      if (more) line.remove_prefix(tab + 1);
      if (cell.size() == 23 && cell[10] == ' ' && cell.ends_with(".000")) cell.remove_suffix(4);
      if (!first) out += " | ";
      out += cell.empty() ? "''" : cell;
    }
    lines.push_back(std::move(out));
  }
  return lines;
}

}  // namespace sluice::harness
