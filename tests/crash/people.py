"""people.py - what sessions, a metric over them, a funnel, retention and a join must come to, from plain loops over the events stored.

Event    (time in ms, shop, user, step) of each stored event, all of them from its message id (load.py). Times may be equal; nothing here
         depends on which of two equal ones came first.
"""
import collections

GAP_MS, MAX_MS, WITHIN_MS, MINUTE_MS, PERIODS = 2_000, 20_000, 5_000, 60_000, 3
REGIONS = {"amsterdam": "west", "bergen": "north", "córdoba": "south"}

PROJECT = {
    "metrics/people.yaml": f"""version: 1
dimensions:
  - {{name: regions, key: shop, file: regions.csv}}
sessions:
  - {{name: visits, by: user_id, gap: {GAP_MS}ms, max: {MAX_MS}ms, allowed_lateness: 10s}}
metrics:
  - name: visits_by_minute
    from: visits
    window: {{tumble: 1m}}
    allowed_lateness: 10s
    measures: {{visits: count(), people: distinct(key), events: sum(events)}}
  - name: by_region
    where: user_id is not null
    window: {{tumble: 1m}}
    allowed_lateness: 10s
    joins: {{place: {{dimension: regions, on: properties.shop}}}}
    dimensions: {{region: place.region}}
    measures: {{sales: count()}}
funnels:
  - name: looked_to_bought
    by: user_id
    within: {WITHIN_MS}ms
    window: {{tumble: 1m}}
    order: strict
    allowed_lateness: 10s
    steps:
      - {{name: looked, where: properties.step = 'looked'}}
      - {{name: bought, where: properties.step = 'bought'}}
retention:
  - name: lookers
    by: user_id
    window: {{tumble: 1m}}
    periods: {PERIODS}
    allowed_lateness: 10s
    start: properties.step = 'looked'
    return: properties.step = 'bought'
""",
    "regions.csv": "shop,region\n" + "".join(f"{shop},{region}\n" for shop, region in REGIONS.items()),
}

# Rows as tuples of integers and texts; NULL is None.
QUESTIONS = {
    "visits": "SELECT key, toUnixTimestamp64Milli(started_at), toUnixTimestamp64Milli(ended_at), events FROM sluice.visits",
    "visits_by_minute": "SELECT toUnixTimestamp64Milli(window_start), visits, people, toUInt64(events) FROM sluice.visits_by_minute",
    "by_region": "SELECT toUnixTimestamp64Milli(window_start), region, sales FROM sluice.by_region",
    "looked_to_bought": "SELECT toUnixTimestamp64Milli(window_start), step, people FROM sluice.looked_to_bought",
    "lookers": "SELECT toUnixTimestamp64Milli(cohort_start), period, people FROM sluice.lookers",
}


def minute(at):
    return at // MINUTE_MS * MINUTE_MS


def sessions_of(events):
    """[(user, start, end, events)]"""
    times = collections.defaultdict(list)
    for at, _, user, _ in events:
        times[user].append(at)
    found = []
    for user, all_times in times.items():
        start = piece = last = None
        for at in sorted(all_times):
            if last is None or at - last > GAP_MS:
                start, piece = at, None
            last = at
            if piece != (at - start) // MAX_MS:
                piece = (at - start) // MAX_MS
                found.append([user, at, at, 0])
            found[-1][2] = at
            found[-1][3] += 1
    return [tuple(session) for session in found]


def funnel_of(events):
    looked, bought = collections.defaultdict(set), collections.defaultdict(set)
    for at, _, user, step in events:
        (looked if step == "looked" else bought)[user].add(at)
    people = collections.defaultdict(lambda: [set(), set()])
    for user, entries in looked.items():
        later = sorted(bought[user])
        for at in entries:
            reached = people[minute(at)]
            reached[0].add(user)
            if any(at < then <= at + WITHIN_MS for then in later_than(later, at)):
                reached[1].add(user)
    return {(window, step + 1, len(reached[step])) for window, reached in people.items() for step in (0, 1)}


def later_than(times, at):
    """The first of the ascending times that is later: if any fits, it does."""
    low, high = 0, len(times)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if times[middle] <= at else (low, middle)
    return times[low:low + 1]


def retention_of(events):
    first, back = {}, collections.defaultdict(set)
    for at, _, user, step in events:
        if step == "looked":
            first[user] = min(first.get(user, at), at)
        else:
            back[user].add(minute(at))
    rows = collections.Counter()
    for user, at in first.items():
        cohort = minute(at)
        for period in range(PERIODS):
            rows[cohort, period] += period == 0 or cohort + period * MINUTE_MS in back[user]
    return {(cohort, period, people) for (cohort, period), people in rows.items()}


def expected(events):
    """{definition: its rows, sorted}"""
    visits = sessions_of(events)
    starts = collections.defaultdict(list)
    for session in visits:
        starts[minute(session[1])].append(session)
    regions = collections.Counter((minute(at), REGIONS.get(shop)) for at, shop, _, _ in events)
    found = {
        "visits": visits,
        "visits_by_minute": [(window, len(of), len({s[0] for s in of}), sum(s[3] for s in of)) for window, of in starts.items()],
        "by_region": [(window, region, sales) for (window, region), sales in regions.items()],
        "looked_to_bought": funnel_of(events),
        "lookers": retention_of(events),
    }
    return {name: collections.Counter(rows) for name, rows in found.items()}


def shown(program):
    def value(text):
        return None if text == "\\N" else int(text) if text.lstrip("-").isdigit() else text

    return {name: collections.Counter(tuple(value(cell) for cell in line.split("\t"))
                                      for line in program.sql(question + " FORMAT TSV", 60).splitlines())
            for name, question in QUESTIONS.items()}


def differences(events_expected, program):
    """Sentences, one for each definition whose rows differ."""
    found = shown(program)
    return [f"{sum((rows - found[name]).values())} rows of {name} are missing, such as {sorted(rows - found[name], key=str)[:2]}, "
            f"{sum((found[name] - rows).values())} are wrong, such as {sorted(found[name] - rows, key=str)[:2]}"
            for name, rows in events_expected.items() if rows != found[name]]
