// shop_events - writes the events of a made-up web shop: NDJSON on standard output, in the order in which they reach its door.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <thread>

#include "base/rfc3339.h"
#include "generator.h"
#include "ndjson.h"
#include "truth.h"

namespace sluice::shop {
namespace {

constexpr size_t kWriteBytes = 1 << 16;

struct Arguments {
  uint64_t seed = 1;
  uint32_t people = 1000;
  int64_t days = 28;
  double rate = 0;
  std::string start, end, truth;
  bool follow = false;
  bool accounts = false;
};

TimeMs wall_clock() { return std::chrono::floor<DurationMs>(std::chrono::system_clock::now()); }

// What is written goes out at once, whole lines only.
class Output {
 public:
  std::string& text() { return text_; }
  bool flush() {
    const bool written = std::fwrite(text_.data(), 1, text_.size(), stdout) == text_.size() && std::fflush(stdout) == 0;
    text_.clear();
    return written;
  }

 private:
  std::string text_;
};

Error output_closed() { return fail(Code::io, "standard output takes no more; was the reader ended?"); }

Status write_history(Generator generator, Truth* truth) {
  Output output;
  uint64_t visit = 0;
  TimeMs sent = wall_clock();
  std::span<const Event> events;
  while (generator.next(events)) {
    for (const Event& event : events) {
      if (truth) SLUICE_CHECK(truth->add(event));
      // What a phone hands over at once it sends at one moment.
      if (event.sends_clock && event.visit != visit) sent = wall_clock(), visit = event.visit;
      append_ndjson(output.text(), event, sent);
      if (output.text().size() >= kWriteBytes && !output.flush()) return output_closed();
    }
  }
  return output.flush() ? ok() : Status(output_closed());
}

// Each event at the moment when it is delivered; never ends by itself.
Status follow(Generator generator) {
  Output output;
  std::span<const Event> events;
  while (generator.next(events)) {
    for (const Event& event : events) {
      std::this_thread::sleep_until(event.delivered);
      append_ndjson(output.text(), event, wall_clock());
      if (!output.flush()) return output_closed();
    }
    std::this_thread::sleep_until(generator.slice_end());
  }
  return ok();
}

Result<TimeMs> instant(const std::string& option, const std::string& text) {
  const std::optional<ParsedTime> parsed = parse_rfc3339(text);
  if (!parsed) return fail(Code::invalid, fmt::format("{} {}: write 2026-03-28T00:00:00Z", option, text));
  return parsed->time;
}

Result<Options> options_of(const Arguments& arguments) {
  Options options;
  options.seed = arguments.seed;
  options.people = arguments.people;
  const TimeMs now = wall_clock();
  const auto span = std::chrono::hours(24 * std::clamp<int64_t>(arguments.days, 1, kDaysMax));
  if (arguments.follow) {
    if (!arguments.start.empty() || !arguments.end.empty() || !arguments.truth.empty())
      return fail(Code::invalid, "--follow begins now and has no end: leave out --start, --end and --truth");
    if (arguments.rate > 0)
      options.people = static_cast<uint32_t>(std::clamp(arguments.rate * 86'400 / kEventsPerPersonDay, 1.0, 1.0 * kPeopleMax));
    options.start = now;
    return options;
  }
  if (arguments.rate > 0) return fail(Code::invalid, "--rate goes with --follow: history is written as fast as it is read");
  if (!arguments.start.empty()) {
    options.start = SLUICE_TRY(instant("--start", arguments.start));
    options.end = arguments.end.empty() ? options.start + span : SLUICE_TRY(instant("--end", arguments.end));
  } else {
    options.end = arguments.end.empty() ? now : SLUICE_TRY(instant("--end", arguments.end));
    options.start = *options.end - span;
  }
  return options;
}

Status run(const Arguments& arguments) {
  if (arguments.accounts) {
    Output output;
    output.text() = accounts_csv();
    return output.flush() ? ok() : Status(output_closed());
  }
  const Options options = SLUICE_TRY(options_of(arguments));
  Generator generator = SLUICE_TRY(Generator::create(options));
  if (arguments.follow) return follow(std::move(generator));
  if (arguments.truth.empty()) return write_history(std::move(generator), nullptr);
  Truth truth;
  SLUICE_CHECK(write_history(std::move(generator), &truth));
  std::ofstream file(arguments.truth);
  file << truth.json();
  file.close();
  return file ? ok() : Status(fail(Code::io, fmt::format("{} cannot be written", arguments.truth)));
}

}  // namespace
}  // namespace sluice::shop

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that ends is told as an error
  sluice::shop::Arguments arguments;
  CLI::App app{"Writes the events of a made-up web shop, one JSON object a line, in the order in which they reach its door."};
  app.add_option("--seed", arguments.seed, "another shop for each; the same seed, people and start give the same events")
      ->capture_default_str();
  app.add_option("--people", arguments.people, "who come now and then")->capture_default_str();
  app.add_option("--days", arguments.days, "how much history")->capture_default_str();
  app.add_option("--start", arguments.start, "of the history, e.g. 2026-03-01T00:00:00Z");
  app.add_option("--end", arguments.end, "of the history; now, if neither --start nor --end is given");
  app.add_option("--truth", arguments.truth, "write here the numbers that the dashboards of examples/shop must show");
  app.add_flag("--follow", arguments.follow, "from now on, each event when it happens; no end");
  app.add_option("--rate", arguments.rate, "with --follow: as many people as make about this many events a second");
  app.add_flag("--accounts", arguments.accounts, "print accounts.csv instead");
  CLI11_PARSE(app, argc, argv);
  const sluice::Status done = sluice::shop::run(arguments);
  if (!done) fmt::print(stderr, "shop_events: {}\n", done.error().message);
  return done ? 0 : 1;
}
