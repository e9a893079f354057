"""git_file.py - the git example's numbers: through the whole pipeline, and by a few lines of Python that know nothing of it.

Use     git_file.py --runner PROGRAM [--events N]     0, the default: all of them
Checks  commits, authors, lines, p99 and lines per commit per day and repository, the funnel from writing to landing, who comes back and how people work, per week, once sent in order and once with crashes between.
"""
import argparse
import bisect
import collections
import datetime
import decimal
import gzip
import hashlib
import json
import os
import sys
import time

from differential import Runner, table

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'examples', 'git')
METRIC = """- name: commits_daily
  question: Who is active?
  where: event = 'commit_authored'
  window: {tumble: 1d}
  dimensions:
    repo: properties.repo
  measures:
    commits: count()
    authors: distinct(user_key)
    lines: sum(properties.insertions)
    p99_lines: "percentile(properties.insertions, 0.99)"
    lines_per_commit: {value: lines / commits, label: Lines per commit}"""


WEEK = 7 * 86_400_000
FUNNEL = """- name: author_to_lander
  question: Who goes from writing to landing?
  by: user_key
  within: 7d
  window: {tumble: 7d, offset: 4d}
  steps:
    - {name: wrote, where: event = 'commit_authored'}
    - {name: landed, where: event = 'commit_landed'}"""


RETENTION = """- name: weekly_authors
  question: Who comes back to write?
  by: user_key
  window: {tumble: 7d, offset: 4d}
  periods: 8
  start: event = 'commit_authored'
  return: event = 'commit_authored'"""


SESSIONS = '- {name: visits, gap: 30m, max: 24h}'
WEEKLY = """- name: visits_weekly
  question: How do people work through a week?
  from: visits
  window: {tumble: 7d, offset: 4d}
  measures: {visits: count(), people: distinct(user_key), avg_events: avg(events)}"""


def monday(ms):
    return (ms - 4 * 86_400_000) // WEEK * WEEK + 4 * 86_400_000


def times_by_person(events, name):
    """user -> sorted times in ms; every event of the file has a user_id, so that is the user_key."""
    out = collections.defaultdict(list)
    for event in events:
        if event['event'] == name:
            time_of = datetime.datetime.fromisoformat(event['timestamp'])
            out[event['user_id']].append((time_of - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(milliseconds=1))
    return {user: sorted(times) for user, times in out.items()}


def funnel_by_hand(events):
    """(Monday, step) -> (people, median): for each commit written the first one landed by the same person within 7 days."""
    wrote, landed = times_by_person(events, 'commit_authored'), times_by_person(events, 'commit_landed')
    people, converted = collections.defaultdict(set), {}
    for user, times in wrote.items():
        for start in times:
            people[monday(start)].add(user)
            at = bisect.bisect_left(landed.get(user, []), start)
            if at < len(landed.get(user, [])) and landed[user][at] - start <= WEEK:
                # The earliest landing that converts; of the commits before it the latest, which comes last here.
                key, end = (monday(start), user), landed[user][at]
                if key not in converted or end <= converted[key][0]:
                    converted[key] = (end, end - start)
    out = {}
    for week, users in people.items():
        times = sorted(took for (at, _), (_, took) in converted.items() if at == week)
        out[week, '1'] = str(len(users)), '0'
        out[week, '2'] = str(len(times)), str(times[(len(times) - 1) // 2]) if times else None
    return out


def retention_by_hand(events):
    """(Monday of the first commit, week) -> people."""
    weeks = {user: {monday(t) for t in times} for user, times in times_by_person(events, 'commit_authored').items()}
    out = {}
    for first in {min(w) for w in weeks.values()}:
        for k in range(8):
            out[first, str(k)] = str(sum(min(w) == first and first + k * WEEK in w for w in weeks.values()))
    return out


def ms_of_event(event):
    moment = datetime.datetime.fromisoformat(event['timestamp'])
    return (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(milliseconds=1)


def sessions_by_hand(events):
    """session_id -> (source, key, user_key, start, end, events). Whoever has an anonymous id has that as key; all have a user_id."""
    by_key = collections.defaultdict(list)
    for i, event in enumerate(events):
        by_key[event.get('anonymous_id') or event['user_id']].append((ms_of_event(event), i, event))
    out = {}
    for key, of_key in by_key.items():
        start = before = None
        pieces = collections.defaultdict(list)
        for time, _, event in sorted(of_key, key=lambda e: e[:2]):
            if before is None or time - before > 30 * 60_000:
                start = time
            before = time
            pieces[start, (time - start) // 86_400_000].append((time, event))
        for piece in pieces.values():
            (first, event), users = piece[0], [e['user_id'] for _, e in piece if e['user_id'] != key]
            name = hashlib.md5('\x1f'.join(['history', key, event['messageId'], str(first)]).encode()).hexdigest()
            out[name] = 'history', key, users[-1] if users else key, first, piece[-1][0], str(len(piece))
    return out


def weekly_by_hand(sessions):
    """Monday -> (visits, people, events per visit)."""
    weeks = collections.defaultdict(list)
    for _, _, user, start, _, n in sessions.values():
        weeks[monday(start)].append((user, int(n)))
    out = {}
    for week, held in weeks.items():
        average = (decimal.Decimal(sum(n for _, n in held)) / len(held)).quantize(decimal.Decimal('1e-9'), decimal.ROUND_HALF_UP).normalize()
        out[week] = str(len(held)), str(len({user for user, _ in held})), '{:f}'.format(average)
    return out


def exact_ms(text):
    return datetime.datetime.fromisoformat(text + '+00:00').timestamp() * 1000


def ms_of(text):
    return int(datetime.datetime.fromisoformat(text + '+00:00').timestamp()) * 1000


def by_hand(events):
    """(day, repo) -> (commits, authors, lines, p99, lines per commit), as texts."""
    days = collections.defaultdict(list)
    for event in events:
        if event['event'] == 'commit_authored':
            day = datetime.datetime.fromisoformat(event['timestamp']).astimezone(datetime.timezone.utc).date()
            days[str(day), event['properties']['repo']].append((event['user_id'], event['properties']['insertions']))
    out = {}
    for key, commits in days.items():
        lines = sorted(n for _, n in commits)
        p99 = lines[-(-99 * len(lines) // 100) - 1]
        ratio = (decimal.Decimal(sum(lines)) / len(lines)).quantize(decimal.Decimal('1e-9'), decimal.ROUND_HALF_UP).normalize()
        out[key] = (str(len(commits)), str(len({user for user, _ in commits})), str(sum(lines)), str(p99), '{:f}'.format(ratio))
    return out


def scenario(lines, crashes):
    """Half a thousand events a request, all within a minute; with crashes, one after every tenth."""
    out = ['The git file.', '== sources', '- {name: history, disorder: 10s, idle: 5s}', '== metrics', METRIC, WEEKLY, '== funnels', FUNNEL, '== retention', RETENTION, '== sessions', SESSIONS, '== run',
           'checkpoint every 2s', 'at 2026-11-24T12:00:00Z']
    for i in range(0, len(lines), 500):
        out.append('send history [%s]' % ','.join(lines[i:i + 500]))
        if i % 5000 == 2500:
            out += ['power cut after %d' % (i // 500), 'go on', 'restart'] if crashes else ['settle']
    return '\n'.join(out + ['at 2026-11-24T13:00:00Z', 'rows commits_daily', 'sql SELECT count(), uniqExact(message_id) FROM sluice.events',
                            'ledger', 'counts', 'rows author_to_lander', 'definition author_to_lander', 'rows weekly_authors',
                            'definition weekly_authors', 'rows visits', 'definition visits', 'rows visits_weekly', 'definition visits_weekly']) + '\n'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--runner', required=True)
    parser.add_argument('--events', type=int, default=0)
    options = parser.parse_args()
    with gzip.open(os.path.join(FOLDER, 'data', 'commits.ndjson.gz'), 'rt') as file:
        lines = file.read().splitlines()
    lines = lines[:options.events or len(lines)]
    events = [json.loads(line) for line in lines]
    expected, funnel, retention = by_hand(events), funnel_by_hand(events), retention_by_hand(events)
    sessions = sessions_by_hand(events)
    weekly = weekly_by_hand(sessions)
    runner, passed, failed = Runner(options.runner), 0, 0
    for crashes in (False, True):
        began = time.monotonic()
        answers = runner.answers(scenario(lines, crashes), 0)
        name = 'git file, %d events%s' % (len(lines), ', with power cuts' if crashes else '')
        wrong = [answers] if isinstance(answers, str) else []
        if not wrong:
            rows, states = {}, collections.Counter()
            for row in table(answers[0]):
                rows[row[0][:10], row[2]] = row[3:8]
                states[row[8]] += 1
            wrong += ['%s: program %s, by hand %s' % (key, rows.get(key), expected.get(key))
                      for key in sorted(set(rows) | set(expected)) if rows.get(key) != expected.get(key)][:10]
            for what, answer in (('stream', answers[4]), ('printed SQL', answers[5])):
                rows = {(ms_of(row[0]), row[2]): (row[4], row[5]) for row in table(answer)}
                wrong += ['author_to_lander, %s, %s: program %s, by hand %s' % (what, key, rows.get(key), funnel.get(key))
                          for key in sorted(set(rows) | set(funnel)) if rows.get(key) != funnel.get(key)][:10]
            for what, answer in (('stream', answers[6]), ('printed SQL', answers[7])):
                rows = {(ms_of(row[2]), row[3]): row[4] for row in table(answer)}
                wrong += ['weekly_authors, %s, %s: program %s, by hand %s' % (what, key, rows.get(key), retention.get(key))
                          for key in sorted(set(rows) | set(retention)) if rows.get(key) != retention.get(key)][:10]
            for what, answer in (('stream', answers[8]), ('printed SQL', answers[9])):
                rows = {row[0]: row[1:4] + (exact_ms(row[4]), exact_ms(row[5]), row[6]) for row in table(answer)}
                wrong += ['visits, %s, %s: program %s, by hand %s' % (what, key, rows.get(key), sessions.get(key))
                          for key in sorted(set(rows) | set(sessions)) if rows.get(key) != sessions.get(key)][:10]
            for what, answer in (('stream', answers[10]), ('printed SQL', answers[11])):
                names = answer.split('\n')[0].split('\t')
                at = [names.index(name) for name in ('visits', 'people', 'avg_events')]
                rows = {ms_of(row[0]): tuple(row[i] for i in at) for row in table(answer)}
                wrong += ['visits_weekly, %s, %s: program %s, by hand %s' % (what, key, rows.get(key), weekly.get(key))
                          for key in sorted(set(rows) | set(weekly)) if rows.get(key) != weekly.get(key)][:10]
            if table(answers[1]) != [(str(len(lines)),) * 2]:
                wrong.append('events stored, different ids: %s' % table(answers[1]))
            ledger = table(answers[2])
            if [sum(int(row[i]) for row in ledger) for i in (2, 3, 4, 5)] != [len(lines), len(lines), 0, 0]:
                wrong.append('ledger: %s' % ledger)
            if not states['final'] or not rows:
                wrong.append('states: %s' % states)
        print('%s  %s: %d rows (%s), %.1f s; %s' % ('FAIL' if wrong else 'ok  ', name, len(expected), '' if wrong else ', '.join(
            '%d %s' % (n, s) for s, n in sorted(states.items())), time.monotonic() - began, answers[3] if not wrong else ''))
        for line in wrong:
            print('  ' + line)
        passed, failed = passed + (not wrong), failed + bool(wrong)
    runner.close()
    print('%d passed, %d failed' % (passed, failed))
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
