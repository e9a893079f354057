"""model_retention.py - what a retention must say of a history (semantics R1, R10), in plain loops; and random retentions.

A retention is a metric with kind 'retention': by, window (tumble), periods, start, return, lateness.
"""
from naive_model import DAY, passes, text_of, windows_of

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000


def columns(metric):
    return ['window_start', 'window_end', 'cohort_start', 'period', 'people', 'state']


def keys_of(metric, outcome):
    """key -> (starts of the periods of its start events with each event, the same of its returns)."""
    keys = {}
    for event in outcome.events:
        key = text_of(metric['by'], event)
        if key is None:
            continue
        period = windows_of(metric['window'], event.time)[0][0]
        for i, condition in enumerate((metric['start'], metric['return'])):
            if passes(condition, event):
                keys.setdefault(key, ([], []))[i].append((period, event))
    return {key: both for key, both in keys.items() if both[0]}


def cohort_of(starts):
    return min(period for period, _ in starts)


def cases(metric, outcome, hurt=None):
    """(cohort, k) -> (how many people, the events that the row is computed from)."""
    size, out = metric['window']['size'], {}
    cohort = hurt if hurt and hurt.__name__.startswith('cohort') else lambda metric, key, starts, returns: cohort_of(starts)
    back = hurt if hurt and hurt.__name__.startswith('back') else lambda metric, key, k, at, starts, returns: k == 0 or any(p == at for p, _ in returns)
    for key, (starts, returns) in keys_of(metric, outcome).items():
        first = cohort(metric, key, starts, returns)
        for k in range(metric['periods']):
            people, events = out.get((first, k), (0, []))
            at = first + k * size
            events = events + [e for p, e in starts if p == first] + [e for p, e in returns if p == at]
            out[first, k] = people + back(metric, key, k, at, starts, returns), events
    return out


def rows_of(metric, outcome, hurt=None):
    rows = []
    for (cohort, k), (people, events) in cases(metric, outcome, hurt and hurt(metric, None, None)).items():
        end = cohort + (k + 1) * metric['window']['size']
        due = end + metric['lateness']
        late = {e.watermark is not None and e.watermark >= due for e in events}
        state = 'filling'
        if outcome.watermark is not None and outcome.watermark >= due:
            state = 'revised' if len(late) == 2 else 'final'
        rows.append((('time', cohort), ('time', end), ('time', cohort), ('count', k), ('count', people), ('text', state)))
    return rows


def late_windows(metric, outcome):
    late = revised = 0
    for (cohort, k), (_, events) in cases(metric, outcome).items():
        due = cohort + (k + 1) * metric['window']['size'] + metric['lateness']
        seen = {e.watermark is not None and e.watermark >= due for e in events}
        late, revised = late + (True in seen), revised + (len(seen) == 2)
    return late, revised


def tally(metric, outcome, counts):
    counts['retentions'] += 1
    for starts, returns in keys_of(metric, outcome).values():
        first = cohort_of(starts)
        counts['keys in cohorts'] += 1
        in_log = sorted(starts, key=lambda s: s[1].position)
        counts['cohorts moved'] += first != in_log[0][0]
        counts['returns before the start'] += any(p < first for p, _ in returns)
    for (_, k), (people, _) in cases(metric, outcome).items():
        counts['people who came back'] += people if k else 0


def text(metrics, duration, show, quote):
    """The list under `retention:`."""
    out = []
    for m in metrics:
        out += ['- name: ' + m['name'], '  by: ' + quote(show(m['by'])),
                '  window: {tumble: %s, offset: %s}' % (duration(m['window']['size']), duration(m['window']['offset'])),
                '  periods: %d' % m['periods'], '  allowed_lateness: ' + duration(m['lateness']), '  start: ' + quote(show(m['start'])),
                '  return: ' + quote(show(m['return']))]
    return out


def make(rng, definitions, name):
    size = rng.choice([SECOND, 10 * SECOND, MINUTE, HOUR, DAY, 7 * DAY])

    def condition():
        event = rng.choice(['view', 'order', 'ä'])
        return definitions.where(1) if rng.random() < 0.3 else ('compare', 'text', '=', ('name', 'event'), ('literal', event, "'%s'" % event))
    start = condition()
    by = ('name', rng.choice(['user_key', 'stitching_key', 'user_id', 'source'])) if rng.random() < 0.8 else definitions.text()
    return {'kind': 'retention', 'name': name, 'by': by, 'window': {'kind': 'tumble', 'size': size, 'step': size, 'offset': rng.choice([0, size // 3])},
            'periods': rng.choice([1, 2, 3, 8]), 'start': start, 'return': start if rng.random() < 0.4 else condition(), 'measures': [],
            'dimensions': [], 'lateness': rng.choice([0, 0, SECOND, 10 * SECOND, 10 * MINUTE])}


# ---- Planted bugs, in place of a key's cohort or of whether it came back.
def cohort_is_of_the_first_start_in_the_log(metric, key, starts, returns):
    return min(starts, key=lambda s: s[1].position)[0]


def cohort_is_of_the_last_start(metric, key, starts, returns):
    return max(period for period, _ in starts)


def back_counts_returns_of_the_period_before(metric, key, k, at, starts, returns):
    return k == 0 or any(at - metric['window']['size'] <= p <= at for p, _ in returns)


def back_asks_for_a_return_in_the_first_period(metric, key, k, at, starts, returns):
    return any(p == at for p, _ in returns)


def back_counts_any_later_return(metric, key, k, at, starts, returns):
    return k == 0 or any(p >= at for p, _ in returns)


BUGS = [cohort_is_of_the_first_start_in_the_log, cohort_is_of_the_last_start, back_counts_returns_of_the_period_before,
        back_asks_for_a_return_in_the_first_period, back_counts_any_later_return]
