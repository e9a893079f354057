#include <fmt/format.h>

#include <array>

#include "cli/commands.h"
#include "cli/terminal.h"

namespace sluice::cli {
namespace {

struct File {
  const char* path;
  const char* text;
};

constexpr std::array kProject{
    File{"sluice.yaml", R"(# What runs, and where. `sluice check .` tells what is wrong before anything starts.
version: 1
name: my_project
listeners: {collect: 127.0.0.1:8080, web: 127.0.0.1:8090, sql: 127.0.0.1:8123}
sources:
  - {name: site, disorder: 10s, idle: 60s, dedup: 24h}
)"},
    File{"metrics/visits.yaml",
         R"(# One question per metric. Events are counted by their own time; late ones revise what was said.
version: 1
metrics:
  - name: views_hourly
    question: How many pages are viewed, by how many people?
    where: event = 'page_viewed'
    window: {tumble: 1h}
    allowed_lateness: 10m
    dimensions:
      page: properties.page
    measures:
      views: count()
      people: distinct(user_key)
      views_per_person: {value: views / people, label: Views per person}
)"},
    File{"dashboards/visits.yaml", R"(version: 1
dashboards:
  - name: visits
    question: What do people look at?
    rows:
      - [{stat: views_hourly.views, over: 7d}, {stat: views_hourly.people, over: 7d}]
      - [{timeseries: views_hourly.views, by: page, over: 7d}]
      - [{table: views_hourly, columns: [page, views, people], over: 7d}]
)"},
};

}  // namespace

int init(os::Ports ports, const InitOptions& options) {
  const auto write = [&]() -> Status {
    for (const File& file : kProject) {
      const std::string path = os::join(options.directory, file.path);
      if (ports.files.exists(path)) {
        return fail(Code::conflict, path + " exists; `init` overwrites nothing. Give an empty or new directory");
      }
    }
    for (const File& file : kProject) {
      const std::string path = os::join(options.directory, file.path);
      SLUICE_CHECK(ports.files.make_directories(os::parent(path)));
      SLUICE_CHECK(ports.files.replace(path, file.text));
      print(fmt::format("wrote {}\n", path));
    }
    return ok();
  };
  if (Status written = write(); !written) return report(written.error());
  print(fmt::format(R"(
Next:
  sluice check {0}
  sluice up {0} --data {0}-data --demo
  curl -s http://127.0.0.1:8080/v1/events -H 'Authorization: Bearer demo' -d '{{"event":"page_viewed","properties":{{"page":"/pricing"}},"user_id":"u_1"}}'
)",
                    options.directory));
  return 0;
}

}  // namespace sluice::cli
