#include <fmt/format.h>

#include <array>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "plan/schema.h"

namespace sluice::cli {
namespace {

struct File {
  const char* path;
  const char* text;
};

constexpr std::array kProject{
    File{"sluice.yaml", R"(# yaml-language-server: $schema=.sluice/schema/sluice.json
# What runs, and where. `sluice check .` tells what is wrong before anything starts.
version: 1
name: my_project
listeners: {collect: 127.0.0.1:8080, web: 127.0.0.1:8090, sql: 127.0.0.1:8123}
sources:
  - {name: site, disorder: 10s, idle: 60s, dedup: 24h}
)"},
    File{"metrics/visits.yaml",
         R"(# yaml-language-server: $schema=../.sluice/schema/metrics.json
# One question per metric. Events are counted by their own time; late ones revise what was said.
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
    File{"dashboards/visits.yaml", R"(# yaml-language-server: $schema=../.sluice/schema/dashboards.json
version: 1
dashboards:
  - name: visits
    question: What do people look at?
    rows:
      - [{stat: views_hourly.views, over: 7d}, {stat: views_hourly.people, over: 7d}]
      - [{timeseries: views_hourly.views, by: page, over: 7d}]
      - [{table: views_hourly, columns: [page, views, people], over: 7d}]
)"},
};

// Where the first lines of the files point to. They belong to the release, not to the author, and are written anew.
Status write_schemas(os::Files& files, const std::string& directory) {
  for (const std::string_view name : plan::kSchemaNames) {
    const std::string path = os::join(directory, fmt::format(".sluice/schema/{}.json", name));
    SLUICE_CHECK(files.make_directories(os::parent(path)));
    SLUICE_CHECK(files.replace(path, *plan::json_schema(name)));
    print(fmt::format("wrote {}\n", path));
  }
  return ok();
}

}  // namespace

int init(os::Ports ports, const InitOptions& options) {
  if (options.schemas) {
    if (!ports.files.exists(os::join(options.directory, "sluice.yaml"))) {
      return report(fail(Code::not_found, options.directory + " has no sluice.yaml; `sluice init " + options.directory +
                                              "` without --schemas makes a project"));
    }
    const Status written = write_schemas(ports.files, options.directory);
    return written ? 0 : report(written.error());
  }
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
    return write_schemas(ports.files, options.directory);
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
