// system_error.h - errno as an Error: the one place where numbers of the system become words for a person.
//
// Errors  ENOSPC, EDQUOT: full. ENOENT: not_found. EEXIST, EADDRINUSE, EWOULDBLOCK: conflict. ECONNREFUSED and its kin:
//         unavailable. All else: io. The message names what was tried, the reason, its symbol, and a next step where known.
// Threads Any.
#pragma once

#include <string_view>

#include "base/result.h"

namespace sluice::os {

// `number` is an errno value; `what` is the attempt with its object: "opening /data/log/0.log".
Error system_error(int number, std::string_view what);

}  // namespace sluice::os
