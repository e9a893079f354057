// text_test - runs text tests: definitions and events in, rows, quarantine and ledger out.
//
// Use     text_test [--update] [FILE.test | FOLDER]...   Each file runs as written, with batches of one, and with a restart after every
//         batch. --update rewrites the answers of the first of these into the files; refused where CI is true.
// Exit    0 all agree; 1 some do not, or nothing ran; 2 wrong arguments. Last line: N passed, M failed.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "harness/scenario.h"
#include "os/self.h"

namespace sluice::harness {
namespace {

constexpr uint64_t kFileMax = 1 << 20;

struct Tally {
  int passed = 0;
  int failed = 0;
};

std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return out;
}

// Cells may be padded by hand.
std::string squeezed(std::string_view line) {
  std::string out;
  for (const char c : line) {
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    out += c;
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string difference(const Step& step, const std::vector<std::string>& actual) {
  std::string out = fmt::format("    line {}: {}\n", step.line, step.text);
  for (const std::string& line : step.expected) out += "      expected  " + line + "\n";
  for (const std::string& line : actual) out += "      actual    " + line + "\n";
  return out;
}

std::string aligned(const std::vector<std::string>& rows, size_t row) {
  std::vector<std::vector<std::string>> cells;
  std::vector<size_t> widths;
  for (const std::string& line : rows) {
    std::vector<std::string> of_line;
    for (size_t at = 0; at != std::string::npos;) {
      const size_t bar = line.find(" | ", at);
      of_line.push_back(line.substr(at, bar == std::string::npos ? bar : bar - at));
      at = bar == std::string::npos ? bar : bar + 3;
    }
    widths.resize(std::max(widths.size(), of_line.size()));
    for (size_t i = 0; i < of_line.size(); ++i) widths[i] = std::max(widths[i], of_line[i].size());
    cells.push_back(std::move(of_line));
  }
  std::string out;
  for (size_t i = 0; i < cells[row].size(); ++i) {
    if (i > 0) out += " | ";
    out += cells[row][i];
    if (i + 1 < cells[row].size()) out.append(widths[i] - cells[row][i].size(), ' ');
  }
  return out;
}

std::string updated(std::string_view text, const Scenario& scenario, const std::vector<std::optional<Answer>>& answers) {
  std::map<size_t, size_t> step_at;
  for (size_t i = 0; i < scenario.steps.size(); ++i) step_at[scenario.steps[i].line] = i;
  std::string out;
  bool running = false;
  size_t number = 0;
  for (const std::string& line : lines(text)) {
    ++number;
    if (line.starts_with("== ")) running = line == "== run";
    if (running && line.starts_with("  ")) continue;
    out += line + "\n";
    const auto step = step_at.find(number);
    if (step == step_at.end() || !answers[step->second]) continue;
    const std::vector<std::string> rows = lines_of(*answers[step->second]);
    for (size_t i = 0; i < rows.size(); ++i) out += "  " + aligned(rows, i) + "\n";
  }
  return out;
}

// "" when all answers are as expected.
std::string run_one(EngineStore& store, const Scenario& scenario, Rerun rerun, std::vector<std::optional<Answer>>* answers_out) {
  ScenarioRun run(store, scenario, rerun);
  Result<std::vector<std::optional<Answer>>> answers = run.run();
  if (!answers) return "    " + answers.error().message + "\n";
  std::string wrong;
  for (size_t i = 0; i < scenario.steps.size(); ++i) {
    const Step& step = scenario.steps[i];
    if (step.as_written_only && rerun != Rerun::as_written) continue;
    const std::vector<std::string> actual = (*answers)[i] ? lines_of(*(*answers)[i]) : std::vector<std::string>();
    const bool same = std::equal(actual.begin(), actual.end(), step.expected.begin(), step.expected.end(),
                                 [](const std::string& a, const std::string& b) { return squeezed(a) == squeezed(b); });
    if (!same) wrong += difference(step, actual);
  }
  if (answers_out != nullptr) *answers_out = std::move(*answers);
  return wrong;
}

void run_file(EngineStore& store, os::Files& files, const std::string& path, bool update, Tally& tally) {
  const Result<std::string> text = files.read_all(path, kFileMax);
  const Result<Scenario> scenario = text ? parse_scenario(*text) : Result<Scenario>(text.error());
  if (!scenario) {
    fmt::print("FAIL  {}: {}\n", path, scenario.error().message);
    ++tally.failed;
    return;
  }
  for (const Rerun rerun : kReruns) {
    std::vector<std::optional<Answer>> answers;
    std::string wrong = run_one(store, *scenario, rerun, &answers);
    if (update && rerun == Rerun::as_written && !answers.empty()) {
      const Status written = files.replace(path, updated(*text, *scenario, answers));
      wrong = written ? "" : written.error().message;
      fmt::print("wrote {}\n", path);
      if (written) return;
    }
    (wrong.empty() ? tally.passed : tally.failed) += 1;
    if (!wrong.empty()) fmt::print("FAIL  {} ({})\n{}", path, rerun_name(rerun), wrong);
  }
}

int main_of(const std::vector<std::string>& arguments) {
  bool update = false;
  std::vector<std::string> paths;
  os::RealPorts real;
  os::Files& files = real.ports().files;
  for (const std::string& argument : arguments) {
    if (argument == "--update") {
      update = true;
    } else if (argument.ends_with(".test")) {
      paths.push_back(argument);
    } else if (const auto entries = files.list(argument)) {
      for (const os::Entry& entry : *entries) {
        if (entry.name.ends_with(".test")) paths.push_back(os::join(argument, entry.name));
      }
    } else {
      fmt::print(stderr, "text_test: {} is neither a folder nor a .test file\n", argument);
      return 2;
    }
  }
  const char* ci = std::getenv("CI");  // NOLINT: one thread
  if (update && ci != nullptr && std::string_view(ci) == "true") {
    fmt::print(stderr, "text_test: --update is refused where CI is true: there, expectations are read, not written\n");
    return 2;
  }
  Result<std::unique_ptr<EngineStore>> store = EngineStore::open();
  if (!store) {
    fmt::print(stderr, "text_test: {}\n", store.error().message);
    return 1;
  }
  Tally tally;
  for (const std::string& path : paths) run_file(**store, files, path, update, tally);
  store->reset();
  fmt::print("{} passed, {} failed\n", tally.passed, tally.failed);
  return tally.failed > 0 || (tally.passed == 0 && !update) ? 1 : 0;
}

}  // namespace
}  // namespace sluice::harness

int main(int argc, char** argv) {
  const int code = sluice::harness::main_of(std::vector<std::string>(argv + 1, argv + argc));
  sluice::os::exit_now(code);  // the engine's library must not be torn down by the process's own end
}
