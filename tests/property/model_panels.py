"""model_panels.py - what a funnel panel must show: one entry window of any place and length, groups of some dimensions, filters on entries.

Questions are those of tests/harness/panel_question.h. The window's ends are times of events, or a millisecond beside them.
"""
import random
import re

import histories
import model_joins
from model_funnel import times_of
from naive_model import ONE, fold, number_text, passes, text_of

PLAIN = re.compile(r'[A-Za-z0-9]+\Z')


def instant(ms):
    return histories.stamp(ms) + 'Z'


def asked(history, metrics):
    """(metric, window, kept dimensions, filters) of each panel that the history asks for, the same each time."""
    funnels = [m for m in metrics if m.get('kind') == 'funnel']
    if not funnels:
        return []
    model_joins.use(history, histories.project_of(history))
    rng, outcome, out = random.Random(history['seed']), fold(history), []
    times = sorted(e.time for e in outcome.events)
    if len(times) < 2:
        return []
    for metric in funnels:
        start, end = sorted((rng.choice(times) + rng.choice([0, 0, 1]), rng.choice(times) + rng.choice([0, 1, 1])))
        if start == end:
            continue
        kept = [d for d in metric['dimensions'] if rng.random() < 0.6]
        filters = []
        for d in metric['dimensions']:
            value = text_of(d['value'], rng.choice(outcome.events))
            if rng.random() < 0.4 and (value is None or isinstance(value, str) and PLAIN.match(value)):
                filters.append((d, value))
        out.append((metric, (start, end), kept, filters))
    return out


def question(panel):
    metric, (start, end), kept, filters = panel
    text = 'over %s %s %s' % (metric['name'], instant(start), instant(end))
    if kept:
        text += ' by ' + ','.join(d['name'] for d in kept)
    for d, value in filters:
        text += ' where %s=%s' % (d['name'], '\\N' if value is None else value)
    return text


def groups_of(panel, outcome):
    """dimensions -> per key (times of entries, events that matter)."""
    metric, (start, end), kept, filters = panel
    keys, out = {}, {}
    for event in outcome.events:
        key = text_of(metric['by'], event)
        if key is not None and any(passes(step['where'], event) for step in metric['steps']):
            keys.setdefault(key, []).append(event)
    for key, events in keys.items():
        for entry in events:
            if not start <= entry.time < end or not passes(metric['steps'][0]['where'], entry):
                continue
            if any(text_of(d['value'], entry) != value for d, value in filters):
                continue
            group = tuple(text_of(d['value'], entry) for d in kept)
            reached = [e for e in events if start <= e.time < end + metric['within']]
            out.setdefault(group, {}).setdefault(key, ([], reached))[0].append(entry.time)
    return out


def rows_of(panel, outcome):
    metric, (_, end), _, _ = panel
    due, rows = end + metric['within'] + metric['lateness'], []
    for group, keys in groups_of(panel, outcome).items():
        late = {e.watermark is not None and e.watermark >= due for _, events in keys.values() for e in events}
        converted = [times_of(metric, *case) for case in keys.values()]
        for i, step in enumerate(metric['steps']):
            times = sorted(t[i] for t in converted if len(t) > i)
            median = number_text(times[(len(times) + 1) // 2 - 1] * ONE) if times else None
            rows.append(group + (str(i + 1), step['name'], str(len(times)), median, str(int(True in late)), str(int(False in late))))
    return rows


def tally(panel, outcome, counts):
    groups = groups_of(panel, outcome)
    counts['funnel panels'] += 1
    counts['funnel panels with people'] += bool(groups)
    counts['funnel panels split'] += bool(panel[2] and groups)
    counts['funnel panels filtered'] += bool(panel[3] and groups)
    counts['funnel panels reached step 2'] += any(len(times_of(panel[0], *case)) > 1 for keys in groups.values() for case in keys.values())
