#include "app/trace_line.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/json_text.h"
#include "base/rfc3339.h"

namespace sluice::app {

void trace_line(os::Clock& clock, std::string_view what, std::string_view detail) {
  // An engine's exception repeats the whole statement.
  constexpr size_t kDetailMax = 600;
  const std::string cut = detail.size() > kDetailMax ? std::string(detail.substr(0, kDetailMax)) + " ..." : std::string(detail);
  const std::string line = fmt::format("{{\"time\":\"{}\",\"what\":{},\"detail\":{}}}\n", format_rfc3339(clock.wall()),
                                       json_string(what), json_string(cut));
  std::fwrite(line.data(), 1, line.size(), stderr);  // one call, so lines of threads do not mix
}

}  // namespace sluice::app
