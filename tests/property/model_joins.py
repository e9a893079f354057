"""model_joins.py - dimension rows as of event time (semantics R11) by looking at every row; and random files, as CSV and as JSON lines.

A joined value is ('joined text' or 'joined number', name, column, join), a join {'name', 'dimension', 'on'}. A dimension is {'name', 'key', 'path',
'valid', 'columns', 'rows'}, a row {'key', 'from', 'to', 'values': column -> what the file says}; the raw value of JSON is its text, of CSV the field.
"""
import json
import re

NUMBER = re.compile(r'-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?')
COLUMNS = [('plan', 'plan'), ('seats', 'seats'), ("['x.y']", 'x.y'), ("['a key']", 'a key')]  # as written behind the join, and in the file
DIMENSIONS = {}  # by name: those of the project that runs at the end
BEFORE = {}  # by name: those of the project before it


def use(history, project):
    DIMENSIONS.clear()
    BEFORE.clear()
    DIMENSIONS.update({d['name']: d for d in history.get('dimensions', {}).get(project, [])})
    BEFORE.update({d['name']: d for d in history.get('dimensions', {}).get('second' if project == '' else '', [])})


def find(join, key, time):
    """The row, or None."""
    if key is None:
        return None
    for row in DIMENSIONS[join['dimension']]['rows']:
        if row['key'] == key and (row['from'] is None or row['from'] <= time) and (row['to'] is None or time < row['to']):
            return row
    return None


HOW = [find]  # the way that is right; a planted bug puts its own in its place


def values(dimension, row, column, naive):
    """(text, number) of a row under a column."""
    if row is None or column not in row['values']:
        return None, None
    raw = row['values'][column]
    if dimension['path'].endswith('.csv'):
        if raw == '':
            return None, None
        return raw, naive.number_of_json(raw) if NUMBER.fullmatch(raw) else None
    if raw == 'null':
        return None, None
    if raw[0] == '"':
        return json.loads(raw), None
    if raw[0] in '-0123456789':
        number = naive.number_of_json(raw)
        return (raw if number is None else naive.number_text(number)), number
    return raw, None  # true, false


def value(e, event, naive):
    kind, _, column, join = e
    row = HOW[0](join, naive.text_of(join['on'], event), event.time)
    return values(DIMENSIONS[join['dimension']], row, column, naive)[kind == 'joined number']


def show(e):
    written = next(shown for shown, column in COLUMNS if column == e[2])
    return '%s(%s%s)' % (e[0].split()[1], e[1], written if written[0] == '[' else '.' + written)


# ---- Random ones.
def attach(rng, metric, dimensions):
    """Joins for a metric or a funnel, and a dimension or measures that read them."""
    join = {'name': rng.choice(['account', 'j']), 'dimension': rng.choice(dimensions),
            'on': rng.choice([('text', 'properties.s'), ('text', 'properties.s'), ('text', 'properties.n'), ('name', 'user_id'), ('lower', ('text', 'properties.s'))])}
    metric['joins'] = [join]

    def joined(kind):
        return 'joined ' + kind, join['name'], rng.choice(COLUMNS)[1], join

    if metric.get('kind') == 'funnel' or rng.random() < 0.7:
        metric['dimensions'] = metric['dimensions'] + [{'name': 'joined', 'value': joined('text')}]
    if metric.get('kind') == 'funnel':
        return
    if rng.random() < 0.6 or not metric['dimensions']:
        e = joined('number')
        metric['measures'] = metric['measures'] + [{'name': 'm_sum', 'kind': 'sum', 'type': 'number', 'where': None, 'argument': e, 'definition': 'sum(%s)' % show(e)}]
    if rng.random() < 0.5:
        e = joined('text')
        metric['measures'] = metric['measures'] + [{'name': 'm_distinct', 'kind': 'distinct', 'type': 'text', 'where': None, 'argument': e,
                                                    'definition': 'distinct(%s)' % show(e)}]
    if rng.random() < 0.3:
        e = joined('text')
        where = ('is null', 'text', e) if rng.random() < 0.3 else ('compare', 'text', '!=', e, ('literal', 'pro', "'pro'"))
        metric['where'] = ('and', metric['where'], where) if metric['where'] else where


def dimension(rng, name, times, texts, numbers, previous=None):
    """`times`: of the history's events, so that rows begin and end in the very millisecond of some."""
    out = dict(previous) if previous else {'name': name, 'key': rng.choice(['id', 'the key']), 'valid': rng.random() < 0.75,
                                           'path': 'dimensions/%s.%s' % (name, rng.choice(['csv', 'csv', 'jsonl']))}
    csv = out['path'].endswith('.csv')

    def raw():
        r = rng.random()
        if r < 0.1:
            return '' if csv else 'null'
        if r < 0.5:
            return rng.choice([n for n in numbers if csv or n != '1e400'])
        text = rng.choice(['pro', 'free', rng.choice(texts)])
        if csv:
            return text
        return rng.choice(['true', 'false']) if r < 0.55 else json.dumps(text, ensure_ascii=rng.random() < 0.5)

    # All columns are there, so that a definition that reads them is good whatever the rows.
    rows = [{'key': 'nobody', 'from': None, 'to': None, 'values': {c: '1' for _, c in COLUMNS}}]
    keys = ['a', 'b', 'pro', 'free', 'A', 'ab', 'ä', 'u1', 'u2', '1', '2', '3', '0', '10', '12.5'] + [t for t in texts if t and len(t) < 20] + ([] if csv else [''])
    for key in sorted(set(rng.choice(keys) for _ in range(rng.choice([1, 5, 15, 30])))):
        edges = sorted(set(rng.choice(times) + rng.choice([0, 0, 1]) for _ in range(rng.choice([1, 2, 3])))) if times else [0]
        spans = list(zip([None] + edges, edges + [None])) if out['valid'] else [(None, None)]
        for start, end in spans:
            if out['valid'] and rng.random() < 0.2:
                continue  # a gap
            rows.append({'key': key, 'from': start, 'to': end, 'values': {c: raw() for _, c in COLUMNS if rng.random() < 0.9 or csv}})
    rng.shuffle(rows)
    return dict(out, rows=rows)


def quote(field):
    return '"' + field.replace('"', '""') + '"' if any(c in field for c in ',"\n\r') else field


def file_lines(d, stamp):
    names = [d['key']] + (['since', 'until'] if d['valid'] else [])
    columns = [c for _, c in COLUMNS]
    if d['path'].endswith('.csv'):
        lines = [','.join(quote(n) for n in names + columns)]
        for row in d['rows']:
            own = [row['key']] + (['' if t is None else stamp(t) + 'Z' for t in (row['from'], row['to'])] if d['valid'] else [])
            lines.append(','.join(quote(f) for f in own + [row['values'][c] for c in columns]))
        return lines
    lines = []
    for row in d['rows']:
        fields = ['%s:%s' % (json.dumps(d['key']), json.dumps(row['key']))]
        if d['valid']:
            fields += ['"%s":"%sZ"' % (n, stamp(t)) for n, t in (('since', row['from']), ('until', row['to'])) if t is not None]
        fields += ['%s:%s' % (json.dumps(c), v) for c, v in row['values'].items()]
        lines.append('{' + ','.join(fields) + '}')
    return lines


def sections(dimensions, project, stamp):
    lines = [('== dimensions ' + project).rstrip()]
    for d in dimensions:
        valid = ', valid_from: since, valid_to: until' if d['valid'] else ''
        lines.append('- {name: %s, key: %s, file: %s%s}' % (d['name'], json.dumps(d['key']), d['path'], valid))
    for d in dimensions:
        lines += [('== file %s %s' % (d['path'], project)).rstrip()] + file_lines(d, stamp)
    return lines


def tally(metric, outcome, counts, naive):
    for join in metric.get('joins', []):
        counts['joins'] += 1
        rows = {}
        for event in outcome.events:
            key = naive.text_of(join['on'], event)
            row = find(join, key, event.time)
            counts['joins that matched'] += row is not None
            counts['joins without a row'] += key is not None and row is None
            counts['joins of a NULL key'] += key is None
            if row is not None:
                rows.setdefault(key, set()).add(id(row))
                counts['rows joined in their first millisecond'] += row['from'] == event.time
            counts['rows over in the very millisecond'] += any(r['key'] == key and r['to'] == event.time for r in DIMENSIONS[join['dimension']]['rows'])
        counts['joins that crossed a boundary'] += sum(len(found) > 1 for found in rows.values())


# ---- Planted bugs: other ways to find a row.
def rows_of(join, key):
    return [r for r in DIMENSIONS[join['dimension']]['rows'] if r['key'] == key]


def join_is_as_of_the_end_of_time(join, key, time):
    return next((r for r in rows_of(join, key) if r['to'] is None), None)


def join_takes_a_row_in_its_last_millisecond(join, key, time):
    return next((r for r in rows_of(join, key) if r['to'] == time), find(join, key, time))


def join_takes_a_row_a_millisecond_late(join, key, time):
    return next((r for r in rows_of(join, key) if (r['from'] is None or r['from'] < time) and (r['to'] is None or time <= r['to'])), None)


def join_of_null_is_that_of_the_empty_text(join, key, time):
    return find(join, key or '', time)


def join_ignores_case(join, key, time):
    if key is None:
        return None
    found = [find(join, r['key'], time) for r in DIMENSIONS[join['dimension']]['rows'] if r['key'].lower() == key.lower()]
    return next((r for r in found if r), None)


def join_has_the_rows_from_before_the_file_changed(join, key, time):
    if not BEFORE or join['dimension'] not in BEFORE:
        return find(join, key, time)
    after = DIMENSIONS[join['dimension']]
    try:
        DIMENSIONS[join['dimension']] = dict(BEFORE[join['dimension']], path=after['path'])
        return find(join, key, time)
    finally:
        DIMENSIONS[join['dimension']] = after


BUGS = [join_is_as_of_the_end_of_time, join_takes_a_row_in_its_last_millisecond, join_takes_a_row_a_millisecond_late,
        join_of_null_is_that_of_the_empty_text, join_ignores_case, join_has_the_rows_from_before_the_file_changed]
