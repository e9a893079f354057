"""model_funnel.py - what a funnel must say of a history (semantics R1, R9), in plain loops over every pair of times; and random funnels.

A funnel is a metric with kind 'funnel': by, within, strict, steps (name, where), window, lateness, dimensions.
"""
from naive_model import DAY, ONE, passes, text_of, windows_of

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000


def columns(metric):
    return (['window_start', 'window_end'] + [d['name'] for d in metric['dimensions']] + ['step', 'step_name', 'people', 'median_ms', 'state'])


def times_of(metric, entries, events):
    """Times to convert of a key, one per step reached, the first 0. `entries` are times; every chain is followed."""
    within, out = metric['within'], [0]
    chains = {(t, t) for t in entries}       # (time of the entry, time of the last step)
    for step in metric['steps'][1:]:
        longer = set()
        for event in events:
            if passes(step['where'], event):
                for first, last in chains:
                    in_order = last < event.time if metric['strict'] else last <= event.time
                    if in_order and event.time - first <= within:
                        longer.add((first, event.time))
        if not longer:
            break
        earliest = min(last for _, last in longer)
        out.append(earliest - max(first for first, last in longer if last == earliest))
        chains = longer
    return out


def cases(metric, outcome):
    """(window, dimensions) -> per key with an entry (times of entries, events of the key that match a step in [start, due))."""
    keys = {}
    for event in outcome.events:
        key = text_of(metric['by'], event)
        if key is not None and any(passes(step['where'], event) for step in metric['steps']):
            keys.setdefault(key, []).append(event)
    out = {}
    for key, events in keys.items():
        for entry in events:
            if passes(metric['steps'][0]['where'], entry):
                group = tuple(text_of(d['value'], entry) for d in metric['dimensions'])
                for window in windows_of(metric['window'], entry.time):
                    reached = [e for e in events if window[0] <= e.time < window[1] + metric['within']]
                    out.setdefault((window, group), {}).setdefault(key, ([], reached))[0].append(entry.time)
    return out


def rows_of(metric, outcome, hurt=None):
    rows = []
    for ((start, end), group), keys in cases(metric, outcome).items():
        due = end + metric['within'] + metric['lateness']
        late = {e.watermark is not None and e.watermark >= due for _, events in keys.values() for e in events}
        state = 'filling'
        if outcome.watermark is not None and outcome.watermark >= due:
            state = 'revised' if len(late) == 2 else 'final'
        converted = []
        for entries, events in keys.values():
            times = times_of(metric, entries, events)
            converted.append(hurt(metric, (entries, events), times) if hurt else times)
        for i, step in enumerate(metric['steps']):
            times = sorted(t[i] for t in converted if len(t) > i)
            median = ('number', times[(len(times) + 1) // 2 - 1] * ONE) if times else None
            rows.append((('time', start), ('time', end)) + tuple(None if g is None else ('text', g) for g in group) +
                        (('count', i + 1), ('text', step['name']), ('count', len(times)), median, ('text', state)))
    return rows


def late_windows(metric, outcome):
    windows = {}
    for (window, _), keys in cases(metric, outcome).items():
        for _, events in keys.values():
            for e in events:
                windows.setdefault(window, set()).add(e.watermark is not None and e.watermark >= window[1] + metric['within'] + metric['lateness'])
    return sum(True in w for w in windows.values()), sum(len(w) == 2 for w in windows.values())


def tally(metric, outcome, counts):
    counts['funnels'] += 1
    counts['strict funnels'] += metric['strict']
    for (_, _), keys in cases(metric, outcome).items():
        for entries, events in keys.values():
            times = times_of(metric, entries, events)
            counts['funnels reached step 2'] += len(times) >= 2
            counts['funnels reached step 3'] += len(times) >= 3
            counts['converted at once'] += len(times) >= 2 and times[1] == 0
            counts['converted at the last moment'] += times[-1] == metric['within']
            counts['keys with several entries'] += len(entries) > 1


def text(metrics, duration, show, quote):
    """The list under `funnels:`."""
    out = []
    for m in metrics:
        w = m['window']
        window = {'tumble': 'tumble: %s' % duration(w['size']), 'hop': 'hop: %s, slide: %s' % (duration(w['size']), duration(w['step'])),
                  'cumulate': 'cumulate: %s, step: %s' % (duration(w['size']), duration(w['step']))}[w['kind']]
        out += ['- name: ' + m['name'], '  by: ' + quote(show(m['by'])), '  within: ' + duration(m['within']),
                '  window: {%s, offset: %s}' % (window, duration(w['offset'])), '  allowed_lateness: ' + duration(m['lateness'])]
        if m['strict']:
            out.append('  order: strict')
        out += ['  joins: {%s: {dimension: %s, on: %s}}' % (j['name'], j['dimension'], quote(show(j['on']))) for j in m.get('joins', [])]
        if m['dimensions']:
            out.append('  dimensions:')
            out += ['    %s: %s' % (d['name'], quote(show(d['value']))) for d in m['dimensions']]
        out.append('  steps:')
        out += ['    - {name: %s, where: %s}' % (s['name'], quote(show(s['where']))) for s in m['steps']]
    return out


def make(rng, definitions, name):
    strict = rng.random() < 0.4
    window = definitions.window()
    within = min(rng.choice([1, SECOND, 3 * SECOND, 10 * SECOND, MINUTE, HOUR, DAY]), 20 * window['step'])
    names = ['view', 'order', 'ä']
    rng.shuffle(names)
    steps = []
    for i in range(rng.choice([2, 2, 3])):
        where = ('compare', 'text', '=', ('name', 'event'), ('literal', names[i], "'%s'" % names[i]))
        if strict and rng.random() < 0.5:
            where = definitions.where(1)
        elif rng.random() < 0.3:
            where = ('and', where, definitions.where(1))
        steps.append({'name': 'step_%s' % 'abc'[i], 'where': where})
    by = ('name', rng.choice(['user_key', 'stitching_key', 'user_id', 'source'])) if rng.random() < 0.8 else definitions.text()
    return {'kind': 'funnel', 'name': name, 'by': by, 'within': within, 'strict': strict, 'steps': steps, 'window': window,
            'lateness': rng.choice([0, 0, SECOND, 10 * SECOND, 10 * MINUTE]), 'measures': [],
            'dimensions': [{'name': 'd%d' % i, 'value': definitions.text()} for i in range(rng.choice([0, 0, 1, 2]))]}


def exact_within(rng, metric, outcome):
    """A `within` that some pair of the history's events meets to the millisecond, or the one that there is."""
    found = []
    events = [e for e in outcome.events if all(isinstance(i, str) for i in (e.message_id, e.user_key, e.stitching_key))]  # ids that have a name
    for entry in events:
        for event in events:
            apart = event.time - entry.time
            if (0 < apart <= 20 * metric['window']['step'] and text_of(metric['by'], entry) == text_of(metric['by'], event) is not None
                    and passes(metric['steps'][0]['where'], entry) and passes(metric['steps'][1]['where'], event)):
                found.append(apart)
    return rng.choice(found) if found else metric['within']


# ---- Planted bugs: (metric, (times of entries, events), right times) -> times.
def takes_the_first_entry(metric, case, times):
    return times_of(metric, case[0][:1], case[1])


def within_ends_a_millisecond_early(metric, case, times):
    return times_of(dict(metric, within=metric['within'] - 1), *case)


def within_is_of_the_whole_window(metric, case, times):
    return times_of(dict(metric, within=10 * metric['within']), *case)


def equal_times_are_judged_the_other_way(metric, case, times):
    return times_of(dict(metric, strict=not metric['strict']), *case)


def any_order_of_steps_will_do(metric, case, times):
    reached = [any(passes(step['where'], e) for e in case[1]) for step in metric['steps'][1:]] + [False]
    return (times + [0] * len(metric['steps']))[:max(len(times), 1 + reached.index(False))]


def converts_from_the_earliest_entry(metric, case, times):
    later = times_of(metric, [min(case[0])], case[1])
    return later if len(later) == len(times) else times


BUGS = [takes_the_first_entry, within_ends_a_millisecond_early, within_is_of_the_whole_window, equal_times_are_judged_the_other_way,
        any_order_of_steps_will_do, converts_from_the_earliest_entry]
