// routes.h - every path of the edge, and which dialect it speaks.
#pragma once

#include <string>
#include <string_view>

#include "event/event.h"

namespace sluice::collect {

enum class Target { none, hint, events, pixel, settings, metrics };

struct Route {
  Target target = Target::none;
  bool post = false;                                    // the method it takes; otherwise GET
  event::Dialect dialect = event::Dialect::native;
  std::string_view type;                                // segment: of a single event; "" for batches
  std::string key;                                      // settings: the write key in the path
};

// A trailing slash is optional everywhere.
Route route_of(std::string_view path);

}  // namespace sluice::collect
