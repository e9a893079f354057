#include "app/project_files.h"

#include <fmt/format.h>

#include "plan/dimension_table.h"
#include "plan/zone.h"

#include <array>

namespace sluice::app {
namespace {

constexpr size_t kFilesMax = 1000;
constexpr uint64_t kPackedMax = 64ULL << 20;

constexpr std::array kFolders{"metrics", "dashboards", "dimensions", "contracts", "quality", "destinations"};

// The definition files of a folder; none where there is no such folder.
Result<std::vector<os::Entry>> list_folder(os::Files& files, const std::string& path) {
  std::vector<os::Entry> found;
  if (!files.exists(path)) return found;
  found = SLUICE_TRY(files.list(path));
  std::erase_if(found, [](const os::Entry& entry) {
    return entry.is_directory || !(entry.name.ends_with(".yaml") || entry.name.ends_with(".yml"));
  });
  return found;
}

Status read_folder(os::Files& files, const std::string& directory, const std::string& folder,
                   std::vector<plan::SourceFile>& into) {
  const std::string path = os::join(directory, folder);
  for (const os::Entry& entry : SLUICE_TRY(list_folder(files, path))) {
    if (into.size() >= kFilesMax)
      return fail(Code::invalid, fmt::format("{}: more than {} files in a project", directory, kFilesMax));
    into.push_back({folder + "/" + entry.name, SLUICE_TRY(files.read_all(os::join(path, entry.name), plan::kFileBytesMax))});
  }
  return ok();
}

}  // namespace

Result<std::vector<plan::SourceFile>> read_project(os::Files& files, const std::string& directory) {
  const std::string main = os::join(directory, "sluice.yaml");
  if (!files.exists(main)) {
    return fail(Code::not_found,
                directory + " has no sluice.yaml, so it is no project; `sluice init " + directory + "` makes one");
  }
  std::vector<plan::SourceFile> all{{"sluice.yaml", SLUICE_TRY(files.read_all(main, plan::kFileBytesMax))}};
  for (const char* folder : kFolders) {
    SLUICE_CHECK(read_folder(files, directory, folder, all));
  }
  // One that is not there is left out: compile() says where it is named.
  for (const std::string& name : plan::dimension_files_of(all)) {
    const std::string path = os::join(directory, name);
    if (!files.exists(path)) continue;
    all.push_back({name, SLUICE_TRY(files.read_all(path, plan::kDimensionFileBytesMax))});
  }
  // A zone that this machine does not have is left out: compile() says where it is named.
  for (const std::string& zone : plan::zones_of(all)) {
    const std::string path = os::join(plan::kZoneFolder, zone);
    if (!files.exists(path)) continue;
    all.push_back({std::string(plan::kZonePrefix) + zone, SLUICE_TRY(files.read_all(path, plan::kZoneBytesMax))});
  }
  uint64_t bytes = 0;
  for (const plan::SourceFile& file : all) bytes += file.text.size();
  if (bytes > kProjectBytesMax) {
    return fail(Code::invalid,
                fmt::format("{}: the project's files have {} bytes together, more than {}; make those of its dimensions smaller",
                            directory, bytes, kProjectBytesMax));
  }
  return all;
}

Result<std::string> project_stamp(os::Files& files, const std::string& directory,
                                  const std::vector<std::string>& dimension_files) {
  std::string stamp;
  const auto add = [&](const char* folder, const os::Entry& entry) {
    stamp += fmt::format("{}/{} {} {}\n", folder, entry.name, entry.size, entry.modified_ns);
  };
  for (const os::Entry& entry : SLUICE_TRY(files.list(directory))) {
    if (entry.name == "sluice.yaml") add("", entry);
  }
  for (const char* folder : kFolders) {
    for (const os::Entry& entry : SLUICE_TRY(list_folder(files, os::join(directory, folder)))) add(folder, entry);
  }
  for (const std::string& name : dimension_files) {
    const std::string path = os::join(directory, name);
    const std::string folder = os::parent(path);
    if (!files.exists(folder)) continue;
    for (const os::Entry& entry : SLUICE_TRY(files.list(folder))) {
      if (os::join(folder, entry.name) == path) add(os::parent(name).c_str(), entry);
    }
  }
  return stamp;
}

Result<std::unique_ptr<plan::Plan>> compile_project(const std::vector<plan::SourceFile>& files) {
  plan::Compiled compiled = plan::compile(files);
  if (compiled.plan) return std::make_unique<plan::Plan>(std::move(*compiled.plan));
  std::string all;
  for (const plan::Diagnostic& diagnostic : compiled.diagnostics) all += diagnostic.text() + "\n";
  return fail(Code::invalid, all);
}

Status keep_plan(os::Files& files, const std::string& directory, const std::string& hash,
                 const std::vector<plan::SourceFile>& sources) {
  const std::string path = os::join(directory, hash);
  if (files.exists(path)) return ok();
  SLUICE_CHECK(files.make_directories(directory));
  return files.replace(path, plan::pack(sources));
}

Result<std::unique_ptr<plan::Plan>> load_plan(os::Files& files, const std::string& directory, const std::string& hash) {
  const std::string path = os::join(directory, hash);
  const std::string packed = SLUICE_TRY(files.read_all(path, kPackedMax));
  const std::vector<plan::SourceFile> sources = SLUICE_TRY(plan::unpack(packed));
  std::unique_ptr<plan::Plan> plan = SLUICE_TRY(compile_project(sources));
  if (plan->hash != hash)
    return fail(Code::corrupt, path + " does not compile to the plan that it is named after; was it edited?");
  return plan;
}

}  // namespace sluice::app
