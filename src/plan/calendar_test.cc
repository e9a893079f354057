#include "plan/calendar.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rfc3339.h"
#include "plan/compile_test_fixture.h"

namespace sluice::plan {
namespace {

// Zone files in the oldest form with a rule: version 2, 64-bit times.
void big_endian(std::string& out, int64_t value, int width) {
  for (int shift = (width - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>(static_cast<uint64_t>(value) >> shift);
}
struct Written {
  std::vector<int64_t> offsets{0};
  std::vector<std::pair<int64_t, uint8_t>> times{};  // and which offset
  std::string rule{};
  int64_t leaps = 0;
  char version = '2';
};
std::string zone_file(const Written& zone) {
  std::string out;
  const auto header = [&](size_t times, size_t types, size_t letters) {
    out += "TZif";
    out += zone.version;
    out.append(15, '\0');
    big_endian(out, 0, 4);
    big_endian(out, 0, 4);
    big_endian(out, zone.leaps, 4);
    for (const size_t n : {times, types, letters}) big_endian(out, static_cast<int64_t>(n), 4);
  };
  header(0, 1, 4);
  out.append(6, '\0');
  out.append("LMT\0", 4);
  out.append(static_cast<size_t>(zone.leaps) * 8, '\0');
  header(zone.times.size(), zone.offsets.size(), 4);
  for (const auto& [at, kind] : zone.times) big_endian(out, at, 8);
  for (const auto& [at, kind] : zone.times) out += static_cast<char>(kind);
  for (const int64_t offset : zone.offsets) {
    big_endian(out, offset, 4);
    out.append(2, '\0');
  }
  out.append("LMT\0", 4);
  out.append(static_cast<size_t>(zone.leaps) * 12, '\0');
  return out + "\n" + zone.rule + "\n";
}
std::vector<OffsetChange> rule(const std::string& text, int until_year) {
  return read_zone(zone_file({.rule = text}), until_year).value_or(std::vector<OffsetChange>{});
}
int64_t at(std::string_view text) { return to_ms(parse_rfc3339(text)->time); }
std::vector<OffsetChange> of_year(const std::vector<OffsetChange>& changes, int year) {
  std::vector<OffsetChange> out;
  for (const OffsetChange& c : changes) {
    if (c.at != OffsetChange::kBeginning && format_rfc3339(time_ms(c.at * 1000)).starts_with(std::to_string(year)))
      out.push_back(c);
  }
  return out;
}

// The window of an instant, as text.
std::string window_of(const std::shared_ptr<const Calendar>& calendar, std::string_view instant) {
  Window window;
  window.kind = Window::Kind::calendar;
  window.calendar = calendar;
  std::vector<Span> spans;
  windows_of(window, parse_rfc3339(instant)->time, spans);
  if (spans.size() != 1) return std::to_string(spans.size()) + " windows";
  return format_rfc3339(spans[0].start) + " " + format_rfc3339(spans[0].end);
}
std::string full(std::string_view start, std::string_view end) {
  return std::string(start) + ".000Z " + std::string(end) + ".000Z";
}

constexpr int64_t kHour = 3600;

TEST(Zone, the_table_is_followed_by_the_rule) {
  // +1 h from 2000-01-01 on, then what Europe/Berlin has had since 1996: last Sundays of March and October at 01:00 UTC.
  const Written zone{
      .offsets = {0, kHour}, .times = {{at("2000-01-01T00:00:00Z") / 1000, 1}}, .rule = "CET-1CEST,M3.5.0,M10.5.0/3"};
  const auto changes = read_zone(zone_file(zone), 2027);
  ASSERT_TRUE(changes);
  EXPECT_EQ((*changes)[0], (OffsetChange{OffsetChange::kBeginning, 0}));
  EXPECT_EQ((*changes)[1], (OffsetChange{at("2000-01-01T00:00:00Z") / 1000, kHour}));
  EXPECT_EQ(of_year(*changes, 2026), (std::vector<OffsetChange>{{at("2026-03-29T01:00:00Z") / 1000, 2 * kHour},
                                                                {at("2026-10-25T01:00:00Z") / 1000, kHour}}));
  EXPECT_EQ(format_rfc3339(time_ms(changes->back().at * 1000)), "2027-10-31T01:00:00.000Z");
}

TEST(Zone, rules_are_read_in_every_form) {
  // South of the equator summer ends first; the offsets are west of Greenwich; the hour of the change lies outside its day.
  EXPECT_EQ(of_year(rule("<-04>4<-03>,M9.1.6/24,M4.1.6/24", 2026), 2026),
            (std::vector<OffsetChange>{{at("2026-04-05T03:00:00Z") / 1000, -4 * kHour},
                                       {at("2026-09-06T04:00:00Z") / 1000, -3 * kHour}}));
  EXPECT_EQ(
      of_year(rule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 2026), 2026),
      (std::vector<OffsetChange>{{at("2026-03-29T01:00:00Z") / 1000, -kHour}, {at("2026-10-25T01:00:00Z") / 1000, -2 * kHour}}));
  // Dublin: winter is what is subtracted. Lord Howe: half an hour.
  EXPECT_EQ(of_year(rule("IST-1GMT0,M10.5.0,M3.5.0/1", 2026), 2026),
            (std::vector<OffsetChange>{{at("2026-03-29T01:00:00Z") / 1000, kHour}, {at("2026-10-25T01:00:00Z") / 1000, 0}}));
  EXPECT_EQ(of_year(rule("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 2026), 2026),
            (std::vector<OffsetChange>{{at("2026-04-04T15:00:00Z") / 1000, 10 * kHour + 1800},
                                       {at("2026-10-03T15:30:00Z") / 1000, 11 * kHour}}));
  // J60 is 1 March in every year, 59 is 1 March or, in a leap year, 29 February.
  EXPECT_EQ(of_year(rule("AAA0BBB,J60/0,J365/0", 2028), 2028)[0].at, at("2028-03-01T00:00:00Z") / 1000);
  EXPECT_EQ(of_year(rule("AAA0BBB,59/0,364/0", 2028), 2028)[0].at, at("2028-02-29T00:00:00Z") / 1000);
  EXPECT_EQ(of_year(rule("AAA0BBB,59/0,364/0", 2027), 2027)[0].at, at("2027-03-01T00:00:00Z") / 1000);
  EXPECT_EQ(rule("<+0545>-5:45", 2100), (std::vector<OffsetChange>{{OffsetChange::kBeginning, 5 * kHour + 45 * 60}}));
}

TEST(Zone, what_is_no_zone_file_is_refused) {
  const std::string good = zone_file({.offsets = {0, kHour}, .times = {{1000, 1}}, .rule = "UTC0"});
  ASSERT_TRUE(read_zone(good, 2100));
  for (size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(read_zone(good.substr(0, n), 2100)) << n;
  EXPECT_FALSE(read_zone(zone_file({.version = '\0'}), 2100)) << "version 1 has no rule";
  EXPECT_FALSE(read_zone(zone_file({.leaps = 1}), 2100)) << "leap seconds";
  EXPECT_FALSE(read_zone(zone_file({.offsets = {0}, .times = {{1000, 1}}}), 2100)) << "an offset that is not there";
  EXPECT_FALSE(read_zone(zone_file({.offsets = {0, 1}, .times = {{1000, 1}, {1000, 0}}}), 2100)) << "times that do not ascend";
  EXPECT_FALSE(read_zone(zone_file({.offsets = {0}, .times = {{int64_t{1} << 61, 0}}}), 2100)) << "no such time";
  const Written far{.offsets = {0, kHour}, .times = {{int64_t{1} << 59, 1}}, .rule = "CET-1CEST,M3.5.0,M10.5.0/3"};
  EXPECT_EQ(read_zone(zone_file(far), 2100)->size(), 2U) << "the rule begins after the table";
  EXPECT_FALSE(read_zone(std::string(kZoneBytesMax + 1, 'x'), 2100));
  for (const char* wrong :
       {"CE-1", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J1", "CET-1CEST,366,1", "CET-1CEST,M3.5.0,M10.5.0/168", "<+05-5", "CET-1 "})
    EXPECT_TRUE(rule(wrong, 2100).empty()) << wrong;
}

TEST(Zone, names_stay_inside_their_folder) {
  for (const char* good : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT"})
    EXPECT_TRUE(is_zone_name(good)) << good;
  for (const char* bad :
       {"", "/etc/passwd", "../x", "Europe/../x", "Europe/", "a//b", "localtime", "posixrules", "Europe/Ber.lin", "a b", "+05"})
    EXPECT_FALSE(is_zone_name(bad)) << bad;
  EXPECT_FALSE(is_zone_name(std::string(65, 'a')));
}

const std::vector<OffsetChange> kBerlin = rule("CET-1CEST,M3.5.0,M10.5.0/3", kCalendarUntilYear);

TEST(Calendar, days_of_a_zone_have_23_24_and_25_hours) {
  const auto days = make_calendar(CalendarUnit::day, kBerlin);
  EXPECT_EQ(window_of(days, "2026-03-28T22:59:59.999Z"), full("2026-03-27T23:00:00", "2026-03-28T23:00:00"));
  EXPECT_EQ(window_of(days, "2026-03-28T23:00:00Z"), full("2026-03-28T23:00:00", "2026-03-29T22:00:00")) << "23 hours";
  EXPECT_EQ(window_of(days, "2026-03-29T22:00:00Z"), full("2026-03-29T22:00:00", "2026-03-30T22:00:00"));
  EXPECT_EQ(window_of(days, "2026-10-25T22:59:59.999Z"), full("2026-10-24T22:00:00", "2026-10-25T23:00:00")) << "25 hours";
  EXPECT_EQ(days->longest.count(), 25 * kHour * 1000);
}

TEST(Calendar, weeks_begin_on_monday_and_months_on_the_first) {
  // Monday the 23rd to Monday the 30th of March 2026, with the hour that is lost; March has one hour less too.
  EXPECT_EQ(window_of(make_calendar(CalendarUnit::week, kBerlin), "2026-03-28T12:00:00Z"),
            full("2026-03-22T23:00:00", "2026-03-29T22:00:00"));
  const auto months = make_calendar(CalendarUnit::month, kBerlin);
  EXPECT_EQ(window_of(months, "2026-03-31T21:59:59.999Z"), full("2026-02-28T23:00:00", "2026-03-31T22:00:00"));
  EXPECT_EQ(window_of(months, "2024-02-10T00:00:00Z"), full("2024-01-31T23:00:00", "2024-02-29T23:00:00")) << "29 days";
}

TEST(Calendar, a_skipped_midnight_is_the_instant_after_the_jump) {
  // America/Sao_Paulo, 2018-11-04: from 23:59:59 -03 to 01:00:00 -02, at 03:00 UTC.
  const std::vector<OffsetChange> changes{{OffsetChange::kBeginning, -3 * kHour},
                                          {at("2018-11-04T03:00:00Z") / 1000, -2 * kHour}};
  const auto days = make_calendar(CalendarUnit::day, changes);
  EXPECT_EQ(window_of(days, "2018-11-04T02:59:59.999Z"), full("2018-11-03T03:00:00", "2018-11-04T03:00:00"));
  EXPECT_EQ(window_of(days, "2018-11-04T03:00:00Z"), full("2018-11-04T03:00:00", "2018-11-05T02:00:00"));
}

TEST(Calendar, a_midnight_that_comes_twice_is_the_earlier) {
  // At 04:00 UTC from 00:00 -04 of the 2nd back to 23:00 -05 of the 1st: midnight is at 05:00, once.
  const std::vector<OffsetChange> back_over{{OffsetChange::kBeginning, -4 * kHour},
                                            {at("2020-11-02T04:00:00Z") / 1000, -5 * kHour}};
  EXPECT_EQ(window_of(make_calendar(CalendarUnit::day, back_over), "2020-11-02T04:30:00Z"),
            full("2020-11-01T04:00:00", "2020-11-02T05:00:00"));
  // At 05:00 UTC from 01:00 -04 back to 00:00 -05: midnight is at 04:00 and at 05:00.
  const std::vector<OffsetChange> doubled{{OffsetChange::kBeginning, -4 * kHour},
                                          {at("2020-11-02T05:00:00Z") / 1000, -5 * kHour}};
  const auto days = make_calendar(CalendarUnit::day, doubled);
  EXPECT_EQ(window_of(days, "2020-11-02T03:59:59Z"), full("2020-11-01T04:00:00", "2020-11-02T04:00:00"));
  EXPECT_EQ(window_of(days, "2020-11-02T05:30:00Z"), full("2020-11-02T04:00:00", "2020-11-03T05:00:00"));
  // At 04:01 UTC from 00:01 -04 of the 2nd back to 23:01 of the 1st: what follows was begun already.
  const std::vector<OffsetChange> begun{{OffsetChange::kBeginning, -4 * kHour}, {at("2020-11-02T04:01:00Z") / 1000, -5 * kHour}};
  EXPECT_EQ(window_of(make_calendar(CalendarUnit::day, begun), "2020-11-02T04:30:00Z"),
            full("2020-11-02T04:00:00", "2020-11-03T05:00:00"));
}

TEST(Calendar, a_date_that_a_zone_left_out_has_no_window) {
  // Pacific/Apia went from -10 on the 29th of December 2011 to +14 on the 31st, at 10:00 UTC of the 30th.
  const std::vector<OffsetChange> changes{{OffsetChange::kBeginning, -10 * kHour},
                                          {at("2011-12-30T10:00:00Z") / 1000, 14 * kHour}};
  const auto days = make_calendar(CalendarUnit::day, changes);
  EXPECT_EQ(window_of(days, "2011-12-30T09:59:59.999Z"), full("2011-12-29T10:00:00", "2011-12-30T10:00:00"));
  EXPECT_EQ(window_of(days, "2011-12-30T10:00:00Z"), full("2011-12-30T10:00:00", "2011-12-31T10:00:00"));
}

TEST(Calendar, every_instant_that_events_have_lies_in_a_window_and_the_runs_say_the_same) {
  for (const CalendarUnit unit : {CalendarUnit::day, CalendarUnit::week, CalendarUnit::month}) {
    for (const int64_t offset : {-15 * kHour, int64_t{0}, 15 * kHour}) {
      const auto calendar = make_calendar(unit, {{OffsetChange::kBeginning, offset}});
      EXPECT_LE(calendar->starts.front(), parse_rfc3339("1901-01-01T00:00:00Z")->time);
      EXPECT_GE(calendar->starts.back(), parse_rfc3339("2100-01-01T00:00:00Z")->time);
    }
    const auto calendar = make_calendar(unit, kBerlin);
    std::vector<TimeMs> again;
    for (size_t i = 0; i < calendar->runs.size(); ++i) {
      const TimeMs end = i + 1 < calendar->runs.size() ? calendar->runs[i + 1].start : calendar->starts.back();
      for (TimeMs t = calendar->runs[i].start; t < end; t += calendar->runs[i].size) again.push_back(t);
    }
    again.push_back(calendar->starts.back());
    EXPECT_EQ(again, calendar->starts);
    EXPECT_EQ(calendar->runs_of(time_ms(0), time_ms(1)).size(), 1U);
    EXPECT_EQ(calendar->runs_of(calendar->runs[5].start, calendar->runs[7].start),
              (std::vector<Calendar::Run>{calendar->runs[5], calendar->runs[6]}));
    EXPECT_EQ(calendar->runs_of(kMinusInfinity, TimeMs::max()), calendar->runs);
  }
}

std::vector<SourceFile> with_zone(std::string_view metrics, const std::string& zone, const std::string& rule_text) {
  std::vector<SourceFile> out = files(metrics);
  out.push_back({"zones/" + zone, zone_file({.rule = rule_text})});
  return out;
}
const std::string kDays = metric("    window: {calendar: day, zone: Europe/Berlin}\n    measures: {n: count()}\n");

TEST(Calendar, definitions_say_which_zones_they_want) {
  EXPECT_EQ(zones_of(files(kDays)), std::vector<std::string>{"Europe/Berlin"});
  EXPECT_EQ(zones_of(files(metric("    window: {calendar: day, zone: ../../etc/passwd}\n"))), std::vector<std::string>{});
  EXPECT_EQ(zones_of(files(metric("    window: {tumble: 1d}\n    zone: Asia/Tokyo\n"))), std::vector<std::string>{});
  EXPECT_EQ(zones_of(files("version: 1\nmetrics: [\n")), std::vector<std::string>{});
}

TEST(Calendar, the_version_of_a_metric_covers_zone_and_instants) {
  const auto version = [](const std::string& zone, const std::string& rule_text) {
    std::string definition = kDays;
    definition.replace(definition.find("Europe/Berlin"), 13, zone);
    const Compiled compiled = compile(with_zone(definition, zone, rule_text));
    for (const Diagnostic& d : compiled.diagnostics) ADD_FAILURE() << d.text();
    return compiled.plan ? compiled.plan->metrics[0].version : "";
  };
  const std::string berlin = version("Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3");
  EXPECT_EQ(version("Europe/Berlin", "AAA-1BBB,M3.5.0/2,M10.5.0/3"), berlin) << "names of the rule mean nothing";
  EXPECT_NE(version("Europe/Paris", "CET-1CEST,M3.5.0,M10.5.0/3"), berlin);
  EXPECT_NE(version("Europe/Berlin", "CET-1"), berlin) << "a newer zone database with other instants";
}

TEST(Calendar, a_packed_project_compiles_to_the_same_plan_without_the_machines_zones) {
  const std::vector<SourceFile> given = with_zone(kDays, "Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3");
  const auto again = unpack(pack(given));
  ASSERT_TRUE(again);
  EXPECT_EQ(compile(*again).plan->hash, compile(given).plan->hash);
}

TEST(Calendar, every_error_has_its_words) {
  EXPECT_EQ(errors(files(kDays)),
            "metrics/m.yaml:4:35: no time zone `Europe/Berlin` in /usr/share/zoneinfo; zones are named like Europe/Berlin or UTC "
            "(package tzdata)\n");
  const auto wrong = [](std::string_view window) {
    return errors(with_zone(metric("    window: " + std::string(window) + "\n    measures: {n: count()}\n"), "UTC", "UTC0"));
  };
  EXPECT_EQ(wrong("{calendar: year, zone: UTC}"), "metrics/m.yaml:4:24: `calendar` is day, week or month, not `year`\n");
  EXPECT_EQ(wrong("{calendar: day}"), "metrics/m.yaml:4:13: `calendar` needs `zone`: {calendar: day, zone: Europe/Berlin}\n");
  EXPECT_EQ(wrong("{calendar: day, zone: UTC, offset: 1h}"), "metrics/m.yaml:4:40: `offset` does not go with `calendar`\n");
  EXPECT_EQ(wrong("{tumble: 1d, zone: UTC}"),
            "metrics/m.yaml:4:26: `zone` goes with `calendar`, as in {calendar: day, zone: Europe/Berlin}\n");
  std::vector<SourceFile> damaged = files(kDays);
  damaged.push_back({"zones/Europe/Berlin", "TZif"});
  EXPECT_EQ(errors(damaged),
            "metrics/m.yaml:4:35: /usr/share/zoneinfo/Europe/Berlin is not a zone file of version 2 or later without leap "
            "seconds; install "
            "the package tzdata\n");
}

}  // namespace
}  // namespace sluice::plan
