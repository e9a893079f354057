import {beforeEach, describe, expect, it} from 'vitest';

import {panelCsv} from './csv';
import {kColours, kKeysMax, look, Looks} from './chart/look';
import {Board} from './live/board';
import {keyed} from './live/paint';
import type {Ledger, Metric, Panel, TableRow} from './live/contract';
import {firstEvent} from './pages/guide';
import {excerpt} from './pages/quarantine';
import {curlOf} from './pages/sql';
import {parseSort, sortRows} from './panels/table';
import {paintTwin, kClosedBuckets} from './panels/twin';
import {chartModel} from './chart/model';
import {parse, setQuery, toggled, withQuery} from './route';
import {cellText, topLines, topWords} from './top';
import {ledgerWords, panelTitle, statusWords, watermarkWords} from './words';

const metric: Metric = {
  name: 'commits_daily', question: 'Who?', dimensions: [{name: 'repo', label: 'repo'}],
  measures: [{name: 'commits', label: 'commits'}, {name: 'p99_lines', label: 'p99 lines'}],
  window: {kind: 'tumble', size_ms: 86_400_000, step_ms: 86_400_000}, allowed_lateness_ms: 0, progress: null,
};
const chart: Panel = {id: 'a.1.0', kind: 'timeseries', metric: 'commits_daily', measure: 'commits', by: ['repo'], title: 'commits', over_ms: 1};
const table: Panel = {id: 'a.2.0', kind: 'table', metric: 'commits_daily', columns: ['repo', 'commits', 'p99_lines'], title: '', over_ms: 1};

describe('the URL', () => {
  beforeEach(() => history.replaceState(null, '', '/d/activity?filter=fmt'));
  it('names_the_page', () => {
    expect(parse('/', '').page).toBe('dashboard');
    expect(parse('/d/sign%20ups', '')).toMatchObject({page: 'dashboard', dashboard: 'sign ups'});
    expect(parse('/quarantine', '').page).toBe('quarantine');
    expect(parse('/d/%zz', '')).toMatchObject({page: 'dashboard', dashboard: '%zz'});
    expect(parse('/etc/passwd', '').page).toBe('missing');
  });
  it('keeps_what_is_not_changed_and_drops_what_is_empty', () => {
    setQuery({twin: 'a.1.0'});
    expect(location.search).toBe('?filter=fmt&twin=a.1.0');
    expect(withQuery({filter: null})).toBe('/d/activity?twin=a.1.0');
    expect(toggled(new URLSearchParams('twin=a,b'), 'twin', 'a')).toEqual({twin: 'b'});
    expect(toggled(new URLSearchParams(), 'twin', 'a')).toEqual({twin: 'a'});
  });
});

describe('sentences', () => {
  const ledger: Ledger = {received: 49075, stored: 49075, quarantined: 0, duplicate: 0, pending: 0, missing: 0, balances: true};
  it('of_the_ledger_leave_out_what_is_zero_but_never_what_is_missing', () => {
    expect(ledgerWords(ledger)).toBe('49,075 received = 49,075 stored, 0 missing');
    expect(ledgerWords({...ledger, received: 49080, quarantined: 2, pending: 1, missing: 2, balances: false}))
      .toBe('49,080 received = 49,075 stored + 2 quarantined + 1 pending, 2 missing');
  });
  it('of_a_stage_that_is_down_say_what_waits', () => {
    const status = {
      status: 'degraded' as const, since: Date.parse('2026-11-17T14:21:00Z'),
      stages: [{name: 'collect', status: 'ready', lag_events: 0, lag_seconds: 0, why: ''}, {name: 'store', status: 'down', lag_events: 1204, lag_seconds: 3, why: 'restarting'}],
    };
    const near = Date.parse('2026-11-17T14:22:00Z');
    expect(statusWords(status, ledger, near)).toBe('store: restarting. 1,204 events wait in the log, none lost · since 14:21:00');
    expect(statusWords(status, {...ledger, missing: 1}, near)).not.toContain('none lost');
    const told = {...status, stages: [{...status.stages[1]!, why: 'restarting: 1,204 events wait in the log, none is lost'}]};
    expect(statusWords(told, ledger, near)).toBe('store: restarting. 1,204 events wait in the log, none lost · since 14:21:00');
    const one = {...status, stages: [{...status.stages[1]!, why: 'restarting: 1 event waits in the log, none is lost', lag_events: 1}]};
    expect(statusWords(one, ledger, near)).toBe('store: restarting. 1 event waits in the log, none lost · since 14:21:00');
    const all = ['process', 'store', 'sql'].map((name) => ({name, status: 'down', lag_events: name === 'sql' ? 0 : 8, lag_seconds: 1, why: name === 'sql' ? 'the store is away' : 'opening'}));
    expect(statusWords({...status, stages: all}, ledger, near)).toBe('process: opening · store: opening. 8 events wait in the log, none lost · since 14:21:00');
    expect(statusWords({...status, stages: all.slice(2)}, ledger, near)).toBe('sql: the store is away · since 14:21:00');
    expect(statusWords({...status, status: 'ready'}, ledger, near)).toBeNull();
  });
  it('of_the_watermark_say_how_far_behind', () => {
    expect(watermarkWords(null)).toBe('no watermark yet');
    expect(watermarkWords(3_100)).toBe('watermark 3 s behind');
  });
  it('name_a_panel_unless_somebody_did', () => {
    expect(panelTitle(chart, metric)).toBe('Commits per day, by repo');
    expect(panelTitle({...chart, title: 'Our commits'}, metric)).toBe('Our commits');
    expect(panelTitle(table, metric)).toBe('Commits and p99 lines, by repo');
    expect(panelTitle({...chart, kind: 'stat'}, metric)).toBe('commits');
    expect(panelTitle({...chart, kind: 'funnel', title: 'Who?'}, metric)).toBe('Who? · by repo');
    expect(panelTitle({...chart, kind: 'retention', by: [], title: ''}, {...metric, name: 'weekly_buyers', question: ''})).toBe('Weekly buyers');
    expect(panelTitle({...chart, kind: 'top', title: 'commits'}, metric)).toBe('Top repo by commits');
    expect(panelTitle({...chart, kind: 'band', by: [], measures: ['commits', 'p99_lines'], title: 'Who?'}, metric)).toBe('Commits and p99 lines per day');
  });
});

describe('tables', () => {
  const rows: TableRow[] = [['fmt', '9', null], ['ninja', '10', '1.5'], ['seastar', '-3', '1.25']]
    .map((cells) => ({key: [cells[0] as string], cells, state: 'final'}));
  const order = (sort: string) => sortRows(rows, parseSort(sort, table)).map((row) => row.key[0]);
  it('sort_numbers_as_numbers_and_NULL_last', () => {
    expect(order('a.2.0:commits:down')).toEqual(['ninja', 'fmt', 'seastar']);
    expect(order('a.2.0:p99_lines:down')).toEqual(['ninja', 'seastar', 'fmt']);
    expect(order('a.2.0:repo:up')).toEqual(['fmt', 'ninja', 'seastar']);
    expect(order('other:commits:down')).toEqual(['fmt', 'ninja', 'seastar']);
    expect(order('a.2.0:unknown:down')).toEqual(['fmt', 'ninja', 'seastar']);
  });
  it('become_CSV_with_state_and_instant', () => {
    const board = new Board(() => {});
    board.show([table]);
    const data = {start: 0, end: 86_400_000, rows: [{key: ['a,"b'], cells: ['a,"b', '12', null], state: 'filling'}], more: 0};
    board.apply({event: 'snapshot', id: '1', data: JSON.stringify({panel: table.id, epoch: 1, as_of: 1000, watermark: null, data})});
    expect(panelCsv(table, metric, board.panel(table.id)!)).toBe(
      'start,end,repo,commits,p99 lines,state,as_of\n1970-01-01T00:00:00.000Z,1970-01-02T00:00:00.000Z,"a,""b",12,,filling,1970-01-01T00:00:01.000Z\n');
  });
});

describe('a topk', () => {
  it('says_its_first_values_and_how_many_more_there_are', () => {
    expect(topWords([['b', 1200], ['', 2]])).toBe('b 1,200 · (empty) 2');
    expect(topWords([['a', 5], ['b', 4], ['c', 3], ['d', 2], ['e', 1]])).toBe('a 5 · b 4 · c 3 · 2 more');
    expect(topWords([])).toBe('–');
    expect(topLines([['a', 5], ['b', 4]])).toBe('a 5\nb 4');
  });
  it('sorts_by_the_count_of_its_most_frequent_value_and_goes_whole_into_CSV', () => {
    const rows: TableRow[] = [{key: ['x'], cells: ['x', [['a', 9]]], state: 'final'}, {key: ['y'], cells: ['y', []], state: 'final'},
      {key: ['z'], cells: ['z', [['a', 10], ['b', 9]]], state: 'final'}];
    expect(sortRows(rows, {column: 1, down: true}).map((row) => row.key[0])).toEqual(['z', 'x', 'y']);
    expect(cellText([['a"b', 3]])).toBe('[["a\\"b",3]]');
    expect(cellText(null)).toBeNull();
  });
});

describe('the table twin', () => {
  function twin(open: boolean) {
    const points = Array.from({length: 60}, (_, n) => ({s: n * 10, e: n * 10 + 10, v: String(n), state: n === 59 ? 'filling' as const : 'final' as const}));
    points[58] = {...points[58]!, state: 'revised' as never, rev: {at: 0, old: '57', new: '58', cause: 'late'}} as never;
    const model = chartModel(
      {kind: 'timeseries', start: 0, end: 600, more: 0, series: [{id: '["x"]', key: ['x'], points}]}, chart, metric, {filter: '', where: [], range: null, previous: null}, () => look(0));
    const element = document.createElement('table');
    element.innerHTML = '<thead><tr></tr></thead><tbody></tbody>';
    paintTwin(element, model, open, metric, null, 0);
    return Array.from(element.querySelectorAll<HTMLElement>('tbody tr'));
  }
  it('holds_the_newest_buckets_first_and_all_of_them_when_open', () => {
    expect(twin(false).length).toBe(kClosedBuckets);
    expect(twin(true).length).toBe(60);
    expect(twin(true)[0]!.dataset['bucket']).toBe('590');
  });
  it('says_value_and_state_of_each_bucket_for_tests_and_readers', () => {
    const rows = twin(false);
    const cell = (row: number, at: number) => rows[row]!.children[at] as HTMLElement;
    expect(rows[0]!.dataset['state']).toBe('filling');
    expect(cell(1, 1).dataset).toMatchObject({key: '["x"]', value: '58', state: 'revised', revised: '57→58', cause: 'late'});
    expect(cell(1, 2).textContent).toContain('57 → 58');
    expect(cell(2, 2).textContent).toBe('final');
  });
});

describe('lists in place', () => {
  const paint = (parent: Element, items: string[]) => keyed(parent, items, (item) => item, () => document.createElement('li'), (element, item) => { element.textContent = item; });
  it('keep_their_elements_and_follow_any_order', () => {
    const list = document.createElement('ol');
    paint(list, ['a', 'b', 'c']);
    const b = list.children[1];
    for (const next of [['b', 'c'], ['d', 'b', 'a'], ['a', 'b', 'd'], [], ['b']]) {
      paint(list, next);
      expect(Array.from(list.children).map((child) => child.textContent)).toEqual(next);
      if (next.includes('b') && next.length > 1) expect(list.contains(b!)).toBe(true);
    }
  });
});

describe('looks', () => {
  it('stay_with_their_key_and_differ_in_colour_or_dash', () => {
    const looks = new Looks();
    expect(looks.of(['repo'], ['fmt'])).toBe(looks.of(['repo'], ['fmt']));
    const seen = new Set(Array.from({length: 12}, (_, n) => JSON.stringify(looks.of(['repo'], [`k${n}`]))));
    expect(seen.size).toBe(12);
    expect(looks.of(['repo'], ['k0']).colour).toBe(1);
    expect(looks.of(['source'], ['k5']).colour).toBe(0);
    expect(look(kColours).colour).toBe(0);
  });
  it('forget_the_oldest_keys_over_their_bound', () => {
    const looks = new Looks();
    for (let n = 0; n <= kKeysMax; n++) looks.of(['repo'], [String(n)]);
    expect(looks.find(['repo'], ['0'])).toBeNull();
    expect(looks.find(['repo'], [String(kKeysMax)])).not.toBeNull();
  });
});

describe('what people paste', () => {
  const project = {project: 'p', version: '', sources: [{name: 'site', disorder_ms: 1, idle_ms: 1}], notes: [], collect: 'http://127.0.0.1:18080', sql: 'http://127.0.0.1:18123', demo: true, definition_error: null, metrics: [], dashboards: []};
  it('survives_quotes', () => {
    expect(firstEvent({...project, example_event: '{"event":"it\'s"}'})).toContain(`-d '{"event":"it'\\''s"}'`);
    expect(firstEvent({...project, demo: false})).toContain('YOUR_WRITE_KEY');
    expect(curlOf(project, "SELECT 'a'\n")).toContain("<<'SQL'\nSELECT 'a'\nSQL");
  });
  it('shows_only_the_surroundings_of_a_broken_place_in_a_long_text', () => {
    const raw = `{"pad":"${'x'.repeat(5000)}","timestamp":"noon","rest":"${'y'.repeat(5000)}"}`;
    const found = excerpt(raw, '$.timestamp');
    expect(found.marked).toBe('"noon"');
    expect(found.before.length + found.after.length).toBeLessThan(400);
    expect(excerpt(raw.slice(0, 900), '$.gone').marked).toBe('');
  });
});
