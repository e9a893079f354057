"""differential.py - random histories through the whole pipeline: rows of the stream = rows of the printed SQL = the naive model.

Use     differential.py --runner PROGRAM [--count 500] [--seed 1] [--workers 2] [--out FOLDER]
        differential.py --runner PROGRAM --seed N --count 1     runs one history again
Prints  what the histories contained; a zero among it fails, since what does not happen is not tested. Per failure how to run it
        again, and a smaller history that still fails, as a text test in FOLDER.
"""
import argparse
import collections
import multiprocessing
import os
import subprocess
import sys
import time

import histories
import model_funnel
import model_panels
import model_joins
import model_retention
import model_sessions
import naive_model
from planted_bugs import PLANTED

EVENT_COLUMNS = ('source, event, message_id, event_time, received_at, user_id, anonymous_id, stitching_key, user_key, '
                 "arrayStringConcat(arrayMap((k, v) -> concat(k, '=', v), mapKeys(texts), mapValues(texts)), '\\u0001'), "
                 "arrayStringConcat(arrayMap((k, v) -> concat(k, '=', toString(v)), mapKeys(numbers), mapValues(numbers)), '\\u0001'), "
                 "properties, context, extra, arrayStringConcat(flags, ','), watermark, dialect, log_offset").replace('\\u0001', '\\x01')


class Runner:
    """One history_runner process: scenario in, answers out."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def answers(self, text, ones):
        """A list of texts, or an error as text."""
        data = text.encode()
        self.process.stdin.write(b'%d %d\n' % (len(data), ones) + data)
        self.process.stdin.flush()
        out = []
        while True:
            line = self.process.stdout.readline()
            if not line:
                return 'the runner died with %s' % self.process.wait()
            word, size = line.split()
            body = self.process.stdout.read(int(size)).decode()
            if word == b'error':
                return body
            if word == b'end':
                return out
            out.append(body)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


UNESCAPED = {'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', '0': '\0', '\\': '\\', "'": "'"}


def cell(text):
    if text == '\\N':
        return None
    out, i = '', 0
    while i < len(text):
        if text[i] == '\\':
            i += 1
            out += UNESCAPED[text[i]]
        else:
            out += text[i]
        i += 1
    return out


def table(text):
    return [tuple(cell(c) for c in line.split('\t')) for line in text.split('\n')[1:-1]]


def metric_table(metric, text):
    """With the columns in the order of the definition: the printed SQL has them in that of the plan."""
    header = text.split('\n')[0].split('\t')
    wanted = ['window_start', 'window_end'] + [d['name'] for d in metric['dimensions']] + [m['name'] for m in metric['measures']] + ['state']
    if metric.get('kind'):
        wanted = model_of(metric).columns(metric)
    if sorted(header) != sorted(wanted):
        return [tuple(header)]
    at = [header.index(name) for name in wanted]
    return order([tuple(row[i] for i in at) for row in table(text)])


def instant(ms):
    return '1900-01-01 00:00:00.000' if ms is None else histories.stamp(ms).replace('T', ' ')


def shown(value):
    if value is None:
        return None
    kind, v = value
    return {'text': lambda: v, 'count': lambda: str(v), 'number': lambda: naive_model.number_text(v), 'time': lambda: instant(v),
            'top': lambda: '[%s]' % ','.join("('%s',%d)" % item for item in v)}[kind]()


def order(rows):
    return sorted(rows, key=lambda row: [(c is None, c or '') for c in row])


def model_of(metric):
    return {None: naive_model, 'funnel': model_funnel, 'retention': model_retention, 'sessions': model_sessions, 'over': model_sessions}[metric.get('kind')]


def expected_rows(metric, outcome, hurt=None):
    return order([tuple(shown(v) for v in row) for row in model_of(metric).rows_of(metric, outcome, hurt)])


FLAGS = ['no_zone', 'clock_corrected', 'future', 'derived_id', 'random_id', 'wide', 'extra']


def expected_events(outcome, ids):
    """Derived and random ids are hashes: the model knows only which are equal, so each is compared as the name it gets in `ids`."""
    rows = []
    for e in outcome.events:
        known = isinstance(e.message_id, str)
        name = (lambda text, e=e: text if isinstance(text, str) else ids[e.position])
        rows.append((e.source, e.event, e.message_id if known else ids[e.position], instant(e.time), instant(e.received_at), e.user_id, e.anonymous_id,
                     name(e.stitching_key), name(e.user_key), '\x01'.join('%s=%s' % item for item in e.texts.items()),
                     '\x01'.join('%s=%s' % (k, naive_model.number_text(v)) for k, v in e.numbers.items()), e.properties, e.context, e.extra,
                     ','.join(f for f in FLAGS if f in e.flags), instant(e.watermark), 'native', str(e.position)))
    return rows


def questions_of(history):
    metrics = history['projects'][histories.project_of(history)]
    out = []
    for metric in metrics:
        out += ['rows ' + metric['name'], 'definition ' + metric['name']]
    out += ['events ' + EVENT_COLUMNS, 'quarantine', 'duplicates', 'identities', 'ledger', 'counts']
    return metrics, out + [model_panels.question(panel) for panel in model_panels.asked(history, metrics)]


def name_ids(outcome, events):
    """Gives the model's derived and random ids the names that the program found for them."""
    ids = {int(row[-1]): row[2] for row in events}
    for e in outcome.events:
        if isinstance(e.message_id, str):
            continue
        found = ids.get(e.position, '?')
        e.texts_by_id = e.message_id
        for attribute in ('stitching_key', 'user_key', 'message_id'):
            if not isinstance(getattr(e, attribute), str):
                setattr(e, attribute, found)
    return ids


class Check:
    """One history against its answers: the first difference as text, or None."""

    def __init__(self, history, answers):
        self.history, self.answers = history, answers
        self.outcome = naive_model.fold(history)
        model_joins.use(history, histories.project_of(history))
        self.metrics, _ = questions_of(history)
        if isinstance(answers, str):
            return
        n = 2 * len(self.metrics)
        self.events, self.quarantine, self.duplicates, self.identities, self.ledger = (table(a) for a in answers[n:n + 5])
        self.panels = list(zip(model_panels.asked(history, self.metrics), answers[n + 6:]))
        self.counts = dict(zip(answers[n + 5].split()[::2], map(int, answers[n + 5].split()[1::2])))
        # Duplicates of derived ids carry the id of the stored one.
        derived = {}
        before = [(e, e.message_id) for e in self.outcome.events]
        ids = name_ids(self.outcome, self.events)
        for e, message_id in before:
            if not isinstance(message_id, str):
                derived[message_id] = e.message_id
        self.ids = ids
        self.expected_duplicates = [(s, m if isinstance(m, str) else derived.get(m, '?'), instant(a), instant(f), str(c))
                                    for s, m, a, f, c in self.outcome.duplicates]

    def difference(self):
        if isinstance(self.answers, str):
            return self.answers
        pairs = [('events', self.events, expected_events(self.outcome, self.ids)),
                 ('quarantine', self.quarantine, [(s, instant(a), r, p, raw) for s, a, r, p, raw in self.outcome.quarantine]),
                 ('duplicates', self.duplicates, self.expected_duplicates),
                 ('identities', self.identities, [(s, a, u, instant(at)) for s, a, u, at in self.outcome.identities]),
                 ('ledger', self.ledger, order([(s, instant(m)) + tuple(map(str, c)) for (s, m), c in self.outcome.ledger.items()]))]
        for name, actual, expected in pairs:
            if actual != expected:
                return different(name, actual, expected)
        for row in self.ledger:
            received, stored, quarantined, duplicate = map(int, row[2:6])
            if received != stored + quarantined + duplicate:
                return 'the ledger does not balance: %s' % (row,)
        for i, metric in enumerate(self.metrics):
            expected = expected_rows(metric, self.outcome)
            for what, answer in (('stream', self.answers[2 * i]), ('printed SQL', self.answers[2 * i + 1])):
                actual = metric_table(metric, answer)
                if actual != expected:
                    return different('%s: %s' % (metric['name'], what), actual, expected)
        for panel, answer in self.panels:
            actual, expected = order(table(answer)), order(model_panels.rows_of(panel, self.outcome))
            if actual != expected:
                return different(model_panels.question(panel), actual, expected)
        return None

    def finds(self, hurt):
        """Whether a planted bug in the expectation makes a difference somewhere: (any measure it could hurt, difference found)."""
        model_joins.HOW[0] = getattr(hurt, 'find', model_joins.find)
        try:
            return any(expected_rows(metric, self.outcome, hurt) != metric_table(metric, self.answers[2 * i]) for i, metric in enumerate(self.metrics))
        finally:
            model_joins.HOW[0] = model_joins.find


def different(name, actual, expected):
    lines = ['%s differs' % name]
    for row in [r for r in actual if r not in expected][:5]:
        lines.append('  program %r' % (row,))
    for row in [r for r in expected if r not in actual][:5]:
        lines.append('  model   %r' % (row,))
    if len(lines) == 1:
        lines.append('  the order, or how often: %d rows, %d expected' % (len(actual), len(expected)))
    return '\n'.join(lines)


def text_of(history, with_expected=False):
    _, questions = questions_of(history)
    return histories.scenario_text(history, 'Seed %d.' % history['seed'], questions)


def check(runner, history):
    return Check(history, runner.answers(text_of(history), history['ones']))


def smaller(history):
    """Histories with something left out, large parts first. The first step and the last set the clock: they stay."""
    steps, last = history['steps'][:-1], history['steps'][-1:]
    size = len(steps) // 2
    while size:
        for at in range(1, len(steps), size):
            yield dict(history, steps=steps[:at] + steps[at + size:] + last)
        size //= 2
    for i, step in enumerate(steps):
        if step[0] == 'send' and step[2].startswith('['):
            parts = naive_model.pieces(step[2])
            for k in range(len(parts) if len(parts) > 1 else 0):
                body = '[' + ','.join(parts[:k] + parts[k + 1:]) + ']'
                yield dict(history, steps=steps[:i] + [('send', step[1], body)] + steps[i + 1:] + last)
    for name, metrics in history['projects'].items():
        for i in range(len(metrics) if len(metrics) > 1 else 0):
            yield dict(history, projects=dict(history['projects'], **{name: metrics[:i] + metrics[i + 1:]}))
        for i, metric in enumerate(metrics):
            for k in range(len(metric['measures']) if len(metric['measures']) > 1 else 0):
                less = dict(metric, measures=metric['measures'][:k] + metric['measures'][k + 1:])
                yield dict(history, projects=dict(history['projects'], **{name: metrics[:i] + [less] + metrics[i + 1:]}))
            if metric['dimensions']:
                less = dict(metric, dimensions=metric['dimensions'][1:])
                yield dict(history, projects=dict(history['projects'], **{name: metrics[:i] + [less] + metrics[i + 1:]}))
    for i in range(len(history['options'])):
        yield dict(history, options=history['options'][:i] + history['options'][i + 1:])


def shrink(runner, history, seconds):
    """The smallest history found that still fails, by leaving things out again and again."""
    until, found = time.monotonic() + seconds, True
    while found and time.monotonic() < until:
        found = False
        for candidate in smaller(history):
            if time.monotonic() > until:
                break
            answers = runner.answers(text_of(candidate), candidate['ones'])
            if isinstance(answers, str) and 'the runner died' in answers:
                return history
            # A history that the rig refuses (an unknown project, options too late) fails for another reason.
            if isinstance(answers, str) and 'rig does not' not in answers and 'line ' in answers and 'metrics/m.yaml' in answers:
                continue
            if Check(candidate, answers).difference():
                history, found = candidate, True
                break
    return history


def work(arguments):
    program, seeds, out, planted_from = arguments
    runner = Runner(program)
    totals, failures = collections.Counter(), []
    found = collections.Counter()
    for seed in seeds:
        history = histories.make(seed)
        result = check(runner, history)
        difference = result.difference()
        if difference:
            failures.append((seed, difference))
            if len(failures) <= 2 and 'the runner died' not in difference:
                small = shrink(runner, history, 60)
                path = os.path.join(out, 'shrunk-%d.test' % seed)
                with open(path, 'w') as file:
                    file.write(histories.scenario_text(small, 'Seed %d, shrunk: %s' % (seed, difference.split('\n')[0]), questions_of(small)[1]))
                failures[-1] = (seed, difference + '\n  smaller: ' + path + '\n' + str(check(runner, small).difference()))
            if 'the runner died' in difference:
                runner = Runner(program)
            continue
        totals.update(tally(history, result))
        if seed < planted_from:
            for name, hurt in PLANTED.items():
                if not found[name] and result.finds(hurt):
                    found[name] += 1
    runner.close()
    return totals, failures, found


def reloads(history):
    """How often other rows of a dimension came under a definition that stayed, with everything running."""
    dimensions, projects = history.get('dimensions', {}), history['projects']
    if len(dimensions) < 2:
        return 0
    changed = {a['name'] for a, b in zip(dimensions[''], dimensions['second']) if a is not b}
    stays = [m for m in projects[''] if any(m is o for o in projects['second']) and any(j['dimension'] in changed for j in m.get('joins', []))]
    return bool(stays) * sum(step[0].startswith('define') for step in history['steps'])


def tally(history, result):
    outcome, counts = result.outcome, collections.Counter()
    for metric in result.metrics:
        model_joins.tally(metric, outcome, counts, naive_model)
        late, revised = model_of(metric).late_windows(metric, outcome)
        kind = metric.get('kind', 'row')
        if kind != 'row':
            model_of(metric).tally(metric, outcome, counts)
        counts['windows with late events'] += late
        counts['of late and timely events'] += revised
        for row in model_of(metric).rows_of(metric, outcome):
            counts[{'sessions': 'session', 'over': 'row over session'}.get(kind, kind) + 's ' + row[-1][1]] += 1
        counts[('' if kind == 'row' else kind + ': ') + metric['window']['kind'] + ' windows'] += 1
        counts['latency ' + metric.get('latency', 'realtime')] += 1
        for measure in metric['measures']:
            counts['measure ' + measure['kind']] += 1
            counts['filtered measures'] += measure.get('where') is not None
    for panel, _ in result.panels:
        model_panels.tally(panel, outcome, counts)
    counts['rows of a dimension changed'] += reloads(history)
    for _, _, _, _, conflict in outcome.duplicates:
        counts['duplicates'] += 1
        counts['conflicts'] += conflict
    counts['events'] += len(outcome.events)
    counts['quarantined'] += len(outcome.quarantine)
    counts['links'] += len(outcome.identities)
    counts['events before 1970'] += sum(e.time < 0 for e in outcome.events)
    for e in outcome.events:
        counts.update('flag ' + f for f in e.flags)
    for step in history['steps']:
        for word in ('restart', 'power cut', 'store dies', 'lose reply', 'refuse insert', 'restart second', 'define'):
            counts[word] += step[0].startswith(word)
    counts['batches of one'] += history['ones']
    for name, n in result.counts.items():
        counts['rig: ' + name] += n
    return counts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--runner', required=True)
    parser.add_argument('--count', type=int, default=500)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--out', default='.')
    options = parser.parse_args()
    began = time.monotonic()
    seeds = range(options.seed, options.seed + options.count)
    shares = [(options.runner, seeds[i::options.workers], options.out, options.seed + 200) for i in range(options.workers)]
    with multiprocessing.Pool(options.workers) as pool:
        results = pool.map(work, shares)
    totals, failures, found = collections.Counter(), [], collections.Counter()
    for part in results:
        totals.update(part[0])
        failures += part[1]
        found.update(part[2])
    for seed, difference in sorted(failures)[:10]:
        print('FAIL  seed %d: %s\n  again: tests/property/differential.py --runner %s --seed %d --count 1' % (seed, difference, options.runner, seed))
    print('%d histories, %d failed, %.0f s' % (options.count, len(failures), time.monotonic() - began))
    if options.count < 100:
        sys.exit(bool(failures))
    wanted = ['windows with late events', 'of late and timely events', 'rows filling', 'rows final', 'rows revised', 'tumble windows', 'hop windows',
              'cumulate windows', 'calendar windows', 'filtered measures', 'duplicates', 'conflicts', 'events', 'quarantined', 'links', 'events before 1970', 'restart',
              'restart second', 'define', 'latency minutes', 'latency batch', 'power cut', 'store dies', 'lose reply', 'refuse insert', 'batches of one', 'rig: jobs', 'rig: windows', 'rig: revisions',
              'rig: evictions', 'rig: adopted', 'rig: replayed', 'rig: skipped', 'rig: fences', 'rig: retries']
    wanted += ['measure ' + k for k in ('count', 'count_of', 'sum', 'avg', 'min', 'max', 'distinct', 'percentile', 'first', 'last', 'topk', 'derived')]
    wanted += ['funnels', 'strict funnels', 'funnels reached step 2', 'funnels reached step 3', 'converted at once', 'converted at the last moment',
               'keys with several entries', 'funnels filling', 'funnels final', 'funnels revised']
    wanted += ['funnel panels with people', 'funnel panels split', 'funnel panels filtered', 'funnel panels reached step 2']
    wanted += ['retentions', 'keys in cohorts', 'cohorts moved', 'returns before the start', 'people who came back', 'retentions filling',
               'retentions final', 'retentions revised']
    wanted += ['joins', 'joins that matched', 'joins without a row', 'joins of a NULL key', 'joins that crossed a boundary',
               'rows joined in their first millisecond', 'rows over in the very millisecond', 'rows of a dimension changed']
    wanted += ['sessions filling', 'sessions final', 'sessions revised', 'row over sessions filling', 'row over sessions final',
               'row over sessions revised', 'over: hop windows',
               'sessions in windows', 'sessions cut by max', 'runs merged', 'sessions that became another', 'pauses of exactly the gap',
               'users learnt after the start']
    wanted += ['flag ' + f for f in FLAGS if f != 'wide']
    for name in wanted:
        print('  %-28s %d' % (name, totals[name]))
    missing = [name for name in wanted if not totals[name]]
    if missing:
        print('FAIL  never happened: ' + ', '.join(missing))
    for name in PLANTED:
        print('%s  planted bug: %s' % ('ok  ' if found[name] else 'FAIL', name))
    unseen = [name for name in PLANTED if not found[name]]
    passed = options.count - len(failures) + len(PLANTED) - len(unseen) + (not missing)
    failed = len(failures) + len(unseen) + bool(missing)
    print('%d passed, %d failed' % (passed, failed))
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
