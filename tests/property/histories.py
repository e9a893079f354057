"""histories.py - random histories from a seed: definitions, requests, crashes; as data for the naive model and as a scenario for the rig.

Swarm: each history draws its own weights, so that some are all duplicates, some all late, some all crashes.
"""
import json
import random

import model_funnel
import model_joins
import model_retention
import model_sessions
from naive_model import DAY, ONE, fold, number_of_json

START = 1_774_656_000_000  # 2026-03-28T00:00:00Z
SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000

TEXTS = ['', 'a', 'A', 'b', 'ab', 'aB', 'ä', 'Ä', '日本', '🎈', 'a\tb', 'a\nb', "it's", '\\', '%', '_', '100%', 'null', 'NULL', '\\N', 'x y',
         '\u0001', 'a"b', 'true', '0', '12.5', 'e\u0301', 'n', 't1:a', 'long ' * 30]
NUMBERS = ['0', '-0', '1', '-1', '2', '3', '7', '10', '0.5', '-0.5', '2.5', '-2.5', '1e3', '1E-3', '0.1', '0.2', '0.3', '0.000000001',
           '0.0000000005', '-0.0000000005', '0.00000000049999', '3.3333333335', '999999999.999999999', '1000000000', '1000000000.000000001',
           '999999999999999999.999999999', '-999999999999999999.999999999', '999999999999999999.9999999995', '1e18', '-1e17', '1e400',
           '1e-400', '123456789012345678901234567890', '123456789.987654321', '31622.776601684', '100', '99', '98.76']
# How a path is written in a definition, and its key.
NUMBER_PATHS = [('properties.n', 'properties.n'), ('properties.cart.total', 'properties.cart.total'), ('context.ms', 'context.ms')]
TEXT_PATHS = [('properties.s', 'properties.s'), ("properties['a key']", 'properties.a key'), ("properties['x.y']", 'properties.x\\.y'),
              ('context.plan', 'context.plan'), ('properties.b', 'properties.b')]
SHOWN = {key: shown for shown, key in NUMBER_PATHS + TEXT_PATHS}
SHOWN.update({name: name for name in model_sessions.TEXTS + model_sessions.NUMBERS})
NAMES = ['source', 'event', 'message_id', 'user_id', 'anonymous_id', 'stitching_key', 'user_key']


def duration(ms):
    for unit, size in (('d', DAY), ('h', HOUR), ('m', MINUTE), ('s', SECOND)):
        if ms % size == 0:
            return '%d%s' % (ms // size, unit)
    return '%dms' % ms


def stamp(ms, digits=3):
    days, rest = divmod(ms, DAY)
    z = days + 719468
    era = z // 146097
    doe = z - era * 146097
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + (3 if mp < 10 else -9)
    year = yoe + era * 400 + (month <= 2)
    out = '%04d-%02d-%02dT%02d:%02d:%02d' % (year, month, doy - (153 * mp + 2) // 5 + 1, rest // HOUR, rest // MINUTE % 60, rest // SECOND % 60)
    return out + ('.%03d' % (rest % 1000))[:digits + 1] if digits else out


# ---- Definitions.
def show(e):
    kind = e[0]
    if kind == 'path':
        return SHOWN[e[1]]
    if kind in ('joined text', 'joined number'):
        return model_joins.show(e)
    if kind in ('text', 'number'):
        return '%s(%s)' % (kind, SHOWN[e[1]])
    if kind in ('name', 'measure'):
        return e[1]
    if kind == 'literal':
        return e[2]
    if kind in ('lower', 'upper', 'length'):
        return '%s(%s)' % (kind, show(e[1]))
    if kind == 'negate':
        return '-(%s)' % show(e[1])
    if kind in '+-*/':
        return '(%s %s %s)' % (show(e[1]), kind, show(e[2]))
    if kind == 'compare':
        return '%s %s %s' % (show(e[3]), e[2], show(e[4]))
    if kind == 'in':
        return '%s in (%s)' % (show(e[2]), ', '.join(item[2] for item in e[3]))
    if kind == 'like':
        return "%s like %s" % (show(e[1]), quote(e[2]))
    if kind == 'is null':
        return '%s is null' % show(e[2])
    if kind == 'not':
        return 'not (%s)' % show(e[1])
    return '(%s %s %s)' % (show(e[1]), kind, show(e[2]))


def quote(text):
    return "'" + text.replace("'", "''") + "'"


class Definitions:
    TIMES = ['event_time', 'received_at']

    def __init__(self, rng):
        self.rng = rng

    def text_literal(self):
        text = self.rng.choice([t for t in TEXTS if t.isprintable()][:-1])
        return 'literal', text, quote(text)

    def number_literal(self):
        text = self.rng.choice(['0', '1', '2.5', '10', '0.000000001', '999999999', '3'])
        return 'literal', number_of_json(text), text

    def text(self):
        r = self.rng.random()
        if r < 0.55:
            return 'text', self.rng.choice(TEXT_PATHS)[1]
        if r < 0.7:
            return 'text', self.rng.choice(NUMBER_PATHS)[1]
        if r < 0.9:
            return 'name', self.rng.choice(NAMES)
        return self.rng.choice(['lower', 'upper']), self.text()

    def number(self, depth=0):
        r = self.rng.random()
        if r < 0.6 or depth > 2:
            return 'number', self.rng.choice(NUMBER_PATHS)[1]
        if r < 0.65:
            return 'number', self.rng.choice(TEXT_PATHS)[1]
        if r < 0.7:
            return 'length', self.text()
        if r < 0.75:
            return 'negate', self.number(depth + 1)
        right = self.number_literal() if self.rng.random() < 0.5 else self.number(depth + 1)
        return self.rng.choice('+-*/'), self.number(depth + 1), right

    def where(self, depth=0):
        r = self.rng.random()
        if depth < 2 and r < 0.25:
            return self.rng.choice(['and', 'or']), self.where(depth + 1), self.where(depth + 1)
        if depth < 2 and r < 0.35:
            return 'not', self.where(depth + 1)
        if r < 0.5:
            return 'compare', 'number', self.rng.choice(['=', '!=', '<', '<=', '>', '>=']), self.number(1), self.number_literal()
        if r < 0.6:
            return 'compare', 'text', self.rng.choice(['=', '!=', '<', '>=']), self.text(), self.text_literal()
        if r < 0.7:
            return 'in', 'text', self.text(), [self.text_literal() for _ in range(self.rng.randint(1, 3))]
        if r < 0.78:
            return 'like', self.text(), self.rng.choice(['a%', '%b', '_', '%', '__%', '\\%', '100\\%', '%ä%', ''])
        if r < 0.9:
            return ('is null', 'text', self.text()) if self.rng.random() < 0.5 else ('is null', 'number', self.number(1))
        return 'compare', 'text', '=', ('name', 'event'), ('literal', 'view', "'view'")

    def measure(self, name, kind):
        out = {'name': name, 'kind': kind, 'where': self.where() if self.rng.random() < 0.25 else None}
        if kind == 'count':
            out['definition'] = 'count()'
            return out
        call = {'count_of': 'count'}.get(kind, kind)
        out['type'] = 'number'
        if kind == 'distinct' or (kind == 'count_of' and self.rng.random() < 0.5):
            out['type'] = 'text'
        elif kind == 'topk':
            out['type'] = 'text'
        elif kind in ('min', 'max', 'first', 'last'):
            out['type'] = self.rng.choice(['number', 'text', 'time'])
        out['argument'] = {'text': self.text, 'number': self.number,
                           'time': lambda: ('name', self.rng.choice(self.TIMES))}[out['type']]()
        # Inside sum, avg and percentile a bare path is a number by itself.
        if kind in ('sum', 'avg', 'percentile') and out['argument'][0] == 'number' and self.rng.random() < 0.5:
            out['argument'] = 'path', out['argument'][1]
        if (kind in ('distinct', 'topk') or (kind in ('first', 'last') and out['type'] == 'text')) and out['argument'][0] == 'text' and self.rng.random() < 0.5:
            out['argument'] = 'path', out['argument'][1]
        p = ''
        if kind == 'percentile':
            text, out['p'] = self.rng.choice([('0', (0, 1)), ('0.5', (1, 2)), ('0.99', (99, 100)), ('1', (1, 1)), ('0.001', (1, 1000)),
                                              ('0.333', (333, 1000)), ('0.25', (1, 4)), ('0.9999', (9999, 10000))])
            p = ', ' + text
        if kind == 'topk':
            out['top'] = self.rng.choice([1, 2, 3, 1000])
            p = ', %d' % out['top']
        out['definition'] = '%s(%s%s)' % (call, show(out['argument']), p)
        return out

    def derived(self, name, inputs):
        def arithmetic(depth):
            r = self.rng.random()
            if depth > 2 or r < 0.4:
                return 'measure', self.rng.choice(inputs)
            if r < 0.5:
                return self.number_literal()
            if r < 0.55:
                return 'negate', arithmetic(depth + 1)
            return self.rng.choice('+-*/'), arithmetic(depth + 1), arithmetic(depth + 1)
        e = self.rng.choice('+-*/'), ('measure', self.rng.choice(inputs)), arithmetic(1)
        return {'name': name, 'kind': 'derived', 'argument': e, 'definition': show(e)}

    def window(self):
        kind = self.rng.choice(['tumble', 'tumble', 'hop', 'cumulate'])
        if kind == 'tumble':
            size = self.rng.choice([SECOND, 10 * SECOND, MINUTE, HOUR, DAY, 7 * DAY, 90 * SECOND, 366 * DAY])
            step = size
        else:
            step = self.rng.choice([SECOND, 10 * SECOND, MINUTE, 15 * MINUTE, HOUR, DAY])
            size = step * self.rng.randint(1, 6)
        # An offset lies below the size, or the slide of a hop.
        offset = self.rng.choice([0, 0, 0, step // 3, step // 2])
        return {'kind': kind, 'size': size, 'step': step, 'offset': offset}

    def calendar(self):
        # The days around the histories: Berlin and Beirut lose an hour on 2026-03-29, Beirut at midnight; Casablanca's clock went
        # back and forth at Ramadan. Apia has left out a day, Kathmandu is 5:45 off, Havana's midnights come twice.
        return {'kind': 'calendar', 'unit': self.rng.choice(['day', 'day', 'week', 'month']),
                'zone': self.rng.choice(['Europe/Berlin', 'Europe/Berlin', 'Asia/Beirut', 'America/Sao_Paulo', 'Pacific/Apia', 'Asia/Kathmandu',
                                         'America/Havana', 'Africa/Casablanca', 'Australia/Lord_Howe', 'UTC'])}

    def metric(self, name):
        rng = self.rng
        window = self.calendar() if rng.random() < 0.2 else self.window()
        metric = {'name': name, 'window': window, 'lateness': rng.choice([0, 0, SECOND, 10 * SECOND, 10 * MINUTE, HOUR]),
                  'where': self.where() if rng.random() < 0.5 else None, 'dimensions': [], 'measures': []}
        names = ['d', 'plan', 'version', 'epoch', 'dim']
        rng.shuffle(names)
        for i in range(rng.choice([0, 1, 1, 2])):
            metric['dimensions'].append({'name': names[i], 'value': self.text()})
        kinds = ['count', 'count_of', 'sum', 'avg', 'min', 'max', 'distinct', 'percentile', 'first', 'last', 'topk']
        order = list('abcdefghij')
        rng.shuffle(order)
        for i in range(rng.randint(1, 6)):
            metric['measures'].append(self.measure('m_' + order[i], rng.choice(kinds)))
        inputs = [m['name'] for m in metric['measures'] if m['kind'] not in ('min', 'max', 'first', 'last', 'topk') or m['type'] == 'number']
        if inputs and rng.random() < 0.6:
            for i in range(rng.randint(1, 2)):
                measure = self.derived('r_' + order[-1 - i], inputs)
                metric['measures'].append(measure)
                inputs.append(measure['name'])
        return metric


class OverSessions(Definitions):
    """The same over a session's columns."""
    TIMES = model_sessions.TIMES

    def text(self):
        return ('path', self.rng.choice(model_sessions.TEXTS)) if self.rng.random() < 0.8 else (self.rng.choice(['lower', 'upper']), self.text())

    def number(self, depth=0):
        if depth > 2 or self.rng.random() < 0.7:
            return 'path', self.rng.choice(model_sessions.NUMBERS)
        return self.rng.choice('+-*/'), self.number(depth + 1), self.number_literal()

    def where(self, depth=0):
        r = self.rng.random()
        if r < 0.6:
            return 'compare', 'number', self.rng.choice(['=', '!=', '<', '<=', '>', '>=']), self.number(2), self.number_literal()
        if r < 0.8:
            return 'compare', 'text', self.rng.choice(['=', '!=']), ('path', 'key'), ('path', 'user_key')
        return 'not', self.where(depth + 1)


def yaml_text(text):
    return json.dumps(text, ensure_ascii=False)


def joins_text(metric):
    return ['  joins: {%s: {dimension: %s, on: %s}}' % (j['name'], j['dimension'], yaml_text(show(j['on']))) for j in metric.get('joins', [])]


def metrics_text(metrics):
    out = []
    for metric in metrics:
        w = metric['window']
        if w['kind'] == 'calendar':
            window = 'calendar: %s, zone: %s' % (w['unit'], w['zone'])
        else:
            window = {'tumble': 'tumble: ' + duration(w['size']), 'hop': 'hop: %s, slide: %s' % (duration(w['size']), duration(w['step'])),
                      'cumulate': 'cumulate: %s, step: %s' % (duration(w['size']), duration(w['step']))}[w['kind']]
        if w.get('offset'):
            window += ', offset: ' + duration(w['offset'])
        if metric.get('sessions'):
            from_sessions = ['  from: ' + metric['sessions']['name']]
        else:
            from_sessions = []
        out += ['- name: ' + metric['name']] + from_sessions + ['  window: {%s}' % window, '  allowed_lateness: ' + duration(metric['lateness'])]
        if metric.get('latency'):
            out.append('  latency: ' + metric['latency'])
        if metric['where']:
            out.append('  where: ' + yaml_text(show(metric['where'])))
        out += joins_text(metric)
        if metric['dimensions']:
            out.append('  dimensions:')
            out += ['    %s: %s' % (d['name'], yaml_text(show(d['value']))) for d in metric['dimensions']]
        out.append('  measures:')
        for m in metric['measures']:
            if m.get('where'):
                out.append('    %s: {value: %s, where: %s}' % (m['name'], yaml_text(m['definition']), yaml_text(show(m['where']))))
            else:
                out.append('    %s: %s' % (m['name'], yaml_text(m['definition'])))
    return out


# ---- Events.
def json_text(rng, text):
    out = '"'
    for c in text:
        if c in '"\\':
            out += '\\' + c
        elif ord(c) < 32:
            out += rng.choice({'\n': ['\\n', '\\u000a'], '\t': ['\\t', '\\u0009']}.get(c, ['\\u%04x' % ord(c)]))
        elif ord(c) > 127 and rng.random() < 0.3:
            units = c.encode('utf-16-be')
            out += ''.join('\\u%02x%02x' % (units[i], units[i + 1]) for i in range(0, len(units), 2))
        else:
            out += c
    return out + '"'


class Sender:
    """Makes requests; remembers what it sent, to send it again."""

    def __init__(self, rng, sources):
        self.rng, self.sources = rng, sources
        self.sent = []
        self.next_id = 0
        w = rng.random
        self.late, self.far, self.duplicate, self.bad, self.hostile = w() * 0.5, w() * 0.1, w() * 0.3, w() * 0.08, w() * 0.25
        self.people = rng.choice([1, 3, 10])
        self.no_id, self.no_time = w() * 0.3, w() * 0.2
        self.equal_times = w() * 0.5
        self.last_time = None

    def scalar(self, numeric):
        rng = self.rng
        if rng.random() < self.hostile:
            return rng.choice(['null', 'true', 'false', '[1,{"a":2}]', '{}', '{"deep":{"er":1}}', json_text(rng, rng.choice(TEXTS)), rng.choice(NUMBERS)])
        if numeric:
            return rng.choice(NUMBERS) if rng.random() < 0.4 else str(rng.randint(-20, 100)) + rng.choice(['', '.5', '.25', '.333333333'])
        return json_text(rng, rng.choice(TEXTS) if rng.random() < 0.5 else rng.choice(['a', 'b', 'pro', 'free']))

    def properties(self):
        rng, out = self.rng, []
        fields = [('n', True), ('s', False), ('a key', False), ('x.y', False), ('b', None), ('unused', True)]
        rng.shuffle(fields)
        for name, numeric in fields:
            if rng.random() < 0.6:
                value = rng.choice(['true', 'false']) if numeric is None and rng.random() > self.hostile else self.scalar(bool(numeric))
                out.append('%s:%s' % (json_text(rng, name), value))
        if rng.random() < 0.4:
            out.insert(rng.randint(0, len(out)), '"cart":{"total":%s,"items":[1,2]}' % self.scalar(True))
        return '{' + ','.join(out) + '}'

    def time(self, wall):
        rng = self.rng
        if self.last_time is not None and rng.random() < self.equal_times:
            return self.last_time
        r = rng.random()
        if r < self.far:
            return rng.choice([-1, -DAY, -2_000_000_000_000, wall + 2 * HOUR, wall + HOUR, wall + HOUR + 1, 4_000_000_000_000, wall - 400 * DAY, 0])
        if r < self.far + self.late:
            return wall - rng.choice([rng.randint(0, 20_000), rng.randint(0, HOUR), rng.randint(0, 3 * DAY), 10 * MINUTE, DAY])
        return wall - rng.randint(0, 3000)

    def time_text(self, ms):
        rng = self.rng
        r = rng.random()
        if r < 0.1 and ms % SECOND == 0:
            return stamp(ms, 0) + 'Z'
        if r < 0.2:
            return stamp(ms) + '%06dZ' % rng.randint(0, 999999)
        if r < 0.3:
            away = rng.choice([-8 * 60, 60, 330, 845])
            return stamp(ms + away * MINUTE) + '%s%02d:%02d' % ('-' if away < 0 else '+', abs(away) // 60, abs(away) % 60)
        if r < 0.35:
            return stamp(ms)
        return stamp(ms) + 'Z'

    def event(self, wall):
        rng = self.rng
        if rng.random() < self.bad:
            return rng.choice(['{"event":"view","timestamp":"yesterday"}', '{"timestamp":"2026-03-28T00:00:00Z","message_id":"q"}', '{"event":""}',
                               '{"event":"x","timestamp":"1900-12-31T23:59:59Z"}', '{"event":"x","timestamp":"2100-01-01T00:00:00Z"}',
                               '{"event":"x","properties":{"a":1,"a":2}}', '{"event":"x","event":"x"}', '7', '[]', '"text"', 'null',
                               '{"event":"x","properties":[1]}', '{"event":"x","properties":{"p":NaN}}', '{"event":5}', '{"event":"x","b":01}',
                               '{"event":"x","message_id":"%s"}' % ('i' * 513), '{"event":"x","properties":{"p":"\\ud800"}}',
                               '{"event":"x","context":{"c":"\\u0000"}}', '{"event":"x","timestamp":""}', '{"event":"x","timestamp":12}',
                               '{"event":"x","sent_at":"now"}', '{"event":"x","user_id":["a"]}'])
        if self.sent and rng.random() < self.duplicate:
            fields = dict(rng.choice(self.sent))
            if rng.random() < 0.2:
                fields['properties'] = self.properties()
            return self.text(fields)
        fields = {'event': json_text(rng, rng.choice(['view', 'view', 'order', 'ä']))}
        if rng.random() >= self.no_id:
            self.next_id += 1
            key = 'message_id' if rng.random() < 0.8 else 'messageId'
            fields[key] = str(self.next_id) if rng.random() < 0.1 else '"%d"' % self.next_id if rng.random() < 0.1 else '"m%d"' % self.next_id
        if rng.random() >= self.no_time:
            ms = self.time(wall)
            self.last_time = ms
            fields['timestamp'] = '"%s"' % self.time_text(ms)
        if rng.random() < 0.05:
            fields['sent_at'] = '"%sZ"' % stamp(wall + rng.choice([0, 60_000, 60_001, -60_001, HOUR, -DAY]))
        if rng.random() < 0.4:
            fields['user_id'] = rng.choice(['"u%d"', '%d', '"%d"']) % rng.randint(1, self.people)
        if rng.random() < 0.5:
            fields['anonymous_id'] = '"anon%d"' % rng.randint(1, self.people)
        if rng.random() < 0.85:
            fields['properties'] = self.properties()
        if rng.random() < 0.4:
            fields['context'] = '{"plan":%s,"ms":%s}' % (self.scalar(False), self.scalar(True))
        if rng.random() < 0.05:
            fields['unknown'] = rng.choice(['1', 'null', '{"a":[true]}'])
        self.sent = (self.sent + [fields])[-20:]
        return self.text(fields)

    @staticmethod
    def text(fields):
        return '{' + ','.join('"%s":%s' % field for field in fields.items()) + '}'

    def request(self, wall):
        source = self.rng.choice(self.sources)['name']
        size = self.rng.choice([1, 1, 1, 2, 5, 12])
        if size == 1 and self.rng.random() < 0.8:
            body = self.event(wall)
            # A body that is no object or is broken at its end is refused as a whole, by rules of its own: those have unit tests.
            if body.startswith('{') and 'NaN' not in body and '01}' not in body:
                return 'send', source, body
            return 'send', source, '[' + body + ']'
        return 'send', source, '[' + ','.join(self.event(wall) for _ in range(size)) + ']'


def make(seed):
    rng = random.Random(seed)
    sources = [{'name': name, 'disorder': rng.choice([0, SECOND, 10 * SECOND]), 'idle': rng.choice([SECOND, 5 * SECOND, MINUTE]),
                'dedup': rng.choice([DAY, DAY, MINUTE, HOUR])} for name in ['site', 'shop', 'app'][:rng.choice([1, 1, 2, 3])]]
    definitions = Definitions(rng)
    projects = {'': [definitions.metric('metric_%d' % i) for i in range(rng.randint(1, 4))]}
    if rng.random() < 0.3:
        second = [m for m in projects[''] if rng.random() < 0.7]
        second += [definitions.metric('metric_%d' % (10 + i)) for i in range(rng.randint(0, 2))]
        if projects[''] and rng.random() < 0.5:
            second.append(definitions.metric(projects[''][0]['name']))
            second = [m for i, m in enumerate(second) if m['name'] not in [o['name'] for o in second[i + 1:]]]
        projects['second'] = second or projects['']
    more = random.Random(seed * 7 + 1)  # of its own, so that other draws of a seed stay as they are
    if more.random() < 0.5:
        projects[''].append(model_funnel.make(more, Definitions(more), 'funnel_0'))
        if 'second' in projects and more.random() < 0.7:
            kept = projects[''][-1] if more.random() < 0.5 else model_funnel.make(more, Definitions(more), 'funnel_0')
            projects['second'] = [m for m in projects['second'] if m['name'] != 'funnel_0'] + [kept]
    if more.random() < 0.5:
        projects[''].append(model_retention.make(more, Definitions(more), 'retention_0'))
        if 'second' in projects and more.random() < 0.7:
            kept = projects[''][-1] if more.random() < 0.5 else model_retention.make(more, Definitions(more), 'retention_0')
            projects['second'] = [m for m in projects['second'] if m['name'] != 'retention_0'] + [kept]
    if more.random() < 0.6:
        def with_sessions(metrics):
            spec = model_sessions.make(more, Definitions(more), 'sessions_0')
            return metrics + [spec] + [model_sessions.make_over(more, OverSessions(more), spec, 'over_%d' % i) for i in range(more.choice([0, 1, 1, 2]))]

        kept = with_sessions([])
        if 'second' in projects and more.random() < 0.7:
            projects['second'] = (projects['second'] if projects['second'] is not projects[''] else list(projects[''])) + (
                kept if more.random() < 0.5 else with_sessions([]))
        projects[''] = projects[''] + kept
    for metric in {id(m): m for metrics in projects.values() for m in metrics}.values():
        if metric.get('kind') in (None, 'over') and more.random() < 0.15:
            metric['latency'] = more.choice(['minutes', 'batch'])
    options = []
    if rng.random() < 0.3:
        options.append('groups at most %d' % rng.choice([1, 2, 5, 20]))
    if rng.random() < 0.3:
        options.append('dedup open at most %d' % rng.choice([1, 3, 10]))
    if rng.random() < 0.15:
        options.append('job windows at most %d' % rng.choice([2, 10]))
    if rng.random() < 0.15:
        options.append('cut records at most %d' % rng.choice([1, 2, 7]))
    options.append('emit every ' + rng.choice(['0s', '400ms', '10s']))
    options.append('checkpoint every ' + rng.choice(['0s', '2s', '2s', '2s', '10s', '1h']))

    sender = Sender(rng, sources)
    cuts, crashes, idles = rng.random() * 0.3, rng.choice([0, 0.05, 0.1, 0.2]), rng.random() * 0.2
    steps, wall, project = [], START + rng.randint(0, DAY), ''
    start = wall
    steps.append(('at', wall))
    for _ in range(rng.choice([1, 3, 8, 15, 30])):
        r = rng.random()
        if r < idles:
            wall += rng.choice([61 * SECOND, 70 * SECOND, 10 * MINUTE, HOUR, DAY, DAY - 1, DAY + 1, 8 * DAY])
        elif r < 0.8:
            wall += rng.choice([1, 10, 500, 1000, 3000, 10_000])
        steps.append(('at', wall))
        steps.append(sender.request(wall))
        if rng.random() < cuts:
            steps.append((rng.choice(['cut', 'cut', 'settle']),))
        if rng.random() < crashes:
            steps += crash(rng)
        if 'second' in projects and project == '' and rng.random() < 0.1:
            project = 'second'
            steps.append((more.choice(['restart second', 'define second']),))
        elif 'second' in projects and project and more.random() < 0.15:  # back and forth, also before a change is complete
            steps += [('define',), ('cut',)] if more.random() < 0.5 else [('define',)]
            if more.random() < 0.7:
                steps.append(('define second',))
            else:
                project = ''
    # Filling windows are emitted every so often: at the end every one of them was.
    wall += rng.choice([10_000, 10_001, MINUTE, 10 * MINUTE, HOUR, 2 * DAY])
    steps.append(('at', wall))
    if any('latency' in m for metrics in projects.values() for m in metrics):
        # The hour in which windows close, and the one in which a batch finds them closed.
        steps += [('settle',), ('at', wall + HOUR + MINUTE), ('settle',), ('at', wall + 2 * (HOUR + MINUTE))]
    history = {'seed': seed, 'sources': sources, 'projects': projects, 'options': options, 'steps': steps, 'start': start,
            'ones': rng.random() < 0.08}
    for metric in {id(m): m for metrics in projects.values() for m in metrics}.values():
        if metric.get('kind') == 'funnel' and more.random() < 0.8:
            metric['within'] = model_funnel.exact_within(more, metric, fold(history))
        if metric.get('kind') == 'sessions' and more.random() < 0.5:
            metric['gap'] = model_sessions.exact_gap(more, metric, fold(history))
        if metric.get('kind') == 'sessions' and more.random() < 0.3:
            metric['lateness'] = model_sessions.exact_lateness(more, metric, fold(history))
    join(random.Random(seed * 13 + 5), history)
    return history


def join(rng, history):
    """Joins for some of the definitions; the second project has other rows of the same dimensions, so that a change of it reloads them."""
    if rng.random() < 0.5:
        return
    names = ['accounts', 'plans'][:rng.choice([1, 2])]
    of_events = [m for m in {id(m): m for metrics in history['projects'].values() for m in metrics}.values()
                 if m.get('kind') in (None, 'funnel') and not m.get('from')]
    for metric in of_events:
        if rng.random() < 0.6:
            model_joins.attach(rng, metric, names)
    times = sorted({e.time for e in fold(history).events})
    history['dimensions'] = {'': [model_joins.dimension(rng, name, times, TEXTS, NUMBERS) for name in names]}
    if 'second' in history['projects']:
        history['dimensions']['second'] = [model_joins.dimension(rng, d['name'], times, TEXTS, NUMBERS, d) if rng.random() < 0.8 else d
                                           for d in history['dimensions']['']]


def crash(rng):
    kind = rng.randint(0, 5)
    if kind == 0:
        return [('restart',)]
    if kind == 1:
        return [('power cut after %d' % rng.randint(0, 40),), ('go on',), ('restart',)]
    if kind == 2:
        return [('store dies after %d' % rng.randint(0, 30),), ('go on',), ('restart',)]
    if kind == 3:
        return [('store dies after %d' % rng.randint(0, 12),), ('go on',), ('store back',), ('settle',)]
    if kind == 4:
        return [('lose reply %d %s' % (rng.randint(1, 6), rng.choice(['stored', 'absent'])),), ('go on',)]
    return [('refuse insert %d' % rng.randint(1, 6),), ('cut',)]


def project_of(history):
    """The name of the project that runs at the end."""
    changes = [step[0] for step in history['steps'] if step[0] in ('restart second', 'define second', 'define')]
    return 'second' if changes and changes[-1].endswith('second') else ''


def scenario_text(history, title, questions):
    lines = [title, '== sources']
    lines += ['- {name: %s, disorder: %s, idle: %s, dedup: %s}' % (s['name'], duration(s['disorder']), duration(s['idle']), duration(s['dedup']))
              for s in history['sources']]
    for name, metrics in history['projects'].items():
        lines.append(('== metrics ' + name).rstrip())
        lines += metrics_text([m for m in metrics if m.get('kind') in (None, 'over')])
        for section, kind, model in (('funnels', 'funnel', model_funnel), ('retention', 'retention', model_retention),
                                     ('sessions', 'sessions', model_sessions)):
            of_kind = [m for m in metrics if m.get('kind') == kind]
            if of_kind:
                lines.append(('== %s %s' % (section, name)).rstrip())
                lines += model.text(of_kind, duration, show, yaml_text)
        if history.get('dimensions'):
            lines += model_joins.sections(history['dimensions'][name], name, stamp)
    lines.append('== run')
    lines += history['options']
    for step in history['steps']:
        if step[0] == 'at':
            lines.append('at %sZ' % stamp(step[1]))
        elif step[0] == 'send':
            lines.append('send %s %s' % (step[1], step[2]))
        else:
            lines.append(step[0])
    return '\n'.join(lines + questions) + '\n'


assert number_of_json('1') == ONE
