// url_settings.h - what a reader may put into the URL: settings that hold, with a ceiling, and settings that are taken and ignored.
//
// Promise Names outside both lists are refused (Code 115). A limit can be lowered; what asks for more, or for no limit (0), gets the ceiling.
// Why     The lists are what 12 real clients send (facts/interop.md 4). additional_table_filters carries SQL inside a string, so it is on none.
#pragma once

#include "base/result.h"
#include "store/engine_config.h"

namespace sluice::store {

// The settings to SET for this statement, in the order given.
Result<Settings> admit_url_settings(const Settings& asked, const ReaderLimits& limits);

}  // namespace sluice::store
