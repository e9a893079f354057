#!/usr/bin/env python3
"""The numbers that the demo's dashboards must show, from examples/git/data alone: shares no code with Sluice.

    expected.py COMMITS.ndjson.gz DATA <PROJECT.json >EXPECTED.json

DATA gives what the demo chose: demo-shift.json (whole weeks) and replay.ndjson (the events that it held back). PROJECT.json is the
answer of /api/project: which panels there are. Panels over metrics that are not in METRICS are left out; the caller notices.

How `over: D` is read: of the events that pass the metric's `where` (here: source history, event commit_authored; none is in the
future) take the largest event time; E is the end of the metric's bucket that holds it; the panel is about [E - D, E) as ONE window:
a stat is one group over all of it, a table one group per dimension. A chart is the metric's own windows inside [E - D, E).
"""
import datetime
import gzip
import json
import math
import sys
from fractions import Fraction

HOUR, DAY = 3_600_000, 86_400_000
WEEK = 7 * DAY


def instant(text):
    """Milliseconds since 1970 UTC of '2012-12-07T08:26:46-08:00'."""
    wall = datetime.datetime.fromisoformat(text[:19] + "+00:00")
    zone = 0
    if text[19:] != "Z":
        zone = (int(text[20:22]) * 60 + int(text[23:25])) * (-1 if text[19] == "-" else 1)
    return int(wall.timestamp()) * 1000 - zone * 60_000


def plain(number):
    """Of a number >= 0: rounded half up to 9 digits, as text without trailing zeros. None stays."""
    if number is None:
        return None
    whole, rest = divmod((Fraction(number) * 10**9 * 2 + 1) // 2, 10**9)
    return f"{whole}.{rest:09}".rstrip("0").rstrip(".")


def percentile(values, p):
    """Nearest rank: the k-th smallest, k = max(1, ceil(p n))."""
    return sorted(values)[max(1, math.ceil(Fraction(p) * len(values))) - 1] if values else None


def take(name):
    return lambda events: [event["properties"][name] for event in events]


def changed(events):
    return [event["properties"]["insertions"] + event["properties"]["deletions"] for event in events]


def authors(events):
    return len({event["user_id"] for event in events})  # each event has a user_id, so user_key is that


# name: (window, offset, {measure: function of a group's events})
METRICS = {
    "commits_daily": (DAY, 0, {
        "commits": len, "authors": authors, "lines": lambda e: sum(take("insertions")(e)),
        "p99_lines": lambda e: percentile(take("insertions")(e), "0.99"),
        "lines_per_commit": lambda e: Fraction(sum(take("insertions")(e)), len(e))}),
    "commits_hourly": (HOUR, 0, {"commits": len, "authors": authors}),
    "authors_weekly": (WEEK, 4 * DAY, {
        "authors": authors, "commits": len, "by_bots": lambda e: sum(1 for event in e if event["context"]["bot"] is True),
        "per_author": lambda e: Fraction(len(e), authors(e))}),
    "changes_weekly": (WEEK, 4 * DAY, {
        "changes": len, "lines": lambda e: sum(changed(e)), "p50_lines": lambda e: percentile(changed(e), "0.5"),
        "p99_lines": lambda e: percentile(changed(e), "0.99"), "largest": lambda e: max(changed(e)),
        "files_per_change": lambda e: Fraction(sum(take("files")(e)), len(e))}),
}


def grouped(events, key):
    groups = {}
    for event in events:
        groups.setdefault(key(event), []).append(event)
    return groups


def expected(panel, events):
    size, offset, measures = METRICS[panel["metric"]]
    bucket = lambda event: (event["at"] - offset) // size * size + offset  # noqa: E731
    end = max(bucket(event) for event in events) + size
    start = end - panel["over_ms"]
    inside = [event for event in events if start <= event["at"] < end]
    if panel["kind"] == "stat":
        return {"start": start, "end": end, "value": plain(measures[panel["measure"]](inside))}
    if panel["kind"] == "table":
        columns = [name for name in panel["columns"] if name != "repo"]
        return {"rows": {repo: {name: plain(measures[name](group)) for name in columns}
                         for repo, group in grouped(inside, lambda event: event["properties"]["repo"]).items()}}
    by_repo = panel.get("by") == ["repo"]
    points = grouped(inside, lambda event: (bucket(event), event["properties"]["repo"] if by_repo else ""))
    return {"points": {f"{at} {repo}".strip(): plain(measures[panel["measure"]](group)) for (at, repo), group in points.items()}}


def main():
    path, data = sys.argv[1:]
    with gzip.open(path, "rt", encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    with open(f"{data}/demo-shift.json", encoding="utf-8") as file:
        shift = json.load(file)
    with open(f"{data}/replay.ndjson", encoding="utf-8") as file:
        held = {json.loads(line)["messageId"] for line in file}
    for event in events:
        event["at"] = instant(event["timestamp"]) + shift["weeks"] * WEEK
    chosen_at = instant(shift["chosen_at"][:19] + "Z")
    newest = max(event["at"] for event in events)
    history = [event for event in events if event["messageId"] not in held]
    authored = [event for event in history if event["event"] == "commit_authored"]
    panels = [panel for board in json.load(sys.stdin)["dashboards"] for row in board["rows"] for panel in row]
    days = grouped(authored, lambda event: (event["properties"]["repo"], event["at"] // DAY))
    json.dump({
        "history": len(history), "held": len(held), "all": len(events),
        "shift_is_largest": newest <= chosen_at + 999 and newest + WEEK > chosen_at,
        "panels": {panel["id"]: expected(panel, authored) for panel in panels if panel["metric"] in METRICS},
        # The printed question in SQL: commits of each project, and the most authors that it had in a day.
        "sql": {repo: [sum(len(group) for (name, _), group in days.items() if name == repo),
                       max(authors(group) for (name, _), group in days.items() if name == repo)]
                for repo in {name for name, _ in days}},
    }, sys.stdout)


if __name__ == "__main__":
    main()
