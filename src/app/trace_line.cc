#include "app/trace_line.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/json_text.h"
#include "base/rfc3339.h"

namespace sluice::app {

void trace_line(os::Clock& clock, std::string_view what, std::string_view detail) {
  const std::string line = fmt::format("{{\"time\":\"{}\",\"what\":{},\"detail\":{}}}\n", format_rfc3339(clock.wall()), json_string(what),
                                       json_string(detail));
  std::fwrite(line.data(), 1, line.size(), stderr);  // one call, so lines of threads do not mix
}

}  // namespace sluice::app
