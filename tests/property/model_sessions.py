"""model_sessions.py - what sessions, and metrics over them, must say of a history (semantics R1, R7), in plain loops; and random ones.

Sessions are a metric with kind 'sessions': by, gap, max, where, lateness. A metric over sessions has kind 'over' and the sessions whole
under 'sessions'; its expressions read a session as a path: ('path', 'events').
"""
import hashlib

import naive_model
from naive_model import DAY, ONE, passes, text_of, windows_of

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
NUMBERS, TEXTS, TIMES = ['events', 'duration_ms'], ['session_id', 'source', 'key', 'user_key'], ['started_at', 'ended_at']


# ---- The rules, one by one, so that a bug can take the place of one.
def rule_begins(spec, before, event):
    """A new run begins with `event`, `before` being the event before it."""
    return event.time - before.time > spec['gap']


def rule_piece(spec, start, times, time):
    return (time - start) // spec['max']


def rule_user(spec, key, events):
    others = [e.user_key for e in events if e.user_key != key]
    return others[-1] if others else key


def rule_due(spec, start, last, piece):
    return min(last + spec['gap'] + 1, start + (piece + 1) * spec['max'])


def rule_id(spec, source, key, first):
    return hashlib.md5('\x1f'.join([source, key, first.message_id, str(first.time)]).encode()).hexdigest()


def rule_order(spec, events):
    return sorted(events, key=lambda e: (e.time, e.position))


RULES = {'begins': rule_begins, 'piece': rule_piece, 'user': rule_user, 'due': rule_due, 'id': rule_id, 'order': rule_order}


class Session:
    """Looks like an event to the expressions and measures of naive_model."""

    def __init__(self, spec, source, key, run, piece, events, rules):
        first, start, last = events[0], run[0].time, run[-1].time
        self.session_id = rules['id'](spec, source, key, first)
        self.source, self.key, self.user_key = source, key, rules['user'](spec, key, events)
        self.started_at = self.time = first.time
        self.ended_at = self.received_at = max(e.time for e in events)
        self.events, self.position = events, first.position
        self.due = rules['due'](spec, start, last, piece)
        self.texts = {name: getattr(self, name) for name in TEXTS}
        self.numbers = {'events': len(events) * ONE, 'duration_ms': (self.ended_at - first.time) * ONE}


def keys_of(spec, events):
    """(source, key) -> its events, in the order of the log."""
    keys = {}
    for event in events:
        if passes(spec['where'], event):
            key = text_of(spec['by'], event)
            if key is not None:
                keys.setdefault((event.source, key), []).append(event)
    return keys


def runs_of(spec, events, rules=RULES):
    runs = []
    for event in rules['order'](spec, events):
        if not runs or rules['begins'](spec, runs[-1][-1], event):
            runs.append([])
        runs[-1].append(event)
    return runs


def sessions_of(spec, events, bug=None):
    rules = dict(RULES)
    if bug:
        rules[bug.__name__.split('_')[0]] = bug
    out = []
    for (source, key), of_key in keys_of(spec, events).items():
        for run in runs_of(spec, of_key, rules):
            pieces = {}
            for event in run:
                pieces.setdefault(rules['piece'](spec, run[0].time, [e.time for e in run], event.time), []).append(event)
            out += [Session(spec, source, key, run, piece, pieces[piece], rules) for piece in pieces]
    return out


def state_of(due, events, watermark):
    late = {e.watermark is not None and e.watermark >= due for e in events}
    if watermark is None or watermark < due:
        return 'filling'
    return 'revised' if len(late) == 2 else 'final'


def bug_of(hurt):
    bug = hurt and hurt({'kind': 'sessions'}, None, None)
    return bug if callable(bug) else None


def spec_of(metric):
    return metric['sessions'] if metric['kind'] == 'over' else metric


def columns(metric):
    if metric['kind'] == 'over':
        return (['window_start', 'window_end'] + [d['name'] for d in metric['dimensions']] + [m['name'] for m in metric['measures']] + ['state'])
    return ['session_id', 'source', 'key', 'user_key', 'started_at', 'ended_at', 'events', 'duration_ms', 'state']


def rows_of(metric, outcome, hurt=None):
    sessions = sessions_of(spec_of(metric), outcome.events, bug_of(hurt))
    if metric['kind'] == 'over':
        return over_rows(metric, outcome, sessions, hurt)
    return [(('text', s.session_id), ('text', s.source), ('text', s.key), ('text', s.user_key), ('time', s.started_at), ('time', s.ended_at),
             ('count', len(s.events)), ('count', s.ended_at - s.started_at),
             ('text', state_of(s.due + metric['lateness'], s.events, outcome.watermark))) for s in sessions]


def groups_of(metric, sessions):
    groups = {}
    for s in sessions:
        if passes(metric['where'], s):
            group = tuple(text_of(d['value'], s) for d in metric['dimensions'])
            for window in windows_of(metric['window'], s.time):
                groups.setdefault((window, group), []).append(s)
    return groups


def over_due(metric, window):
    return window[1] + metric['sessions']['max'] + metric['lateness']


def over_rows(metric, outcome, sessions, hurt):
    """As of events, each session one; but what is late are the events of the sessions."""
    fake = naive_model.Outcome(events=sessions)
    for s in sessions:
        s.watermark = None
    rows = naive_model.rows_of(metric, fake, None if bug_of(hurt) else hurt)
    states = {}
    for (window, group), members in groups_of(metric, sessions).items():
        events = [e for s in members for e in s.events]
        key = (('time', window[0]), ('time', window[1])) + tuple(None if g is None else ('text', g) for g in group)
        states[key] = state_of(over_due(metric, window), events, outcome.watermark)
    width = 2 + len(metric['dimensions'])
    # A planted window that is none of these has no state; its row differs anyway.
    return [row[:-1] + (('text', states.get(row[:width], 'filling')),) for row in rows]


def late_windows(metric, outcome):
    sessions = sessions_of(spec_of(metric), outcome.events)
    if metric['kind'] == 'over':
        cases = [(over_due(metric, window), [e for s in members for e in s.events]) for (window, _), members in groups_of(metric, sessions).items()]
    else:
        cases = [(s.due + metric['lateness'], s.events) for s in sessions]
    late = [{e.watermark is not None and e.watermark >= due for e in events} for due, events in cases]
    return sum(True in seen for seen in late), sum(len(seen) == 2 for seen in late)


def tally(metric, outcome, counts):
    spec = spec_of(metric)
    sessions = sessions_of(spec, outcome.events)
    if metric['kind'] == 'over':
        counts['sessions in windows'] += len(sessions)
        return
    for (source, key), events in keys_of(spec, outcome.events).items():
        for run in runs_of(spec, events):
            pieces = {rule_piece(spec, run[0].time, None, e.time) for e in run}
            counts['sessions cut by max'] += len(pieces) > 1
            counts['pauses of exactly the gap'] += any(b.time - a.time == spec['gap'] for a, b in zip(run, run[1:]))
        held, before = [], set()
        for event in sorted(events, key=lambda e: e.position)[:60]:
            runs = len(runs_of(spec, held))
            held.append(event)
            counts['runs merged'] += len(runs_of(spec, held)) < runs
            now = {s.session_id for s in sessions_of(dict(spec, where=None, by=('literal', key)), held)}
            counts['sessions that became another'] += bool(before - now)
            before = now
    counts['users learnt after the start'] += sum(s.user_key != s.key and s.events[0].user_key == s.key for s in sessions)


def text(metrics, duration, show, quote):
    """The list under `sessions:`."""
    out = []
    for m in metrics:
        out += ['- name: ' + m['name'], '  gap: ' + duration(m['gap']), '  max: ' + duration(m['max']), '  allowed_lateness: ' + duration(m['lateness'])]
        if m['by'] != ('name', 'stitching_key'):
            out.append('  by: ' + quote(show(m['by'])))
        if m['where']:
            out.append('  where: ' + quote(show(m['where'])))
    return out


def make(rng, definitions, name):
    by = ('name', 'stitching_key') if rng.random() < 0.6 else ('name', rng.choice(['user_key', 'user_id', 'event'])) if rng.random() < 0.7 else definitions.text()
    return {'kind': 'sessions', 'name': name, 'by': by, 'gap': rng.choice([1, 500, SECOND, 3 * SECOND, 10 * SECOND, MINUTE, 30 * MINUTE, DAY]),
            'max': rng.choice([1, SECOND, 2 * SECOND, 10 * SECOND, MINUTE, HOUR, DAY, DAY]), 'where': definitions.where(1) if rng.random() < 0.3 else None,
            'lateness': rng.choice([0, 0, SECOND, 10 * SECOND, 10 * MINUTE, HOUR]), 'measures': [], 'dimensions': [],
            'window': {'kind': 'sessions'}}


def make_over(rng, definitions, spec, name):
    """`definitions` draws expressions over a session."""
    metric = definitions.metric(name)
    window = metric['window']
    if window['kind'] != 'calendar' and spec['max'] > 5000 * window['step']:
        metric['window'] = {'kind': 'tumble', 'size': DAY, 'step': DAY, 'offset': 0}
    return dict(metric, kind='over', sessions=spec)


def named(events):
    """Those whose ids are texts: derived and random ones have no name before the program gave them theirs."""
    return [e for e in events if all(isinstance(i, str) for i in (e.message_id, e.user_key, e.stitching_key))]


def exact_gap(rng, spec, outcome):
    """A gap that two of the history's events meet to the millisecond, or the one that there is."""
    found = set()
    for of_key in keys_of(spec, named(outcome.events)).values():
        times = sorted(e.time for e in of_key)
        found |= {b - a for a, b in zip(times, times[1:]) if 0 < b - a <= DAY}
    return rng.choice(sorted(found)) if found else spec['gap']


def exact_lateness(rng, spec, outcome):
    """A lateness with which some session closes a millisecond after the last watermark, or the one that there is."""
    def id_of_nothing(spec, source, key, first):
        return ''
    if outcome.watermark is None:
        return spec['lateness']
    found = {outcome.watermark - s.due + 1 for s in sessions_of(spec, named(outcome.events), id_of_nothing)}
    found = sorted(ms for ms in found if 0 <= ms <= DAY)
    return rng.choice(found) if found else spec['lateness']


# ---- Planted bugs: each takes the place of the rule that its first word names.
def begins_with_a_pause_of_exactly_the_gap(spec, before, event):
    return event.time - before.time >= spec['gap']


def piece_begins_with_the_first_event_past_max(spec, start, times, time):
    piece, begin = 0, start
    for t in times:
        if t >= begin + spec['max']:
            piece, begin = piece + 1, t
        if t == time:
            return piece
    return piece


def piece_is_never_cut(spec, start, times, time):
    return 0


def user_is_the_first_one(spec, key, events):
    others = [e.user_key for e in events if e.user_key != key]
    return others[0] if others else key


def user_is_that_of_the_last_event(spec, key, events):
    return events[-1].user_key


def due_forgets_the_millisecond(spec, start, last, piece):
    return min(last + spec['gap'], start + (piece + 1) * spec['max'])


def due_forgets_max(spec, start, last, piece):
    return last + spec['gap'] + 1


def id_is_of_the_key_alone(spec, source, key, first):
    return hashlib.md5('\x1f'.join([key, first.message_id, str(first.time)]).encode()).hexdigest()


def order_is_that_of_the_log(spec, events):
    return events


BUGS = [begins_with_a_pause_of_exactly_the_gap, piece_begins_with_the_first_event_past_max, piece_is_never_cut, user_is_the_first_one,
        user_is_that_of_the_last_event, due_forgets_the_millisecond, due_forgets_max, id_is_of_the_key_alone, order_is_that_of_the_log]
