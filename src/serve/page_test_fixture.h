// page_test_fixture.h - a project, a store and clients in memory, and a clock that moves when told: what serve's tests play with.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "os/clock.h"
#include "plan/compile.h"
#include "serve/hub.h"
#include "serve/queries.h"

namespace sluice::serve {

inline constexpr int64_t kDay = 86'400'000;
inline constexpr int64_t kToday = 20'540 * kDay;  // 2026-03-28T00:00Z

class HandClock final : public os::Clock {
 public:
  TimeMs wall() override { return time_ms(kToday + ms_); }
  os::MonotonicTime monotonic() override { return os::MonotonicTime(DurationMs(1'000'000 + ms_)); }
  void sleep_for(DurationMs d) override { ms_ += d.count(); }
  int64_t thread_cpu_us() override { return 0; }
  void pass(int64_t ms) { ms_ += ms; }

 private:
  int64_t ms_ = 0;
};

// A store that answers by kind of query: newest, view, revisions, series, over, reader.
class HandStore final : public Queries {
 public:
  static std::string kind_of(const Query& query) {
    if (query.role == Role::reader) return "reader";
    if (query.sql.find("FROM sluice.revisions") != std::string::npos) return "revisions";
    if (query.sql.find("SELECT epoch FROM sluice.") == 0) return "row_epoch";
    if (query.sql.find("FROM sluice.`") != std::string::npos) return "view";
    if (query.sql.find("count() OVER ()") != std::string::npos) return "over";
    if (query.sql.find("ORDER BY window_end DESC LIMIT") != std::string::npos) return "series";
    return "newest";
  }
  Result<Reply> query(const Query& query) override {
    const std::string kind = kind_of(query);
    asked.push_back(query);
    ++count[kind];
    if (during) during(kind);
    if (const auto error = failing.find(kind); error != failing.end()) return error->second;
    return Reply{answers[kind], format, 0};
  }
  const Query& last(const std::string& kind) const {
    for (auto at = asked.rbegin(); at != asked.rend(); ++at) {
      if (kind_of(*at) == kind) return *at;
    }
    ADD_FAILURE() << "no query of kind " << kind;
    return asked.front();
  }

  std::map<std::string, std::string> answers;
  std::map<std::string, Error> failing;
  std::map<std::string, int> count;
  std::vector<Query> asked;
  std::function<void(const std::string& kind)> during;
  std::string format;
};

struct Event {
  std::string name;
  uint64_t id = 0;
  nlohmann::json data;
};

// A client's end of a stream: takes bytes until told to be slow or gone.
class HandStream final : public net::Stream {
 public:
  bool write(std::string bytes) override {
    if (!is_open || slow) return false;
    text += bytes;
    return true;
  }
  void close() override {
    closed = true;
    is_open = false;
  }
  void abort() override {
    aborted = true;
    is_open = false;
  }
  bool open() const override { return is_open; }
  size_t buffered_bytes() const override { return buffered; }
  // What came since the last call, comments left out.
  std::vector<Event> take() {
    std::vector<Event> events;
    std::string rest = std::exchange(text, {});
    for (size_t end = rest.find("\n\n"); end != std::string::npos; end = rest.find("\n\n")) {
      const std::string one = rest.substr(0, end);
      rest.erase(0, end + 2);
      if (one.front() == ':') continue;
      Event event;
      const size_t id = one.find("\nid: ");
      const size_t data = one.find("\ndata: ");
      event.name = one.substr(7, id - 7);
      event.id = std::stoull(one.substr(id + 5));
      event.data = nlohmann::json::parse(one.substr(data + 7));
      events.push_back(std::move(event));
    }
    EXPECT_TRUE(rest.empty()) << "half a message: " << rest;
    return events;
  }
  // Only those of one panel.
  std::vector<Event> take(const std::string& panel) {
    std::vector<Event> of_panel;
    for (Event& event : take()) {
      if (event.data.is_object() && event.data.value("panel", "") == panel) of_panel.push_back(std::move(event));
    }
    return of_panel;
  }

  std::string text;
  size_t buffered = 0;
  bool slow = false;
  bool is_open = true;
  bool closed = false;
  bool aborted = false;
};

inline constexpr std::string_view kProjectYaml = "version: 1\nname: history\nsources:\n  - {name: site}\n";
inline constexpr std::string_view kMetricsYaml = R"(version: 1
metrics:
  - name: commits_daily
    question: Who is active?
    where: event = 'commit_authored'
    window: {tumble: 1d}
    dimensions:
      repo: properties.repo
      lang: properties.lang
    measures:
      commits: count()
      lines: sum(properties.insertions)
      lines_per_commit: {value: lines / commits, label: Lines per commit}
)";
inline constexpr std::string_view kDashboardsYaml = R"(version: 1
dashboards:
  - name: activity
    question: Who is active, and where?
    rows:
      - [{stat: commits_daily.commits, over: 30d}, {stat: commits_daily.lines, over: 30d}]
      - [{timeseries: commits_daily.commits, by: [repo, lang], over: 10d}]
      - [{timeseries: commits_daily.lines, by: repo, over: 10d}]
      - [{table: commits_daily, columns: [repo, commits, lines_per_commit], over: 30d}]
)";
inline const std::string kStat = "activity.0.0";
inline const std::string kOtherStat = "activity.0.1";
inline const std::string kView = "activity.1.0";
inline const std::string kSeries = "activity.2.0";
inline const std::string kTable = "activity.3.0";

class PageTest : public ::testing::Test {
 protected:
  PageTest()
      : project_(std::make_shared<const Project>(
            Project{std::make_shared<const plan::Plan>(compile()), "0.1.0", "http://127.0.0.1:1", "http://127.0.0.1:2", false})),
        plan_(*project_->plan) {
    store_.answers["newest"] = std::to_string(kToday - 3'600'000) + "\n";
    store_.answers["over"] = "412\t1000\t2.427184466\t0\t1\t1\n";
  }
  static plan::Plan compile() {
    const plan::Compiled compiled = plan::compile({{"sluice.yaml", std::string(kProjectYaml)},
                                                   {"metrics/commits.yaml", std::string(kMetricsYaml)},
                                                   {"dashboards/activity.yaml", std::string(kDashboardsYaml)}});
    for (const plan::Diagnostic& d : compiled.diagnostics) ADD_FAILURE() << d.text();
    return *compiled.plan;
  }
  void make_hub(HubOptions options = {}) { hub_ = std::make_unique<Hub>(project_, store_, clock_, options); }
  Hub& hub() {
    if (!hub_) make_hub();
    return *hub_;
  }

  // A window of the metric: `days_ago` 1 is the one that ended at kToday.
  static plan::Span day(int64_t days_ago) { return {time_ms(kToday - days_ago * kDay), time_ms(kToday - (days_ago - 1) * kDay)}; }
  static plan::MetricRow row(plan::Span window, const std::string& repo, int64_t commits,
                             plan::State state = plan::State::final) {
    plan::MetricRow row;
    row.window = window;
    row.dimensions = {std::nullopt, repo};  // lang, repo: a plan has them by name
    row.stored = {plan::StoredValue::of(plan::Value::of(Decimal::whole(commits))), plan::StoredValue{}};
    row.state = state;
    return row;
  }
  static std::string view_line(plan::Span window, const std::string& repo, int64_t commits, const std::string& state = "final") {
    return std::to_string(to_ms(window.start)) + "\t" + std::to_string(to_ms(window.end)) + "\t\\N\t" + repo + "\t" +
           std::to_string(commits) + "\t\\N\t\\N\t" + state + "\n";
  }
  static std::string series_line(plan::Span window, const std::string& repo, const std::string& lines, bool late, bool on_time) {
    return std::to_string(to_ms(window.start)) + "\t" + std::to_string(to_ms(window.end)) + "\t" + repo + "\t1\t" + lines + "\t" +
           lines + "\t" + (late ? "1" : "0") + "\t" + (on_time ? "1" : "0") + "\n";
  }

  Committed committed(uint64_t epoch, TimeMs watermark = time_ms(kToday)) {
    Committed c;
    c.epoch = event::Epoch(epoch);
    c.clock = time_ms(kToday + static_cast<int64_t>(epoch));
    c.watermark = watermark;
    c.plan = plan_.hash;
    return c;
  }
  static MetricChange change(uint64_t epoch, std::vector<plan::MetricRow> rows, bool events = true,
                             TimeMs newest = time_ms(kToday - 3'600'000)) {
    MetricChange change;
    change.as_of = event::Epoch(epoch);
    change.rows = std::move(rows);
    change.events_changed = events;
    change.newest = events ? newest : kMinusInfinity;
    return change;
  }
  void commit(uint64_t epoch, std::vector<plan::MetricRow> rows = {}, bool events = true) {
    Committed c = committed(epoch);
    c.metrics.push_back(change(epoch, std::move(rows), events));
    hub().commit(std::move(c));
  }
  std::shared_ptr<HandStream> watch(std::vector<std::string> panels, std::optional<uint64_t> since = {}) {
    auto stream = std::make_shared<HandStream>();
    Subscription subscription;
    subscription.panels = std::move(panels);
    if (since) subscription.since = event::Epoch(*since);
    const auto subscribed = hub().subscribe(subscription, stream);
    EXPECT_TRUE(subscribed) << subscribed.error().message;
    return stream;
  }
  // Runs what is due.
  int work() {
    int n = 0;
    while (hub().step(DurationMs(0))) ++n;
    return n;
  }

  const std::shared_ptr<const Project> project_;
  const plan::Plan& plan_;
  HandStore store_;
  HandClock clock_;
  std::unique_ptr<Hub> hub_;
};

}  // namespace sluice::serve
