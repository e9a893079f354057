#include <fmt/format.h>

#include "app/project_files.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "plan/format.h"

namespace sluice::cli {

int fmt(os::Ports ports, const FmtOptions& options) {
  const Result<std::vector<plan::SourceFile>> files = app::read_project(ports.files, options.directory);
  if (!files) return report(files.error());
  // Of definitions that are wrong nobody knows what they mean, so nobody could say that it stayed the same.
  if (const Result<std::unique_ptr<plan::Plan>> compiled = app::compile_project(*files); !compiled) {
    print(compiled.error().message);
    return report(fail(Code::invalid, "nothing was written: correct these errors first"));
  }
  size_t changed = 0, refused = 0;
  const std::vector<plan::FormattedFile> formatted = plan::format_project(*files);
  for (const plan::FormattedFile& file : formatted) {
    if (file.refusal) {
      ++refused;
      report(fail(Code::invalid, *file.refusal + "; the file is left as it is"));
    } else if (file.changed) {
      ++changed;
      const std::string path = os::join(options.directory, file.path);
      if (!options.check) {
        const Status written = ports.files.replace(path, file.text);
        if (!written) return report(written.error());
      }
      print(::fmt::format("{} {}\n", options.check ? "would change" : "wrote", path));
    }
  }
  if (changed + refused == 0)
    print(::fmt::format("{}: {}, all in their form.\n", options.directory, counted(formatted.size(), "file")));
  return refused > 0 || (options.check && changed > 0) ? 1 : 0;
}

}  // namespace sluice::cli
