#include "app/live_definitions.h"

#include <fmt/format.h>

#include <algorithm>

#include "plan/dimension_table.h"

namespace sluice::app {
namespace {

bool same_source(const plan::Source& a, const plan::Source& b) {
  return a.name == b.name && a.disorder == b.disorder && a.idle == b.idle && a.dedup == b.dedup;
}

// What only a start reads; empty: nothing of it changed.
std::string needs_a_start(const plan::Plan& first, const plan::Plan& next) {
  std::string what;
  const auto say = [&](bool same, const char* name) {
    if (!same) what += std::string(what.empty() ? "" : ", ") + name;
  };
  say(first.project == next.project, "name");
  say(first.collect_address == next.collect_address && first.web_address == next.web_address &&
          first.sql_address == next.sql_address,
      "listeners");
  say(std::equal(first.sources.begin(), first.sources.end(), next.sources.begin(), next.sources.end(), same_source), "sources");
  say(first.log_retention.log_time == next.log_retention.log_time &&
          first.log_retention.log_bytes == next.log_retention.log_bytes,
      "retention");
  return what;
}

// "new: a, b; changed: c; removed: d"
std::string difference(const plan::Plan& before, const plan::Plan& after) {
  const auto find = [](const plan::Plan& in, const std::string& name) -> const plan::Metric* {
    const auto at = std::find_if(in.metrics.begin(), in.metrics.end(), [&](const plan::Metric& m) { return m.name == name; });
    return at == in.metrics.end() ? nullptr : &*at;
  };
  std::string born, changed, removed;
  const auto list = [](std::string& into, const std::string& name) { into += (into.empty() ? "" : ", ") + name; };
  for (const plan::Metric& metric : after.metrics) {
    const plan::Metric* old = find(before, metric.name);
    if (old == nullptr) {
      list(born, metric.name);
    } else if (old->version != metric.version) {
      list(changed, metric.name);
    }
  }
  for (const plan::Metric& metric : before.metrics) {
    if (find(after, metric.name) == nullptr) list(removed, metric.name);
  }
  std::string all;
  for (const auto& [word, names] : {std::pair{"new", &born}, std::pair{"changed", &changed}, std::pair{"removed", &removed}}) {
    if (!names->empty()) all += fmt::format("{}{}: {}", all.empty() ? "" : "; ", word, *names);
  }
  std::string rows;
  for (const plan::DimensionFile& file : after.dimension_files) {
    const auto same = [&](const plan::DimensionFile& old) {
      return old.name == file.name && old.table->hash() == file.table->hash();
    };
    if (std::none_of(before.dimension_files.begin(), before.dimension_files.end(), same))
      list(rows, fmt::format("{} ({} rows)", file.name, file.table->rows().size()));
  }
  if (!rows.empty()) all += fmt::format("{}dimensions read anew: {}", all.empty() ? "" : "; ", rows);
  return all.empty() ? "labels, questions or dashboards only" : all;
}

std::string line_of(const std::vector<plan::SourceFile>& files, const plan::Location& at) {
  for (const plan::SourceFile& file : files) {
    if (file.path != at.file) continue;
    size_t begin = 0;
    for (int line = 1; line < at.line && begin != std::string::npos; ++line) {
      begin = file.text.find('\n', begin);
      if (begin != std::string::npos) ++begin;
    }
    if (begin == std::string::npos) return "";
    return file.text.substr(begin, std::min(file.text.find('\n', begin), file.text.size()) - begin);
  }
  return "";
}

}  // namespace

LiveDefinitions::LiveDefinitions(Parts parts, std::shared_ptr<const plan::Plan> first)
    : parts_(std::move(parts)), first_(std::move(first)), newest_(first_), shown_(first_) {
  for (const plan::DimensionFile& file : first_->dimension_files) dimension_files_.push_back(file.path);
  std::sort(dimension_files_.begin(), dimension_files_.end());
  seen_ = changing_ = stamp();
}

void LiveDefinitions::tick() {
  const std::lock_guard reading(reading_);
  const std::string now = stamp();
  if (std::exchange(changing_, now) != now || now == seen_) return;  // still being written, or as it was
  seen_ = now;
  (void)read();  // what is wrong was said
}

Result<std::string> LiveDefinitions::apply() {
  const std::lock_guard reading(reading_);
  seen_ = changing_ = stamp();
  return read();
}

// An error is a stamp, too: what cannot be listed is told once.
std::string LiveDefinitions::stamp() const {
  Result<std::string> stamp = project_stamp(parts_.ports.files, parts_.project, dimension_files_);
  return stamp ? std::move(*stamp) : stamp.error().message;
}

Result<std::string> LiveDefinitions::read() {
  Result<std::vector<plan::SourceFile>> files = read_project(parts_.ports.files, parts_.project);
  if (files) {
    if (std::vector<std::string> named = plan::dimension_files_of(*files); named != dimension_files_) {
      dimension_files_ = std::move(named);  // watched from here on, so from before they are read
      seen_ = changing_ = stamp();
      files = read_project(parts_.ports.files, parts_.project);
    }
  }
  if (!files) return refuse({}, {{{"sluice.yaml", 1, 1}, files.error().message}});
  return use(*files);
}

Result<std::string> LiveDefinitions::use(const std::vector<plan::SourceFile>& files) {
  plan::Compiled compiled = plan::compile(files);
  if (!compiled.plan) return refuse(files, compiled.diagnostics);
  if (const std::string what = needs_a_start(*first_, *compiled.plan); !what.empty()) {
    return refuse(files, {{{"sluice.yaml", 1, 1},
                           what + " changed, which only a start of `sluice up` reads; start it again to use all that is new"}});
  }
  auto next = std::make_shared<const plan::Plan>(std::move(*compiled.plan));
  if (Status kept = keep_plan(parts_.ports.files, parts_.paths.plans(), next->hash, files); !kept) {
    return refuse(files, {{{"sluice.yaml", 1, 1}, "the new plan cannot be kept: " + kept.error().message}});
  }
  parts_.hub.publish_definition_error(std::nullopt);
  const std::lock_guard lock(mutex_);
  const std::string what = difference(*newest_, *next);
  parts_.say("definitions changed", what);
  newest_ = std::move(next);
  parts_.pipeline.want(newest_->hash);
  if (shown_->hash == newest_->hash) put(newest_);
  return what;
}

Error LiveDefinitions::refuse(const std::vector<plan::SourceFile>& files, const std::vector<plan::Diagnostic>& why) {
  std::string all;
  for (const plan::Diagnostic& diagnostic : why) all += (all.empty() ? "" : "\n") + diagnostic.text();
  parts_.say("definitions refused", all);
  // Dashboards name what a broken file does not define any more: the page shows the cause.
  const auto cause =
      std::find_if(why.begin(), why.end(), [](const plan::Diagnostic& d) { return !d.at.file.starts_with("dashboards/"); });
  const plan::Diagnostic& first = cause == why.end() ? why.front() : *cause;
  parts_.hub.publish_definition_error(
      serve::DefinitionError{first.at.file, first.at.line, first.at.column, first.message, line_of(files, first.at)});
  return {Code::invalid, std::move(all)};
}

std::string LiveDefinitions::wanted() {
  const std::lock_guard lock(mutex_);
  return newest_->hash;
}

void LiveDefinitions::show(const std::string& hash, const std::vector<std::string>& tables) {
  const std::lock_guard lock(mutex_);
  tables_ = tables;
  if (shown_->hash == hash) return parts_.hub.publish_tables(tables_);
  if (newest_->hash == hash) return put(newest_);
  Result<std::unique_ptr<plan::Plan>> older = load_plan(parts_.ports.files, parts_.paths.plans(), hash);
  if (!older) return parts_.say("definitions not shown", older.error().message);
  put(std::move(*older));
}

void LiveDefinitions::put(std::shared_ptr<const plan::Plan> plan) {
  shown_ = std::move(plan);
  serve::Project project = *parts_.hub.project();
  project.plan = shown_;
  parts_.feed.show(shown_);
  parts_.hub.replace(std::make_shared<const serve::Project>(std::move(project)));
  parts_.hub.publish_tables(tables_);
  parts_.feed.repeat();
}

}  // namespace sluice::app
