// A server for working on the page without the program: speaks docs/formats/live-api.md with generated numbers and serves dist/
// under the same strict CSP. Never part of a build.
//
//   node dev/server.mjs [--port 18090]      then open http://127.0.0.1:18090/?mode=full
//   ?mode=full | empty | first | degraded | filling | error | lost | many | slow     (kept in a cookie until the next ?mode=)
//
// first: empty for 4 s, then events come. lost: the stream breaks after 3 s and is refused.
import {createServer} from 'node:http';
import {readFile} from 'node:fs/promises';
import {extname, join, normalize} from 'node:path';
import {fileURLToPath} from 'node:url';

const kDist = join(fileURLToPath(new URL('.', import.meta.url)), '../dist');
const kDay = 86_400_000;
const kTypes = {'.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml'};
const kCsp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// A small generator with a seed: the same picture every time.
function noise(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const repos = [['seastar', 9], ['fmt', 5], ['ninja', 3]];
const now = () => Date.now();
const watermark = () => now() - 3_100;
const epoch = () => Math.floor(now() / 400);
const seen = new Map();  // client time of first visit in mode "first"

const metrics = [
  {name: 'commits_daily', question: 'Who is active?', dimensions: [{name: 'repo', label: 'repo'}],
    measures: ['commits', 'authors', 'lines', 'p99_lines', 'lines_per_commit'].map((name) => ({name, label: name === 'lines_per_commit' ? 'Lines per commit' : name.replace('_', ' '), type: 'number', additive: ['commits', 'lines'].includes(name)})),
    window: {kind: 'tumble', size_ms: kDay, step_ms: kDay}, allowed_lateness_ms: 600_000, progress: null},
  {name: 'live_events', question: 'What arrives right now?', dimensions: [{name: 'source', label: 'source'}],
    measures: [{name: 'events', label: 'events', type: 'number', additive: true}, {name: 'people', label: 'people', type: 'number'}],
    window: {kind: 'tumble', size_ms: 10_000, step_ms: 10_000}, allowed_lateness_ms: 5_000, progress: null},
  {name: 'commits_hourly', question: 'At what hours are commits written?', dimensions: [],
    measures: [{name: 'commits', label: 'commits', type: 'number'}], window: {kind: 'tumble', size_ms: 3_600_000, step_ms: 3_600_000}, allowed_lateness_ms: 600_000, progress: null},
];
// The other kinds of definitions, and a metric of latencies.
const repo = {name: 'repo', label: 'repo'};
const week = {kind: 'tumble', size_ms: 7 * kDay, step_ms: 7 * kDay};
metrics.push(
  {name: 'author_to_lander', kind: 'funnel', question: 'Who goes from writing to landing?', dimensions: [repo], measures: [], window: week,
    allowed_lateness_ms: 600_000, progress: null, steps: ['wrote', 'landed', 'wrote_again', 'reviewed'], within_ms: 7 * kDay},
  {name: 'weekly_authors', kind: 'retention', question: 'Who comes back to write?', dimensions: [], measures: [], window: week, allowed_lateness_ms: 600_000, progress: null, periods: 8},
  {name: 'visits', kind: 'sessions', question: 'How do people work?', dimensions: [], measures: [], window: week, allowed_lateness_ms: 600_000, progress: null},
  {name: 'answers_daily', question: 'How long does an answer take?', dimensions: [repo, {name: 'page', label: 'page'}],
    measures: ['p50', 'p90', 'p99', 'answers', 'top_pages'].map((name) => ({name, label: name === 'top_pages' ? 'most asked pages' : name, type: name === 'top_pages' ? 'top' : 'number'})),
    window: {kind: 'tumble', size_ms: kDay, step_ms: kDay}, allowed_lateness_ms: 600_000, progress: null});
const dashboards = [
  {name: 'activity', question: 'Who is active, and where?', rows: [
    [{id: 'activity.0.0', kind: 'stat', metric: 'commits_daily', measure: 'authors', title: 'authors', over_ms: 30 * kDay},
      {id: 'activity.0.1', kind: 'stat', metric: 'commits_daily', measure: 'commits', title: 'commits', over_ms: 30 * kDay},
      {id: 'activity.0.2', kind: 'stat', metric: 'commits_daily', measure: 'p99_lines', title: 'p99 lines', over_ms: 28 * kDay}],
    [{id: 'activity.1.0', kind: 'timeseries', metric: 'live_events', measure: 'events', by: ['source'], title: 'Arriving now, per 10 seconds', over_ms: 600_000}],
    [{id: 'activity.2.0', kind: 'timeseries', metric: 'commits_daily', measure: 'commits', by: ['repo'], title: 'commits', over_ms: 365 * kDay}],
    [{id: 'activity.3.0', kind: 'table', metric: 'commits_daily', columns: ['repo', 'commits', 'authors', 'p99_lines', 'lines_per_commit'], title: '', over_ms: 90 * kDay}]]},
  {name: 'changes', question: 'How large are changes, and when are they written?', rows: [
    [{id: 'changes.0.0', kind: 'timeseries', metric: 'commits_hourly', measure: 'commits', by: [], title: 'Commits per hour', over_ms: 14 * kDay}],
    [{id: 'changes.1.0', kind: 'timeseries', metric: 'commits_daily', measure: 'p99_lines', by: ['repo'], title: 'p99 lines', over_ms: 180 * kDay}]]},
];
dashboards.push({name: 'people', question: 'Who comes, how far do they get, and who comes back?', rows: [
  [{id: 'people.0.0', kind: 'stat', metric: 'commits_daily', measure: 'authors', title: 'authors', over_ms: 30 * kDay},
    {id: 'people.0.1', kind: 'stat', metric: 'commits_daily', measure: 'commits', title: 'commits', over_ms: 30 * kDay}],
  [{id: 'people.1.0', kind: 'funnel', metric: 'author_to_lander', by: [], title: '', over_ms: 84 * kDay}],
  [{id: 'people.2.0', kind: 'retention', metric: 'weekly_authors', title: '', over_ms: 84 * kDay}],
  [{id: 'people.3.0', kind: 'top', metric: 'answers_daily', measure: 'answers', by: ['page'], limit: 10, title: '', over_ms: 30 * kDay},
    {id: 'people.3.1', kind: 'top', metric: 'answers_daily', measure: 'top_pages', by: [], limit: 10, title: '', over_ms: 30 * kDay}],
  [{id: 'people.4.0', kind: 'band', metric: 'answers_daily', measures: ['p50', 'p90', 'p99'], title: 'Milliseconds to the answer, per day', over_ms: 90 * kDay}],
  [{id: 'people.5.0', kind: 'funnel', metric: 'author_to_lander', by: ['repo'], title: 'From writing to landing, by project', over_ms: 84 * kDay},
    {id: 'people.5.1', kind: 'funnel', metric: 'author_to_lander', by: [], title: 'In the last four weeks', over_ms: 28 * kDay}],
  [{id: 'people.6.0', kind: 'sessions', metric: 'visits', title: '', over_ms: 7 * kDay}]]});
const many = {name: 'many', question: 'Does the page stay calm with 20 live panels?', rows: Array.from({length: 20}, (_, at) => [at % 2 === 0
  ? {...dashboards[0].rows[2][0], id: `many.${at}.0`} : {...dashboards[0].rows[1][0], id: `many.${at}.0`}])};
const panels = new Map([...dashboards, many].flatMap((one) => one.rows.flat()).map((panel) => [panel.id, panel]));

function project(mode) {
  return {
    project: 'history', version: '0.1.0',
    sources: [{name: 'site', disorder_ms: 5000, idle_ms: 5000}, {name: 'history', disorder_ms: 10_000, idle_ms: 5000}, {name: 'replay', disorder_ms: 5000, idle_ms: 60_000}],
    notes: mode === 'empty' ? [] : ['Times of the git history are shifted by 33 weeks so that they end today.'],
    collect: 'http://127.0.0.1:18080', sql: 'http://127.0.0.1:18123', demo: true, example_event: null,
    definition_error: mode === 'error' ? {file: 'metrics/commits.yaml', line: 9, column: 17, message: 'unknown function countt; did you mean count?', source_line: '      commits: countt()'} : null,
    metrics: metrics.map((one) => (mode === 'filling' && one.name === 'commits_daily' ? {...one, progress: {done: 1240, total: 5800}} : one)),
    dashboards: mode === 'many' ? [many] : dashboards,
  };
}

function stat(panel) {
  const end = Math.floor(now() / kDay) * kDay + (panel.measure === 'authors' ? 0 : kDay);
  const values = {authors: '412', commits: String(1873 + (Math.floor(now() / 4000) % 50)), p99_lines: '1284.5'};
  return {value: values[panel.measure] ?? '0', state: end > watermark() ? 'filling' : 'final', start: end - panel.over_ms, end, computed_at: now() - 900, took_ms: 41};
}

function liveBucket(s) {
  const random = noise(s / 10_000);
  const e = s + 10_000;
  const full = 4 + Math.floor(random() * 4);
  const value = e > now() ? Math.max(1, Math.floor(full * (now() - s) / 10_000)) : full;
  const late = Math.floor(s / 10_000) % 7 === 3 && e + 45_000 < now();
  if (e + 5_000 > watermark()) return {s, e, v: String(value), state: 'filling'};
  if (late) return {s, e, v: String(value + 1), state: 'revised', rev: {at: e + 45_000, old: String(value), new: String(value + 1), cause: 'late'}};
  return {s, e, v: String(value), state: 'final'};
}

function daily(name, size, over, step, rounder) {
  const random = noise(name.length * 7919 + step);
  const end = Math.ceil(now() / step) * step;
  const points = [];
  for (let s = end - over; s < end; s += step) {
    const weekend = step === kDay && [0, 6].includes(new Date(s).getUTCDay());
    const hour = step < kDay ? Math.max(0, Math.sin((new Date(s).getUTCHours() - 6) / 24 * 2 * Math.PI)) : 1;
    const value = Math.round(size * hour * (weekend ? 0.25 : 1) * (0.4 + 1.4 * random()) * (1 + 0.4 * Math.sin(s / kDay / 40)));
    if (value <= 0) continue;
    const state = s + step + 600_000 > watermark() ? 'filling' : 'final';
    const point = {s, e: s + step, v: rounder(value), state};
    if (state === 'final' && step === kDay && random() < 0.006) {
      point.state = 'revised';
      point.rev = {at: s + step + 7_200_000, old: rounder(Math.max(1, value - 2)), new: rounder(value), cause: 'late'};
    }
    points.push(point);
  }
  return points;
}

function timeseries(panel, changedOnly) {
  if (panel.metric === 'live_events') {
    const last = Math.floor(now() / 10_000) * 10_000;
    const from = changedOnly ? last - 30_000 : last - panel.over_ms + 10_000;
    const points = [];
    for (let s = from; s <= last; s += 10_000) if (noise(s / 10_000 + 99)() > 0.04) points.push(liveBucket(s));
    const at = last - 60_000;
    if (changedOnly && noise(at / 10_000 + 99)() > 0.04) points.unshift(liveBucket(at));
    const some = points.filter((one) => (one.s / 10_000) % 9 === 0).map((one) => ({...one, v: '1', state: one.state === 'revised' ? 'final' : one.state, rev: undefined}));
    return {start: last - panel.over_ms + 10_000, end: last + 10_000, series: [{key: ['replay'], points}, {key: ['site'], points: some}], more: 0};
  }
  const step = panel.metric === 'commits_hourly' ? 3_600_000 : kDay;
  const end = Math.ceil(now() / step) * step;
  const scale = panel.measure === 'p99_lines' ? 90 : 2.4;
  const round = panel.measure === 'p99_lines' ? (value) => `${value}.5` : String;
  const series = panel.by.length === 0 ? [{key: [], points: daily(panel.id, 7, panel.over_ms, step, round)}]
    : repos.map(([name, size]) => ({key: [name], points: daily(name, size * scale, panel.over_ms, step, round)}));
  if (changedOnly) for (const one of series) one.points = one.points.slice(-1);
  return {start: end - panel.over_ms, end, series, more: 0};
}

function table(panel) {
  const end = Math.floor(now() / kDay) * kDay + kDay;
  const rows = [['seastar', '1402', '88', '2310.5', '181.402282453'], ['fmt', '701', '124', '512', '47.1'], ['ninja', '212', '41', '640', '60.25']]
    .map((cells) => ({key: [cells[0]], cells, state: 'filling'}));
  return {start: end - panel.over_ms, end, rows, more: 0, computed_at: now() - 2000};
}

// Whole panels, for the window that ends at `end`.
const kSteps = [['wrote', 1, null], ['landed', 0.62, 93_600_000], ['wrote_again', 0.41, 201_000_000], ['reviewed', 0.13, 312_400_000]];
function funnel(panel, end, over) {
  const random = noise(Math.floor(end / kDay) + over / kDay);
  const groups = (panel.by.length > 0 ? [['seastar'], ['fmt'], ['ninja'], [null]] : [[]]).map((key, at) => {
    const size = Math.round((1300 - 290 * at) * over / (84 * kDay) * (0.9 + 0.2 * random()));
    return {key, state: end > now() ? 'filling' : 'final', steps: kSteps.map(([name, share, median]) => ({name, people: String(Math.round(size * share * (1 - 0.07 * at))), median_ms: median && String(Math.round(median * (1 + random() / 5)))}))};
  });
  return {start: end - over, end, state: end > now() ? 'filling' : 'final', computed_at: now() - 1200, took_ms: 38, groups, more: panel.by.length > 0 ? 2 : 0};
}

function retention(over) {
  const end = Math.ceil((now() - 4 * kDay) / (7 * kDay)) * 7 * kDay + 4 * kDay;
  const cohorts = Array.from({length: Math.max(1, Math.round(over / (7 * kDay)))}, (_, at) => {
    const s = end - (at + 1) * 7 * kDay;
    const random = noise(s / kDay);
    const size = Math.round(18 + 40 * random());
    return {s, e: s + 7 * kDay, cells: Array.from({length: 8}, (_, k) => {
      const begun = s + k * 7 * kDay < now();
      const state = s + (k + 1) * 7 * kDay > now() ? 'filling' : k === 3 && at === 6 ? 'revised' : 'final';
      if (!begun && k > 5) return null;
      return {people: begun ? String(k === 0 ? size : Math.round(size * (0.55 - 0.06 * k) * (0.6 + 0.8 * random()))) : '0', state};
    })};
  }).reverse();
  return {start: cohorts[0].s, end, periods: 8, cohorts};
}

function top(panel, end, over) {
  const pages = ['/pricing', '/docs/getting-started', '/', '/blog/2026/11/what-we-learnt-from-a-year-of-incidents', '/login', '/signup', '/docs/api', '/about', '/jobs', null];
  const random = noise(Math.floor(end / kDay));
  const rows = pages.map((page, at) => ({key: [page], value: String(Math.round(4200 / (at + 1.3) * (0.85 + 0.3 * random()) * over / (30 * kDay)))}));
  return {start: end - over, end, state: end > now() ? 'filling' : 'final', computed_at: now() - 900, rows: rows.sort((a, b) => b.value - a.value).slice(0, panel.limit), more: 31};
}

function band(panel, end, over) {
  return {start: end - over, end, more: 0, series: [['p50', 80], ['p90', 260], ['p99', 900]].map(([name, size]) => {
    const points = [];
    for (let s = end - over; s < end; s += kDay) {
      const random = noise(s / kDay + 5);
      points.push({s, e: s + kDay, v: String(Math.round(size * (0.8 + 0.4 * random() * (size / 400)))) + (name === 'p50' ? '.25' : ''), state: s + kDay + 600_000 > watermark() ? 'filling' : 'final'});
    }
    return {key: [name], points};
  })};
}

const sessionRow = (at, t) => {
  const events = 3 + (at * 7) % 40;
  const duration = 20_000 + (at * 977_531) % 5_400_000;
  const person = people[at % 6];
  return {session_id: `${'0123456789abcdef'.repeat(2).slice(at % 16)}${'0123456789abcdef'.repeat(2)}`.slice(0, 32), source: at % 3 ? 'history' : 'site', key: person, user_key: person, started_at: t - duration, ended_at: t, events: String(events), duration_ms: String(duration), state: t + 1_800_000 > now() ? 'filling' : at === 9 ? 'revised' : 'final'};
};
const sessions = (end, over) => ({start: end - over, end, rows: Array.from({length: 16}, (_, at) => sessionRow(at, Math.floor(Math.min(end, now()) / 60_000) * 60_000 - 40_000 - at * 1_234_567)), more: 5_217});

const storedEvent = (at, t, person) => ({time: t, received_at: t + 140, event: ['page_viewed', 'commit_authored', 'commit_landed', 'page_viewed'][at % 4], source: 'history', user_key: person, message_id: `m-${t}`, place: `0:${t}`,
  properties: JSON.stringify(at % 4 === 1 ? {repo: 'fmt', insertions: 12 + at, deletions: 3, files: 2, subject: 'Read widths before precisions, {as} the standard says'} : {page: '/docs/api', referrer: 'https://example.org/', plan: 'team'})});

function data(panel, {over = panel.over_ms, until = null, patch = false, where = []} = {}) {
  const end = until ?? Math.ceil(now() / kDay) * kDay;
  const only = Object.fromEntries(where);
  const passes = (names, key) => names.every((name, at) => !(name in only) || only[name] === key[at]);
  switch (panel.kind) {
    case 'stat': {
      const found = stat({...panel, over_ms: over});
      const share = over / panel.over_ms * (until ? 0.9 : 1) * ('repo' in only ? 0.4 : 1);
      const last = until ?? found.end;
      return {...found, value: over === panel.over_ms && !until && !('repo' in only) ? found.value : String(Math.round(Number(found.value) * share)), start: last - over, end: last, state: last > watermark() ? 'filling' : 'final'};
    }
    case 'table': {
      const found = table({...panel, over_ms: over});
      const rows = found.rows.filter((row) => passes(['repo'], row.key)).map((row) => ({...row, state: until && until < now() ? 'final' : row.state, cells: row.cells.map((cell, at) => (at > 0 && until ? String(Math.round(Number(cell) * 0.8)) : cell))}));
      return {...found, rows, ...(until && {start: until - over, end: until})};
    }
    case 'funnel': { const found = funnel(panel, end, over); return {...found, groups: found.groups.filter((one) => passes(panel.by, one.key))}; }
    case 'retention': return retention(over);
    case 'top': { const found = top(panel, end, over); return {...found, rows: found.rows.filter((row) => passes(panel.by, row.key))}; }
    case 'band': return band(panel, end, over);
    case 'sessions': return sessions(end, over);
    default: {
      const found = timeseries({...panel, over_ms: over}, patch);
      const shift = until ? found.end - until : 0;
      const series = found.series.filter((one) => passes(panel.by, one.key));
      return shift === 0 ? {...found, series} : {...found, start: found.start - shift, end: until, series: series.map((one) => ({...one, points: one.points.map((point) => ({...point, s: point.s - shift, e: point.e - shift, state: 'final'}))}))};
    }
  }
}

const kWhole = ['funnel', 'retention', 'top', 'sessions'];

function message(panel, patch) {
  return {panel: panel.id, epoch: epoch(), as_of: now(), watermark: watermark(), data: data(panel, {patch})};
}

// Another range, filters, the period before.
async function askedPanel(response, panel, query) {
  const metric = metrics.find((one) => one.name === panel.metric);
  const where = JSON.parse(query.get('where') ?? '[]');
  const known = (name) => metric.dimensions.some((one) => one.name === name);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const over = Number(query.get('over') ?? panel.over_ms);
  if (over > 1000 * kDay) return refuse(response, 400, 'A range has at most 1,000 days.', 'Ask for a shorter one.');
  json(response, {panel: panel.id, epoch: epoch(), as_of: now(), watermark: watermark(), unfiltered: where.map(([name]) => name).filter((name) => !known(name)),
    data: data(panel, {over, until: query.has('until') ? Number(query.get('until')) : null, where: where.filter(([name]) => known(name))})});
}

function droppedPeople(response, panel, query, csv) {
  const step = Number(query.get('step'));
  const rows = Array.from({length: 40}, (_, at) => ({key: people[at % 6] + (at > 5 ? `_${at}` : ''), at: now() - 3_600_000 - at * 7_654_321}));
  if (csv) response.writeHead(200, {'content-type': 'text/csv', 'content-disposition': `attachment; filename="${panel.id}.csv"`}).end(rows.map((row) => `${row.key},${row.at}\n`).join(''));
  else json(response, {step, rows, more: 234});
}

let counter = 49_075;
const ledger = (mode) => {
  if (mode === 'empty') return {received: 0, stored: 0, quarantined: 0, duplicate: 0, pending: 0, missing: 0, balances: true};
  const pending = mode === 'degraded' ? 1204 : 0;
  return {received: counter + 15 + pending, stored: counter, quarantined: 12, duplicate: 3, pending, missing: 0, balances: true};
};
const status = (mode) => (mode === 'degraded'
  ? {status: 'degraded', since: now() - 41_000, version: '0.1.0', stages: [{name: 'store', status: 'restarting', lag_events: 1204, lag_seconds: 41, why: 'restarting'}]}
  : {status: 'ready', since: now() - 3_600_000, version: '0.1.0', stages: [{name: 'store', status: 'ready', lag_events: 0, lag_seconds: 0, why: ''}]});

const people = ['u_8a3f', 'u_77c1', 'anon_c91b', 'anders@example.org', 'mei@example.org', 'u_0042'];
const rejects = [
  ['timestamp_invalid', '$.timestamp', '{"event":"page_viewed","timestamp":"yesterday at noon","user_id":"u_8a3f","properties":{"page":"/pricing"}}', 'the timestamp is not an RFC 3339 time'],
  ['event_missing', '$.event', '{"event":"","user_id":"u_77c1"}', 'the event has no name: `event` must be non-empty text'],
  ['duplicate_key', '$.properties.plan', '{"event":"signup","properties":{"plan":"free","seats":3,"plan":"team"}}', 'an object names the same key twice'],
  ['json_invalid', '$', '{"event":"page_viewed", "properties": {', 'this is not JSON; path says where the parser stopped when it knows'],
];
const reject = (index, at) => ({source: 'site', received_at: at, reason: rejects[index % 4][0], path: rejects[index % 4][1], raw: rejects[index % 4][2], dialect: 'native', place: `0:${at}`});

function live(request, response, query, mode) {
  if (mode === 'lost' && (seen.get('lost') ?? 0) + 3_000 < now() && seen.has('lost')) { response.writeHead(503).end(); return; }
  response.writeHead(200, {'content-type': 'text/event-stream', 'cache-control': 'no-store'});
  const send = (event, data) => response.write(`event: ${event}\nid: ${epoch()}\ndata: ${JSON.stringify(data)}\n\n`);
  const watched = (query.get('panels') ?? '').split(',').flatMap((id) => (panels.has(id) ? [panels.get(id)] : []));
  const feeds = (query.get('feeds') ?? '').split(',');
  const begun = now();
  const quiet = () => mode === 'empty' || (mode === 'first' && now() - begun < 4_000);
  const all = (patch) => {
    for (const panel of watched) send(patch && !kWhole.includes(panel.kind) ? 'patch' : 'snapshot', quiet() ? {panel: panel.id, epoch: epoch(), as_of: now(), watermark: null, data: null} : message(panel, patch));
  };
  const head = () => {
    send('watermark', {epoch: epoch(), as_of: now(), watermark: quiet() ? null : watermark(), behind_ms: quiet() ? null : mode === 'degraded' ? 44_000 : 3_100, sources: [{name: 'replay', watermark: watermark(), active: true}]});
    send('ledger', ledger(quiet() ? 'empty' : mode));
  };
  send('status', status(mode));
  head();
  if (mode !== 'slow') all(false);
  let full = !quiet();
  let done = 1240;
  const timer = setInterval(() => {
    if (mode === 'lost' && now() - begun > 3_000) { seen.set('lost', begun); response.end(); return; }
    if (!quiet() && mode !== 'degraded') counter++;
    head();
    if (mode === 'slow') return;
    if (mode !== 'degraded') all(full);
    full = !quiet();
    if (mode === 'filling') { done = Math.min(5800, done + 60); send('progress', {metric: 'commits_daily', done, total: 5800, finished: done >= 5800}); }
    if (feeds.includes('events') && !quiet()) {
      const rows = Array.from({length: 2}, (_, at) => ({time: now() - 200 - at, received_at: now() - at, event: at ? 'page_viewed' : 'commit_authored', source: at ? 'site' : 'replay', user_key: people[(counter + at) % 6], message_id: `m-${now()}-${at}`, place: `0:${counter}${at}`, verdict: counter % 9 === 0 && at ? 'duplicate' : 'stored'}));
      send('events', {rows, more: counter % 5 === 0 ? 12 : 0});
    }
    if (feeds.includes('quarantine') && counter % 6 === 0) send('quarantine', {rows: [reject(counter / 6, now())], more: 0});
  }, 1_000);
  const beat = setInterval(() => response.write(': still here\n\n'), 15_000);
  response.on('close', () => { clearInterval(timer); clearInterval(beat); });
}

const json = (response, body, code = 200) => response.writeHead(code, {'content-type': 'application/json', 'cache-control': 'no-store'}).end(JSON.stringify(body));
const refuse = (response, code, message, next) => json(response, {error: {code: String(code), message, next}}, code);

async function body(request) {
  let text = '';
  for await (const part of request) text += part;
  return text;
}

const kSql = `SELECT count(DISTINCT user_key) AS authors
FROM sluice.events
WHERE source = 'history' AND event = 'commit_authored'
  AND event_time >= toDateTime64('2026-10-25 00:00:00', 3, 'UTC')
  AND event_time <  toDateTime64('2026-11-24 00:00:00', 3, 'UTC')
  AND epoch <= 49512`;
const kDefinition = `- name: commits_daily
  question: Who is active?
  where: event = 'commit_authored'
  window: {tumble: 1d}
  dimensions:
    repo: properties.repo
  measures:
    commits: count()
    authors: distinct(user_key)`;

async function panelApi(request, response, id, what, query) {
  const panel = panels.get(id);
  if (!panel) return refuse(response, 404, `There is no panel ${id}.`, 'See /api/project for the panels that exist.');
  if (what === 'data') return askedPanel(response, panel, query);
  if (what.startsWith('dropped')) return droppedPeople(response, panel, query, what === 'dropped.csv');
  if (what === 'explain') {
    return json(response, {definition: kDefinition, sql: kSql, view_sql: 'SELECT window_start, repo, authors, state\nFROM sluice.commits_daily\nORDER BY window_start', metric: panel.metric, version: 'c8f1d2a9', epoch: epoch(), watermark: watermark(), file: 'metrics/commits.yaml', line: 3});
  }
  if (what === 'verify') {
    const asked = JSON.parse((await body(request)) || '{}');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const verified = (names, values) => json(response, {shown: values[0], computed: values[0], equal: true, epoch: epoch(), took_ms: 61, sql: kSql, ...(names && {
      compared: values.length, different: 0, cells: values.slice(0, 50).map((value, at) => ({name: names[at], shown: value, computed: value, equal: true}))})});
    if (panel.kind === 'stat') return verified(null, [stat(panel).value]);
    if (panel.kind === 'table') return verified(panel.columns.slice(1), table(panel).rows.find((one) => one.key[0] === asked.key?.[0]).cells.slice(1));
    if (panel.kind === 'funnel') return verified(kSteps.flatMap(([name]) => [`${name}.people`, `${name}.median_ms`]), data(panel).groups[0].steps.flatMap((step) => [step.people, step.median_ms]));
    if (panel.kind === 'top') return verified(data(panel).rows.map((row) => row.key[0]), data(panel).rows.map((row) => row.value));
    if (panel.kind === 'sessions') return verified(data(panel).rows.map((row) => row.session_id), data(panel).rows.map((row) => row.events));
    if (panel.kind === 'retention') { const cells = data(panel).cohorts.flatMap((one) => one.cells.flatMap((cell, at) => (cell ? [[`${new Date(one.s).toISOString().slice(0, 10)} period ${at}`, cell.people]] : []))); return verified(cells.map(([name]) => name), cells.map(([, value]) => value)); }
    const points = data(panel).series.find((one) => JSON.stringify(one.key) === JSON.stringify(asked.key ?? []))?.points ?? [];
    const point = points.find((one) => one.s === asked.window_start);
    if (asked.window_start !== undefined) return point ? verified(null, [point.v]) : refuse(response, 404, 'The panel shows no such point now.', 'Reload the page.');
    return verified(points.map((one) => new Date(one.s).toISOString()), points.map((one) => one.v));
  }
  response.writeHead(200, {'content-type': 'text/csv', 'content-disposition': `attachment; filename="${id}.csv"`}).end('start,end,value,state,as_of\n');
}

async function answer(request, response) {
  const url = new URL(request.url, 'http://127.0.0.1');
  const cookie = /mode=(\w+)/.exec(request.headers.cookie ?? '')?.[1] ?? 'full';
  const mode = url.searchParams.get('mode') ?? cookie;
  const path = url.pathname;
  if (path === '/api/project') return json(response, project(mode));
  if (path === '/api/live') return live(request, response, url.searchParams, mode);
  const panel = /^\/api\/panels\/([^/]+)\/(explain|verify|csv|data|dropped|dropped\.csv)$/.exec(path);
  if (panel) return panelApi(request, response, decodeURIComponent(panel[1]), panel[2], url.searchParams);
  if (path === '/api/sessions/visits/events') {
    const session = sessions(now(), 7 * kDay).rows.find((one) => one.session_id === url.searchParams.get('id')) ?? null;
    const rows = session === null ? [] : Array.from({length: Math.min(20, Number(session.events))}, (_, at) => storedEvent(at, session.started_at + at * 47_000, session.user_key));
    return json(response, {session, rows, more: 0});
  }
  if (path === '/api/person') {
    const key = url.searchParams.get('key');
    const before = Number(url.searchParams.get('before') ?? now());
    const all = people.includes(key) ? Array.from({length: 30}, (_, at) => storedEvent(at, Math.floor(now() / kDay) * kDay + 36_000_000 - at * 9_876_543, key)) : [];
    const rows = all.filter((row) => row.time < before);
    return json(response, {key, first_seen: all.at(-1)?.time ?? null, last_seen: all[0]?.time ?? null, events: String(all.length), rows: rows.slice(0, 20), more: rows.length > 20});
  }
  if (path === '/api/quarantine') {
    const reason = url.searchParams.get('reason');
    const rows = mode === 'empty' ? [] : Array.from({length: 12}, (_, at) => reject(at, now() - 1000 - at * 37_000)).filter((row) => !reason || row.reason === reason);
    return json(response, {total: mode === 'empty' ? 0 : 12, reasons: mode === 'empty' ? [] : rejects.map(([name, , , meaning], at) => ({reason: name, count: [6, 3, 2, 1][at], meaning})), rows});
  }
  if (path === '/api/trace') {
    const id = url.searchParams.get('id');
    const found = id.startsWith('m-');
    return json(response, {id, found, copies: found ? [{source: 'replay', place: '0:49075', received_at: now() - 4000, verdict: 'stored', epoch: epoch() - 8, event_time: now() - 4200, event: 'commit_authored', user_key: 'mei@example.org', reason: null, path: null, of: null, conflict: false}] : []});
  }
  if (path === '/api/sql') {
    const sql = await body(request);
    if (/system\.users|url\(|file\(/i.test(sql)) return refuse(response, 403, 'Code: 497. DB::Exception: table system.users is not open to queries', 'Only database sluice, and of system: one, settings, tables, columns, databases, functions, formats.');
    if (!/^\s*(select|with|show|describe|explain)/i.test(sql)) return refuse(response, 400, "Code: 62. DB::Exception: Syntax error: failed at position 1 ('x')", 'One SELECT, WITH, SHOW or DESCRIBE statement.');
    const rows = daily('seastar', 20, 20 * kDay, kDay, String).reverse().map((one) => [new Date(one.s).toISOString().slice(0, 23).replace('T', ' '), 'seastar', one.v, `${one.v}.123456789`, one.state]);
    return json(response, {columns: [{name: 'window_start', type: "DateTime64(3, 'UTC')"}, {name: 'repo', type: 'Nullable(String)'}, {name: 'commits', type: 'UInt64'}, {name: 'lines_per_commit', type: 'Nullable(Decimal(38, 9))'}, {name: 'state', type: 'LowCardinality(String)'}], rows, rows_read: 5800, took_ms: 12, truncated: false});
  }
  if (path.startsWith('/api/')) return refuse(response, 404, 'There is no such interface.', 'docs/formats/live-api.md lists them.');
  const asset = /^\/assets\/[\w.-]+$/.test(path);
  const file = asset ? join(kDist, normalize(path)) : join(kDist, 'index.html');
  const bytes = await readFile(file).catch(() => null);
  if (!bytes) return refuse(response, 404, 'There is no such file.', 'npm run build writes dist/.');
  const headers = {'content-type': kTypes[extname(file)] ?? 'application/octet-stream', 'content-security-policy': kCsp, 'cache-control': asset ? 'public, max-age=31536000, immutable' : 'no-cache'};
  if (url.searchParams.has('mode')) { headers['set-cookie'] = `mode=${mode}; Path=/`; seen.delete('lost'); }
  response.writeHead(200, headers).end(bytes);
}

export function start(port = 0) {
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => { if (!response.headersSent) refuse(response, 500, String(error), ''); });
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve({
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => { server.closeAllConnections(); server.close(); },
  })));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const at = process.argv.indexOf('--port');
  const {url} = await start(at > 0 ? Number(process.argv[at + 1]) : 18090);
  console.log(`${url}/?mode=full`);
}
