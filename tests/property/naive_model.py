"""naive_model.py - what the numbers of a history must be: semantics R0 to R6, R8 and R12 once more, in plain Python.

It shares no code, no data structure and no SQL with src/. It is slow and simple on purpose: every row is computed from the list of
its events. Numbers are integers scaled by 10**9; times are milliseconds; NULL is None.

run(history) takes what differential.py makes: sources, metrics (expressions as tuples, see show()), steps (clock, requests).
"""
import re
import sys
from dataclasses import dataclass, field

import model_calendar
import model_joins

ONE = 10**9
MINUS_INFINITY = None


def half_up(n, d):
    """n / d rounded to an integer, halves away from zero."""
    q, r = divmod(abs(n), abs(d))
    if 2 * r >= abs(d):
        q += 1
    return q if (n < 0) == (d < 0) else -q


def number_text(scaled):
    sign, whole, rest = '-' if scaled < 0 else '', abs(scaled) // ONE, abs(scaled) % ONE
    return sign + str(whole) + (('.%09d' % rest).rstrip('0') if rest else '')


def number_of_json(text):
    """R8: the exact decimal, rounded to 9 digits, or None from 10**18 on."""
    m = re.fullmatch(r'(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?', text)
    sign, whole, fraction, exponent = m.group(1), m.group(2), m.group(3) or '', int(m.group(4) or 0)
    digits = int(whole + fraction)
    shift = exponent - len(fraction) + 9
    if digits == 0:
        return 0
    if len(str(digits)) + shift > 40:
        return None
    if len(str(digits)) + shift < -5:
        return 0
    scaled = digits * 10**shift if shift >= 0 else half_up(digits, 10**-shift)
    if scaled >= 10**18 * ONE:
        return None
    return -scaled if sign else scaled


# ---- JSON, read by hand: raw texts are part of what is stored, and faults name their path.
class Bad(Exception):
    def __init__(self, reason, path):
        super().__init__(reason)
        self.reason, self.path = reason, path


def step_of(key):
    if re.fullmatch(r'[A-Za-z_][A-Za-z0-9_]*', key):
        return '.' + key
    out = ''
    for c in key:
        out += {'"': '\\"', '\\': '\\\\', '\n': '\\n', '\t': '\\t', '\r': '\\r', '\b': '\\b', '\f': '\\f'}.get(
            c, '\\u%04x' % ord(c) if ord(c) < 32 else c)
    return '["' + out + '"]'


class Json:
    """Values: str, Number, bool, None, list, dict of (value, raw)."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def space(self):
        while self.at < len(self.text) and self.text[self.at] in ' \t\r\n':
            self.at += 1

    def value(self, path):
        self.space()
        if self.at >= len(self.text):
            raise Bad('json_invalid', path)
        c = self.text[self.at]
        if c == '{':
            return self.members(path)
        if c == '[':
            self.at += 1
            out = []
            self.space()
            if self.take(']'):
                return out
            while True:
                out.append(self.value(path + '[%d]' % len(out)))
                self.space()
                if self.take(']'):
                    return out
                if not self.take(','):
                    raise Bad('json_invalid', path)
        if c == '"':
            return self.string(path)
        for word, meaning in (('true', True), ('false', False), ('null', None)):
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return meaning
        m = re.compile(r'-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?').match(self.text, self.at)
        if not m or (self.text[m.end():m.end() + 1]).isdigit():
            raise Bad('json_invalid', path)
        self.at = m.end()
        return Number(m.group(0))

    def take(self, c):
        if self.at < len(self.text) and self.text[self.at] == c:
            self.at += 1
            return True
        return False

    def members(self, path):
        self.at += 1
        out = {}
        self.space()
        if self.take('}'):
            return out
        while True:
            self.space()
            start = self.at
            if self.at >= len(self.text) or self.text[self.at] != '"':
                raise Bad('json_invalid', path)
            key = self.string(path)
            key_raw = self.text[start:self.at]
            inner = path + step_of(key)
            if key in out:
                raise Bad('duplicate_key', inner)
            self.space()
            if not self.take(':'):
                raise Bad('json_invalid', path)
            self.space()
            start = self.at
            value = self.value(inner)
            out[key] = (value, self.text[start:self.at], key_raw)
            self.space()
            if self.take('}'):
                return out
            if not self.take(','):
                raise Bad('json_invalid', path)

    def string(self, path):
        self.at += 1
        out = ''
        while True:
            if self.at >= len(self.text) or ord(self.text[self.at]) < 32:
                raise Bad('json_invalid', path)
            c = self.text[self.at]
            self.at += 1
            if c == '"':
                break
            if c != '\\':
                out += c
                continue
            c = self.text[self.at]
            self.at += 1
            if c == 'u':
                unit = int(self.text[self.at:self.at + 4], 16)
                self.at += 4
                out += chr(unit)
            else:
                out += {'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', '/': '/', '\\': '\\', '"': '"'}[c]
        out = out.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace_lone') if any(0xD800 <= ord(c) < 0xE000 for c in out) else out
        if LONE in out or '\0' in out:
            raise Bad('invalid_unicode', path)
        return out


LONE = '\ufffe\uffff lone'
import codecs  # noqa: E402  (beside what needs it)
codecs.register_error('replace_lone', lambda e: (LONE, e.end))


class Number(str):
    pass


# ---- The edge: R2, R3, R8.
DAY = 86_400_000


def days_from_civil(y, m, d):
    y -= m <= 2
    era = y // 400
    yoe = y - era * 400
    doy = (153 * (m + (-3 if m > 2 else 9)) + 2) // 5 + d - 1
    return era * 146097 + yoe * 365 + yoe // 4 - yoe // 100 + doy - 719468


FIRST, END = days_from_civil(1901, 1, 1) * DAY, days_from_civil(2100, 1, 1) * DAY


def parse_time(text):
    """(ms, has_zone) or None."""
    m = re.fullmatch(r'(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?', text)
    if not m:
        return None
    y, mo, d, h, mi, s = (int(m.group(i)) for i in range(1, 7))
    leap = y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)
    if not (1 <= mo <= 12 and 1 <= d <= [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][mo - 1]):
        return None
    if h > 23 or mi > 59 or s > 59:
        return None
    ms = days_from_civil(y, mo, d) * DAY + ((h * 60 + mi) * 60 + s) * 1000 + int((m.group(7) or '').ljust(3, '0')[:3])
    zone = m.group(8)
    if zone and zone not in 'Zz':
        if int(zone[1:3]) > 23 or int(zone[4:6]) > 59:
            return None
        away = (int(zone[1:3]) * 60 + int(zone[4:6])) * 60_000
        ms -= away if zone[0] == '+' else -away
    return ms, zone is not None


@dataclass
class Event:
    message_id: str
    event: str
    time: object           # ms or None
    user_id: str
    anonymous_id: str
    properties: str
    context: str
    extra: str
    flags: set
    texts: dict
    numbers: dict
    content: tuple
    # filled in by the fold
    source: str = ''
    received_at: int = 0
    user_key: str = ''
    stitching_key: str = ''
    watermark: object = MINUS_INFINITY
    position: int = 0


def escape_name(name):
    return name.replace('\\', '\\\\').replace('.', '\\.')


def scalars(prefix, members, texts, numbers):
    for key, (value, _, _) in members.items():
        path = prefix + '.' + escape_name(key)
        if isinstance(value, dict):
            scalars(path, value, texts, numbers)
        elif isinstance(value, bool):
            texts[path] = 'true' if value else 'false'
        elif isinstance(value, Number):
            scaled = number_of_json(value)
            texts[path] = str(value) if scaled is None else number_text(scaled)
            if scaled is not None:
                numbers[path] = scaled
        elif isinstance(value, str):
            texts[path] = value


class Request:
    def __init__(self, source, wall):
        self.source, self.wall, self.ordinals, self.index = source, wall, {}, 0

    def read(self, raw):
        """An Event, or (reason, path, raw, message_id)."""
        try:
            reader = Json(raw)
            reader.space()
            members = reader.value('$')
            reader.space()
            if reader.at != len(raw):
                raise Bad('json_invalid', '$')
        except Bad as bad:
            return bad.reason, bad.path, raw
        faults = []
        if not isinstance(members, dict):
            return 'not_an_object', '$', raw
        fields = dict.fromkeys(('event', 'user_id', 'anonymous_id', 'message_id', 'messageId', 'timestamp', 'sent_at'), '')
        objects, texts, numbers, extra = {'properties': '', 'context': ''}, {}, {}, []
        for key, (value, raw_value, key_raw) in members.items():
            path = '$.' + key
            if key in ('event', 'user_id', 'anonymous_id', 'message_id', 'messageId'):
                if isinstance(value, Number) and key != 'event':
                    scaled = number_of_json(value)
                    fields[key] = str(value) if scaled is None else number_text(scaled)
                elif isinstance(value, str) and not isinstance(value, Number):
                    fields[key] = value
                elif value is not None:
                    faults.append(('field_type', path))
            elif key in ('timestamp', 'sent_at'):
                if value is not None:
                    if isinstance(value, Number) or not isinstance(value, str) or value == '':
                        faults.append(('timestamp_invalid', path))
                    else:
                        fields[key] = value
            elif key in objects:
                if isinstance(value, dict):
                    objects[key] = raw_value
                    scalars(key, value, texts, numbers)
                elif value is not None:
                    faults.append(('field_type', path))
            elif key != 'writeKey':
                extra.append(key_raw + ':' + raw_value)
        if fields['event'] == '':
            faults.append(('event_missing', '$.event'))
        if faults:
            return faults[0] + (raw,)
        flags, time = set(), None
        sent = None
        if fields['sent_at']:
            sent = parse_time(fields['sent_at'])
            if sent is None:
                return 'timestamp_invalid', '$.sent_at', raw
        if fields['timestamp']:
            parsed = parse_time(fields['timestamp'])
            if parsed is None:
                return 'timestamp_invalid', '$.timestamp', raw
            time = parsed[0]
            if not parsed[1]:
                flags.add('no_zone')
            if sent is not None and abs(self.wall - sent[0]) > 60_000:
                time += self.wall - sent[0]
                flags.add('clock_corrected')
            if not FIRST <= time < END:
                return 'timestamp_out_of_range', '$.timestamp', raw
        content = (fields['event'], fields['timestamp'], fields['user_id'], fields['anonymous_id'], '', objects['properties'], objects['context'])
        message_id = fields['message_id'] or fields['messageId']
        if message_id == '':
            if fields['timestamp']:
                ordinal = self.ordinals.get(content, 0)
                self.ordinals[content] = ordinal + 1
                message_id = ('derived', self.source, ordinal) + content
                flags.add('derived_id')
            else:
                message_id = ('random', object())
                flags.add('random_id')
        elif len(message_id.encode()) > 512:
            return 'id_too_long', '$.message_id' if fields['message_id'] else '$.messageId', raw
        if extra:
            flags.add('extra')
        return Event(message_id, fields['event'], time, fields['user_id'], fields['anonymous_id'], objects['properties'], objects['context'],
                     '{' + ','.join(extra) + '}' if extra else '', flags, texts, numbers, content)


def pieces(body):
    """The elements of an array by brackets and strings alone; anything else is one piece."""
    if not body.startswith('['):
        return [body]
    out, depth, quoted, start, i = [], 0, False, 1, 0
    while i < len(body):
        c = body[i]
        if quoted:
            if c == '\\':
                i += 1
            elif c == '"':
                quoted = False
        elif c == '"':
            quoted = True
        elif c in '[{':
            depth += 1
        elif c in ']}':
            depth -= 1
            if depth == 0:
                out.append(body[start:i])
        elif c == ',' and depth == 1:
            out.append(body[start:i])
            start = i + 1
        i += 1
    return out


# ---- The fold: R2, R4, R5, R6, R12.
@dataclass
class Outcome:
    events: list = field(default_factory=list)
    quarantine: list = field(default_factory=list)    # (source, received_at, reason, path, raw)
    duplicates: list = field(default_factory=list)    # (source, message_id, received_at, first_received_at, conflict)
    identities: list = field(default_factory=list)    # (source, anonymous_id, user_id, received_at)
    ledger: dict = field(default_factory=dict)        # (source, minute) -> received, stored, quarantined, duplicate, conflict
    watermark: object = MINUS_INFINITY                # at the final clock


class Clock:
    """R4."""

    def __init__(self, sources):
        self.sources = {s['name']: s for s in sources}
        self.w = {}          # W(s)
        self.last = {}       # received_at of the last stored, not `future` event
        self.now = None
        self.watermark = MINUS_INFINITY

    def step(self, now):
        self.now = now if self.now is None else max(self.now, now)
        self.compute()

    def compute(self):
        active = [self.w[s] for s in self.w if self.now - self.last[s] <= self.sources[s]['idle']]
        if active:
            w = min(active)
        elif self.w:
            w = self.now - min(self.sources[s]['idle'] + self.sources[s]['disorder'] for s in self.w)
        else:
            return
        self.watermark = w if self.watermark is None else max(self.watermark, w)

    def moved(self, source, event_time, received_at):
        w = min(event_time, received_at) - self.sources[source]['disorder']
        self.w[source] = max(self.w.get(source, w), w)
        self.last[source] = received_at
        self.compute()


def fold(history):
    out, clock = Outcome(), Clock(history['sources'])
    dedup = {s['name']: s['dedup'] for s in history['sources']}
    seen, links = {}, {}
    wall, arrival, position = history['start'], None, 0
    for step in history['steps']:
        if step[0] == 'at':
            wall = step[1]
        if step[0] != 'send':
            continue
        _, source, body = step
        arrival = wall if arrival is None else max(arrival, wall)
        clock.step(arrival)
        request = Request(source, wall)
        counts = out.ledger.setdefault((source, arrival // 60_000 * 60_000), [0, 0, 0, 0, 0])
        for raw in pieces(body):
            counts[0] += 1
            event = request.read(raw)
            here, position = position, position + 1
            if isinstance(event, tuple):
                counts[2] += 1
                out.quarantine.append((source, arrival) + event)
                continue
            key = (source, event.message_id)
            if key in seen and arrival - seen[key][0] < dedup[source]:
                first, content = seen[key]
                counts[3] += 1
                counts[4] += content != event.content
                out.duplicates.append((source, event.message_id, arrival, first, int(content != event.content)))
                continue
            seen[key] = (arrival, event.content)
            counts[1] += 1
            event.source, event.received_at, event.position = source, arrival, here
            if event.time is None:
                event.time = arrival
            if event.anonymous_id and event.user_id and links.get((source, event.anonymous_id)) != event.user_id:
                links[(source, event.anonymous_id)] = event.user_id
                out.identities.append((source, event.anonymous_id, event.user_id, arrival))
            own = event.message_id
            event.stitching_key = event.anonymous_id or event.user_id or own
            event.user_key = event.user_id or links.get((source, event.anonymous_id), '') or event.anonymous_id or own
            event.watermark = clock.watermark
            if event.time > arrival + 3_600_000:
                event.flags.add('future')
            else:
                clock.moved(source, event.time, arrival)
            out.events.append(event)
    if clock.now is not None:
        clock.step(wall)
    out.watermark = clock.watermark
    return out


# ---- Expressions: R0. Tuples; the first element says what it is.
def text_of(e, event):
    kind = e[0]
    if kind in ('path', 'text'):
        return event.texts.get(e[1])
    if kind == 'name':
        value = {'dialect': 'native'}.get(e[1]) or getattr(event, e[1])
        return value or None
    if kind == 'literal':
        return e[1]
    if kind == 'joined text':
        return model_joins.value(e, event, sys.modules[__name__])
    if kind in ('lower', 'upper'):
        text = text_of(e[1], event)
        if text is None:
            return None
        low, up = 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
        return text.translate(str.maketrans(up, low) if kind == 'lower' else str.maketrans(low, up))
    raise AssertionError(e)


def number_of(e, event):
    kind = e[0]
    if kind in ('path', 'number'):
        return event.numbers.get(e[1])
    if kind == 'literal':
        return e[1]
    if kind == 'joined number':
        return model_joins.value(e, event, sys.modules[__name__])
    if kind == 'length':
        text = text_of(e[1], event)
        return None if text is None else len(text) * ONE
    a = number_of(e[1], event)
    if kind == 'negate':
        return None if a is None else -a
    b = number_of(e[2], event)
    if a is None or b is None:
        return None
    if kind == '+':
        return a + b
    if kind == '-':
        return a - b
    if abs(a) >= ONE * ONE or abs(b) >= ONE * ONE:
        return None
    if kind == '*':
        return half_up(a * b, ONE)
    return None if b == 0 else half_up(a * ONE, b)


def time_of(e, event):
    if e[0] != 'name':
        return e[1]
    return event.time if e[1] in ('event_time', 'started_at') else event.received_at  # of a session: when it ended


VALUE = {'text': text_of, 'number': number_of, 'time': time_of}


def like(text, pattern):
    regex, i = '', 0
    while i < len(pattern):
        c = pattern[i]
        if c == '\\':
            i += 1
            regex += re.escape(pattern[i])
        else:
            regex += {'%': '.*', '_': '.'}.get(c) or re.escape(c)
        i += 1
    return re.fullmatch(regex, text, re.S) is not None


def truth(e, event):
    """True, False or None."""
    kind = e[0]
    if kind == 'compare':
        _, typed, op, a, b = e
        a, b = VALUE[typed](a, event), VALUE[typed](b, event)
        if a is None or b is None:
            return None
        return {'=': a == b, '!=': a != b, '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b}[op]
    if kind == 'in':
        a = VALUE[e[1]](e[2], event)
        return None if a is None else a in [item[1] for item in e[3]]
    if kind == 'like':
        a = text_of(e[1], event)
        return None if a is None else like(a, e[2])
    if kind == 'is null':
        return VALUE[e[1]](e[2], event) is None
    if kind == 'not':
        a = truth(e[1], event)
        return None if a is None else not a
    a, b = truth(e[1], event), truth(e[2], event)
    if kind == 'and':
        return False if a is False or b is False else None if a is None or b is None else True
    return True if a is True or b is True else None if a is None or b is None else False


def passes(where, event):
    return where is None or truth(where, event) is True


# ---- Windows and measures: R1, R8.
def windows_of(window, t):
    if window['kind'] == 'calendar':
        return [model_calendar.window_of(window, t)]
    kind, size, step, offset = window['kind'], window['size'], window['step'], window['offset']
    if kind == 'tumble':
        start = (t - offset) // size * size + offset
        return [(start, start + size)]
    if kind == 'hop':
        out, start = [], (t - offset) // step * step + offset
        while start + size > t:
            out.append((start, start + size))
            start -= step
        return out
    start = (t - offset) // size * size + offset
    return [(start, end) for end in range(start + step, start + size + 1, step) if end > t]


def derived(e, values):
    kind = e[0]
    if kind == 'measure':
        return values[e[1]]
    if kind == 'literal':
        return e[1]
    a = derived(e[1], values)
    b = derived(e[2], values) if len(e) > 2 else 0
    if a is None or b is None:
        return None
    if kind == 'negate':
        out = -a
    elif kind == '+':
        out = a + b
    elif kind == '-':
        out = a - b
    elif kind == '*':
        out = half_up(a * b, ONE)
    elif b == 0:
        return None
    else:
        out = half_up(a * ONE, b)
    return None if abs(out) >= 10**29 * ONE else out


def measure_value(measure, events):
    """As the view shows it: counts as ('count', n), a topk as ('top', [(text, n), ...]), everything else as ('number', scaled),
    ('text', t), ('time', ms) or None."""
    kind = measure['kind']
    events = [e for e in events if passes(measure.get('where'), e)]
    if kind == 'count':
        return 'count', len(events)
    typed = measure['type']
    values = [VALUE[typed](measure['argument'], e) for e in events]
    held = sorted((e.time, e.position, v) for e, v in zip(events, values) if v is not None)
    values = [v for v in values if v is not None]
    if kind == 'topk':
        counted = sorted(((-values.count(v), v.encode(), v) for v in set(values)))
        return 'top', [(v, -n) for n, _, v in counted[:measure['top']]]
    if kind == 'count_of':
        return 'count', len(values)
    if kind == 'distinct':
        return 'count', len(set(values))
    if not values:
        return None
    if kind == 'sum':
        return 'number', sum(values)
    if kind == 'avg':
        return 'number', half_up(sum(values), len(values))
    if kind == 'min':
        return typed, min(values)
    if kind == 'max':
        return typed, max(values)
    if kind in ('first', 'last'):
        return typed, held[0 if kind == 'first' else -1][2]
    numerator, denominator = measure['p']
    k = max(1, -(-numerator * len(values) // denominator))
    return 'number', sorted(values)[k - 1]


def rows_of(metric, outcome, hurt=None):
    """Rows as the view shows them: (window_start, window_end, dimensions..., measures..., state). `hurt` is a planted bug: it gets
    the measure, its events and the right value, and returns another one; or it has its own `windows`."""
    groups = {}
    for event in outcome.events:
        if not passes(metric['where'], event):
            continue
        group = tuple(text_of(d['value'], event) for d in metric['dimensions'])
        for window in getattr(hurt, 'windows', windows_of)(metric['window'], event.time):
            groups.setdefault((window, group), []).append(event)
    rows = []
    for ((start, end), group), events in groups.items():
        due = end + metric['lateness']
        late = [e.watermark is not None and e.watermark >= due for e in events]
        state = 'filling'
        if outcome.watermark is not None and outcome.watermark >= due:
            state = 'revised' if any(late) and not all(late) else 'final'
        values, shown = {}, {}
        for measure in metric['measures']:
            if measure['kind'] == 'derived':
                continue
            value = measure_value(measure, events)
            if hurt:
                value = hurt(measure, events, value)
            shown[measure['name']] = value
            values[measure['name']] = None if value is None else value[1] * ONE if value[0] == 'count' else value[1]
        for measure in metric['measures']:  # in the order written: inputs come first
            if measure['kind'] != 'derived':
                continue
            out = derived(measure['argument'], values)
            value = None if out is None else ('number', out)
            if hurt:
                value = hurt(measure, events, value)
            shown[measure['name']] = value
            values[measure['name']] = None if value is None else value[1]
        rows.append((('time', start), ('time', end)) + tuple(None if g is None else ('text', g) for g in group) +
                    tuple(shown[m['name']] for m in metric['measures']) + (('text', state),))
    return rows


def late_windows(metric, outcome):
    """How many windows of the metric have a late event, and how many of them a timely one too."""
    windows = {}
    for event in outcome.events:
        if passes(metric['where'], event):
            for window in windows_of(metric['window'], event.time):
                late = event.watermark is not None and event.watermark >= window[1] + metric['lateness']
                windows.setdefault(window, set()).add(late)
    return sum(True in w for w in windows.values()), sum(len(w) == 2 for w in windows.values())
