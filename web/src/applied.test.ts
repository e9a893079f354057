import {describe, expect, it} from 'vitest';

import {appliedTo, askedOf, keyPasses, kBucketsMax, shownWindow, wishOf} from './applied';
import type {Metric, Panel} from './live/contract';
import type {PanelData} from './live/panel-data';
import {carried, filtersOf, isFiltered, kFiltersMax, noFilters, toggledFilters} from './route';

const kDay = 86_400_000;
const metric: Metric = {
  name: 'm', question: '', dimensions: [{name: 'repo', label: 'repo'}, {name: 'kind', label: 'kind'}], measures: [],
  window: {kind: 'tumble', size_ms: kDay, step_ms: kDay}, allowed_lateness_ms: 0, progress: null,
};
const chart: Panel = {id: 'c', kind: 'timeseries', metric: 'm', measure: 'n', by: ['repo'], title: '', over_ms: 365 * kDay};
const query = (text: string) => new URLSearchParams(text);
const series = (names: string[], more = 0): PanelData => ({
  kind: 'timeseries', start: 0, end: 365 * kDay, more, series: names.map((name) => ({id: `["${name}"]`, key: [name], points: []})),
});

describe('filters in the URL', () => {
  it('bring_every_value_back_the_missing_and_the_empty_one_too', () => {
    for (const value of ['fmt', '', 'null', null, '"', '"quoted"', 'a&b=c', ' ']) {
      const change = toggledFilters(query(''), [{dimension: 'repo', value}]);
      const url = query('');
      for (const [name, text] of Object.entries(change)) url.set(name, text!);
      expect(filtersOf(query(url.toString()))).toEqual([{dimension: 'repo', value}]);
      expect(isFiltered(url, [{dimension: 'repo', value}])).toBe(true);
      expect(toggledFilters(url, [{dimension: 'repo', value}])).toEqual({'f.repo': null});
    }
  });
  it('are_one_per_dimension_and_not_without_bound', () => {
    const url = query(Array.from({length: kFiltersMax + 3}, (_, at) => `f.d${at}=x`).join('&'));
    expect(filtersOf(url).length).toBe(kFiltersMax);
    expect(filtersOf(query('f.repo=fmt&f.=x&filter=y&range=7d')).length).toBe(1);
    expect(noFilters(query('f.a=1&range=7d&f.b=2'))).toEqual({'f.a': null, 'f.b': null});
  });
});

describe('from one dashboard to another', () => {
  it('go_range_comparison_and_filters_and_nothing_else', () => {
    expect(carried(query('range=7d&twin=a&f.repo=a+b&explain=x&compare=previous&filter=y'))).toBe('?range=7d&f.repo=a+b&compare=previous');
    expect(carried(query('twin=a'))).toBe('');
  });
});

describe('what the page says, applied to a panel', () => {
  it('names_what_does_not_apply', () => {
    const applied = appliedTo(chart, metric, query('f.repo=fmt&f.country=de&range=30d&compare=previous'));
    expect(applied.where).toEqual([{dimension: 'repo', value: 'fmt'}]);
    expect(applied).toMatchObject({unfiltered: ['country'], rangeText: '30d', unranged: false, compare: true, uncompared: false});
    expect(appliedTo({...chart, kind: 'retention'}, metric, query('compare=previous'))).toMatchObject({compare: false, uncompared: true});
    expect(appliedTo(chart, metric, query('range=nonsense')).rangeText).toBeNull();
  });
  it('leaves_a_chart_of_short_windows_its_own_range', () => {
    const short = {...metric, window: {...metric.window, step_ms: 10_000}};
    const minutes = {...chart, over_ms: 600_000};
    expect(appliedTo(minutes, short, query('range=7d&compare=previous'))).toMatchObject({unranged: true, rangeText: null, uncompared: true});
    expect(appliedTo({...minutes, over_ms: 30 * kDay}, short, query('range=7d')).unranged).toBe(false);  // shorter than its own
    const edge = (days: number) => appliedTo({...chart, over_ms: kDay}, {...metric, window: {...metric.window, step_ms: kDay}}, query(`range=${days}d`)).unranged;
    expect([edge(kBucketsMax), edge(kBucketsMax + 1)]).toEqual([false, true]);
  });
  it('asks_nothing_that_the_live_numbers_hold', () => {
    const enough = (text: string, data: PanelData, panel = chart) => wishOf(panel, metric, query(text)).enough(data);
    expect(enough('range=30d', series(['fmt']))).toBe(true);
    expect(enough('range=400d', series(['fmt']))).toBe(false);
    expect(enough('range=1970-01-02..1970-01-03', series(['fmt']))).toBe(true);
    expect(enough('range=1969-12-31..1970-01-03', series(['fmt']))).toBe(false);
    expect(enough('f.repo=fmt', series(['fmt'], 5))).toBe(true);
    expect(enough('f.repo=other', series(['fmt'], 5))).toBe(false);  // perhaps among those left out
    expect(enough('f.repo=other', series(['fmt']))).toBe(true);
    expect(enough('f.repo=fmt&f.kind=x', series(['fmt']))).toBe(false);
    expect(enough('range=7d', {kind: 'stat', stat: {value: '1', state: 'final', start: 0, end: 1, computed_at: 0, took_ms: 0}}, {...chart, kind: 'stat'})).toBe(false);
  });
  it('asks_for_days_back_without_an_end_and_for_dates_with_both', () => {
    expect(wishOf(chart, metric, query('range=7d')).window).toEqual({over: 7 * kDay, until: null});
    expect(wishOf(chart, metric, query('range=1970-01-02..1970-01-03')).window).toEqual({over: 2 * kDay, until: 3 * kDay});
    expect(wishOf(chart, metric, query('')).window).toBeNull();
  });
  it('asks_for_files_and_SQL_with_the_same', () => {
    const asked = (text: string) => askedOf(chart, metric, query(text))?.toString() ?? null;
    expect(asked('filter=x&compare=previous&f.country=de')).toBeNull();
    expect(asked('range=7d')).toBe(`over=${7 * kDay}`);
    expect(asked('f.repo=fmt')).toBe(`over=${365 * kDay}&where=%5B%5B%22repo%22%2C%22fmt%22%5D%5D`);
  });
  it('lets_keys_pass_by_the_names_they_have', () => {
    expect(keyPasses(['repo'], ['fmt'], [{dimension: 'repo', value: 'fmt'}, {dimension: 'kind', value: 'x'}])).toBe(true);
    expect(keyPasses(['kind', 'repo'], ['x', null], [{dimension: 'repo', value: 'fmt'}])).toBe(false);
    expect(keyPasses(['repo'], [null], [{dimension: 'repo', value: null}])).toBe(true);
  });
  it('shows_whole_buckets', () => {
    expect(shownWindow({start: 0, end: 10 * kDay}, {from: 2.5 * kDay, to: 4 * kDay}, metric)).toEqual({start: 2 * kDay, end: 4 * kDay});
    expect(shownWindow({start: 0, end: 10 * kDay}, null, metric)).toEqual({start: 0, end: 10 * kDay});
  });
});
