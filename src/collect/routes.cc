#include "collect/routes.h"

#include "collect/segment.h"

namespace sluice::collect {
namespace {

bool take_front(std::string_view& path, std::string_view front) {
  if (path.substr(0, front.size()) != front) return false;
  path.remove_prefix(front.size());
  return true;
}

// <key>/settings
Route settings(std::string_view path) {
  constexpr std::string_view kEnd = "/settings";
  if (path.size() <= kEnd.size() || path.substr(path.size() - kEnd.size()) != kEnd) return {};
  path.remove_suffix(kEnd.size());
  if (path.find('/') != std::string_view::npos) return {};
  return Route{Target::settings, false, event::Dialect::segment, {}, std::string(path)};
}

}  // namespace

Route route_of(std::string_view path) {
  if (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  if (path == "/" || path.empty()) return Route{Target::hint, false, event::Dialect::native, {}, {}};
  if (take_front(path, "/projects/")) return settings(path);
  if (!take_front(path, "/v1/")) return {};
  if (path == "events") return Route{Target::events, true, event::Dialect::native, {}, {}};
  if (path == "batch" || path == "b" || path == "import") return Route{Target::events, true, event::Dialect::segment, {}, {}};
  if (path == "m") return Route{Target::metrics, true, event::Dialect::segment, {}, {}};
  if (take_front(path, "projects/")) return settings(path);
  if (take_front(path, "pixel/")) {
    const std::string_view type = segment_type(path);
    if (type.empty()) return {};
    return Route{Target::pixel, false, event::Dialect::segment, type, {}};
  }
  if (const std::string_view type = segment_type(path); !type.empty()) {
    return Route{Target::events, true, event::Dialect::segment, type, {}};
  }
  return {};
}

}  // namespace sluice::collect
