// trace_line.h - diagnostics: one JSON line on standard error per change of state; never a secret, never an event body.
//
// {"time":"2026-03-28T14:22:01.000Z","what":"store away","detail":"..."}
// Threads Any; a line is written whole.
#pragma once

#include <string_view>

#include "os/clock.h"

namespace sluice::app {

void trace_line(os::Clock& clock, std::string_view what, std::string_view detail);

}  // namespace sluice::app
