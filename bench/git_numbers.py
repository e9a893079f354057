"""git_numbers.py - what the numbers of examples/git must be, computed from the file by a few independent lines."""
import collections
import datetime
import gzip
import json


def expected(path):
    """Rows of commits_daily as {(day, repo): (commits, authors, lines, p99 lines)}, and how many events the file holds."""
    groups = collections.defaultdict(list)
    events = 0
    with gzip.open(path, "rt") as file:
        for line in file:
            event = json.loads(line)
            events += 1
            if event["event"] != "commit_authored":
                continue
            at = datetime.datetime.fromisoformat(event["timestamp"].replace("Z", "+00:00")).astimezone(datetime.timezone.utc)
            groups[at.strftime("%Y-%m-%d"), event["properties"]["repo"]].append((event["user_id"], event["properties"]["insertions"]))
    rows = {}
    for key, group in groups.items():
        lines = sorted(insertions for _, insertions in group)
        rank = max(1, (99 * len(lines) + 99) // 100)
        rows[key] = (len(group), len({user for user, _ in group}), sum(lines), lines[rank - 1])
    return rows, events


def shown(program):
    """The same rows as the program's view has them now."""
    text = program.sql("SELECT toDate(window_start), repo, commits, authors, lines, p99_lines FROM sluice.commits_daily FORMAT TSV")
    rows = {}
    for line in filter(None, text.split("\n")):
        day, repo, *numbers = line.split("\t")
        rows[day, repo] = tuple(int(float(number)) for number in numbers)
    return rows
