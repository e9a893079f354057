// Calendar windows of metrics and the zones they name (reader.h, zone.h).
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "plan/calendar.h"
#include "plan/reader.h"

namespace sluice::plan {
namespace {

constexpr std::array kUnits{CalendarUnit::day, CalendarUnit::week, CalendarUnit::month};

// Every `zone` beside a `calendar`, wherever it stands: what is in its wrong place is reported when the file is compiled.
void collect_zones(const Yaml& node, std::vector<std::string>& into) {
  if (node.kind == Yaml::Kind::map && node.find("calendar") != nullptr) {
    const Yaml::Entry* zone = node.find("zone");
    if (zone != nullptr && zone->value.kind == Yaml::Kind::scalar && is_zone_name(zone->value.text))
      into.push_back(zone->value.text);
  }
  for (const Yaml& item : node.items) collect_zones(item, into);
  for (const Yaml::Entry& entry : node.entries) collect_zones(entry.value, into);
}

std::shared_ptr<const Calendar> calendar_of(Reader& reader, const Yaml& zone, CalendarUnit unit, Definitions& into) {
  const auto known = into.calendars.find({zone.text, unit});
  if (known != into.calendars.end()) return known->second;
  const auto bytes = into.zones.find(zone.text);
  if (!is_zone_name(zone.text) || bytes == into.zones.end()) {
    reader.report(zone.at, fmt::format("no time zone {} in {}; zones are named like Europe/Berlin or UTC (package tzdata)",
                                       quoted(zone.text), kZoneFolder));
    return nullptr;
  }
  const std::optional<std::vector<OffsetChange>> changes = read_zone(bytes->second, kCalendarUntilYear);
  if (!changes) {
    reader.report(zone.at,
                  fmt::format("{}/{} is not a zone file of version 2 or later without leap seconds; install the package tzdata",
                              kZoneFolder, zone.text));
    return nullptr;
  }
  return into.calendars[{zone.text, unit}] = make_calendar(unit, *changes);
}

}  // namespace

std::vector<std::string> zones_of(const std::vector<SourceFile>& files) {
  std::vector<std::string> zones;
  for (const SourceFile& file : files) {
    if (!file.path.starts_with("metrics/") || file.text.size() > kFileBytesMax || file.text.find("calendar") == std::string::npos)
      continue;
    const Document document(file.path, file.text);
    Diagnostics unheard;
    if (const std::optional<Yaml> root = parse_yaml(document, unheard)) collect_zones(*root, zones);
  }
  std::sort(zones.begin(), zones.end());
  zones.erase(std::unique(zones.begin(), zones.end()), zones.end());
  return zones;
}

std::optional<Window> read_calendar(Reader& reader, const Yaml& map, const KeySet& keys, Definitions& into) {
  const Yaml* unit = value_of(map, keys, "calendar");
  if (unit == nullptr) return std::nullopt;
  for (const std::string_view other : {"tumble", "hop", "slide", "cumulate", "step", "offset"}) {
    if (const Yaml::Entry* entry = map.find(other))
      reader.report(entry->at, fmt::format("`{}` does not go with `calendar`", other));
  }
  const auto named = std::find_if(kUnits.begin(), kUnits.end(), [&](CalendarUnit u) { return unit->text == unit_name(u); });
  if (named == kUnits.end()) {
    reader.report(unit->at, fmt::format("`calendar` is day, week or month, not {}", quoted(unit->text)));
    return std::nullopt;
  }
  const Yaml* zone = value_of(map, keys, "zone");
  if (zone == nullptr) {
    if (map.find("zone") == nullptr)
      reader.report(map.at, fmt::format("`calendar` needs `zone`: {{calendar: {}, zone: Europe/Berlin}}", unit->text));
    return std::nullopt;
  }
  std::shared_ptr<const Calendar> calendar = calendar_of(reader, *zone, *named, into);
  if (!calendar) return std::nullopt;
  Window window;
  window.kind = Window::Kind::calendar;
  window.size = calendar->longest;
  window.step = DurationMs{86'400'000LL * (*named == CalendarUnit::day ? 1 : *named == CalendarUnit::week ? 7 : 31)};
  window.unit = *named;
  window.zone = zone->text;
  window.calendar = std::move(calendar);
  return window;
}

}  // namespace sluice::plan
