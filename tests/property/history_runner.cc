// history_runner - runs scenarios (harness/scenario.h) that come in on standard input and says what was answered.
//
// Input   per scenario a line `BYTES ONES`, then so many bytes; ONES is 1 for batches of one. Ends at the end of the input.
// Output  per answer a line `answer BYTES` and so many bytes; then `end 0`, or `error BYTES` with what went wrong.
#include <fmt/format.h>

#include <unistd.h>

#include <cstdio>

#include "harness/scenario.h"
#include "os/self.h"

namespace sluice::harness {
namespace {

constexpr size_t kScenarioMax = 64 << 20;

void say(const char* word, const std::string& body) {
  fmt::print("{} {}\n", word, body.size());
  std::fwrite(body.data(), 1, body.size(), stdout);
}

void run(EngineStore& store, const std::string& text, bool ones) {
  const Result<Scenario> scenario = parse_scenario(text);
  if (!scenario) return say("error", scenario.error().message);
  ScenarioRun scenario_run(store, *scenario, ones ? Rerun::ones : Rerun::as_written);
  const Result<std::vector<std::optional<Answer>>> answers = scenario_run.run();
  if (!answers) return say("error", answers.error().message);
  for (const std::optional<Answer>& answer : *answers) {
    if (answer) say("answer", answer->text);
  }
  say("end", "");
}

int serve() {
  // The engine wants /dev/null as standard input, so that is taken first.
  std::FILE* in = fdopen(dup(fileno(stdin)), "rb");
  Result<std::unique_ptr<EngineStore>> store = EngineStore::open();
  if (!store) {
    say("error", store.error().message);
    return 1;
  }
  size_t bytes = 0;
  int ones = 0;
  while (std::fscanf(in, "%zu %d", &bytes, &ones) == 2 && std::fgetc(in) == '\n' && bytes <= kScenarioMax) {
    std::string text(bytes, '\0');
    if (std::fread(text.data(), 1, bytes, in) != bytes) break;
    run(**store, text, ones != 0);
    std::fflush(stdout);
  }
  store->reset();
  return 0;
}

}  // namespace
}  // namespace sluice::harness

int main() { sluice::os::exit_now(sluice::harness::serve()); }
