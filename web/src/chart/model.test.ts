import {describe, expect, it} from 'vitest';

import type {Metric, Panel, Point} from '../live/contract';
import {keyId} from '../live/panel-data';
import {pointWords, chartSummary, finalWords} from '../words';
import {look} from './look';
import {parseRange, parseSpan, rangeText} from '../range';
import {beforeAt, below, bucketState, chartModel, extent, fillingFrom, type TimeSeriesState} from './model';
import {ticks} from './ticks';

const kDay = 86_400_000;
const start = Date.parse('2026-11-10T00:00:00Z');
const near = Date.parse('2026-11-17T14:00:00Z');
const metric: Metric = {
  name: 'm', question: '', dimensions: [{name: 'repo', label: 'repo'}], measures: [{name: 'commits', label: 'commits'}],
  window: {kind: 'tumble', size_ms: kDay, step_ms: kDay}, allowed_lateness_ms: 600_000, progress: null,
};
const panel: Panel = {id: 'a.0.0', kind: 'timeseries', metric: 'm', measure: 'commits', by: ['repo'], title: 'commits', over_ms: 7 * kDay};

function point(day: number, v: string, state: Point['state'] = 'final'): Point {
  return {s: start + day * kDay, e: start + (day + 1) * kDay, v, state};
}

function data(series: [string, Point[]][]): TimeSeriesState {
  return {
    kind: 'timeseries', start, end: start + 7 * kDay, more: 0,
    series: series.map(([name, points]) => ({id: keyId([name]), key: [name], points})),
  };
}

const draw = (held: TimeSeriesState, filter = '', range: string | null = null) =>
  chartModel(held, panel, metric, {filter, where: [], range: parseRange(range, held.end), previous: null}, () => look(0));

const plain = {filter: '', where: [], range: null, previous: null};

describe('the chart model', () => {
  it('aligns_series_on_the_buckets_of_all_and_leaves_gaps', () => {
    const model = draw(data([['fmt', [point(0, '1'), point(2, '3')]], ['ninja', [point(1, '5')]]]));
    expect(model.buckets.map((bucket) => (bucket.s - start) / kDay)).toEqual([0, 1, 2]);
    expect(model.series.map((series) => series.points.map((one) => one?.v ?? null))).toEqual([['1', null, '3'], [null, '5', null]]);
  });
  it('says_a_bucket_moves_while_any_series_does', () => {
    const model = draw(data([['fmt', [point(0, '1'), point(1, '2', 'revised'), point(2, '3')]], ['ninja', [point(2, '5', 'filling')]]]));
    expect([0, 1, 2].map((at) => bucketState(model, at))).toEqual(['final', 'revised', 'filling']);
    expect(fillingFrom(model)).toBe(start + 2 * kDay);
  });
  it('filters_by_key_and_an_exact_filter_leaves_strangers_alone', () => {
    const held = data([['fmt', [point(0, '1')]], ['fmtlib', [point(0, '2')]]]);
    const shown = (filter: string) => draw(held, filter).series.map((series) => series.label);
    expect(shown('FMT')).toEqual(['fmt', 'fmtlib']);
    expect(shown('"fmt"')).toEqual(['fmt']);
    expect(shown('"site"')).toEqual(['fmt', 'fmtlib']);
    expect(shown('site')).toEqual([]);
  });
  it('is_bars_for_one_series_or_a_few_of_short_windows_and_lines_else', () => {
    const short = {...metric, window: {...metric.window, size_ms: 10_000, step_ms: 10_000}};
    const names = (count: number) => data(Array.from({length: count}, (_, n) => [`r${n}`, [point(0, '1')]] as [string, Point[]]));
    const shape = (held: TimeSeriesState, of: Panel, by: Metric) => chartModel(held, of, by, plain, () => look(0)).shape;
    expect(shape(names(1), {...panel, by: []}, metric)).toBe('bars');
    expect(shape(names(1), panel, metric)).toBe('lines');
    expect(shape(names(4), panel, short)).toBe('bars');
    expect(shape(names(5), panel, short)).toBe('lines');
  });
  it('stacks_what_adds_up_and_reaches_as_high_as_the_stack', () => {
    const additive = {...metric, measures: [{name: 'commits', label: 'commits', additive: true}]};
    const of = (series: [string, Point[]][]) => chartModel(data(series), panel, additive, plain, () => look(0));
    const model = of([['fmt', [point(0, '3'), point(1, '1')]], ['ninja', [point(0, '4')]], ['seastar', [point(0, '2'), point(2, '8')]]]);
    expect(model.shape).toBe('stack');
    expect([0, 1, 2].map((series) => below(model, series, 0))).toEqual([0, 3, 7]);
    expect(extent(model)).toEqual([1, 9]);
    expect(of([['fmt', [point(0, '-3')]]]).shape).toBe('lines');
    expect(extent(of([]))).toBeNull();
  });
  it('shows_the_range_of_the_url', () => {
    const held = data([['fmt', [0, 1, 2, 3, 4, 5, 6].map((at) => point(at, String(at)))]]);
    expect(draw(held, '', '1d').buckets.length).toBe(1);
    expect(draw(held, '', '2026-11-11..2026-11-12').buckets.length).toBe(2);
    expect(draw(held, '', '2026-11-11T12:00:00Z..2026-11-11T13:00:00Z').buckets.length).toBe(1);
    expect(draw(held, '', 'nonsense').buckets.length).toBe(7);
  });
  it('lays_the_period_before_under_this_one', () => {
    const held = data([['fmt', [point(0, '3'), point(1, '1')]], ['ninja', [point(0, '4')]]]);
    const earlier = data([['fmt', [point(-7, '2'), point(-6, '9')]], ['ninja', [point(-7, '5')]], ['gone', [point(-7, '100')]]]);
    const shown = {...plain, previous: {...earlier, start: start - 7 * kDay, end: start}};
    const lines = chartModel(held, panel, metric, shown, () => look(0));
    expect(lines.before.map(({series, points}) => [series, points.map((one) => [one.s, one.v])])).toEqual([
      [0, [[start, '2'], [start + kDay, '9']]], [1, [[start, '5']]]]);
    expect(beforeAt(lines, 0, lines.buckets[1]!)).toBe('9');
    expect(beforeAt(lines, 1, lines.buckets[1]!)).toBeNull();
    expect(extent(lines)).toEqual([1, 9]);
    const additive = {...metric, measures: [{name: 'commits', label: 'commits', additive: true}]};
    const stack = chartModel(held, panel, additive, shown, () => look(0));
    expect(stack.before.map(({series, points}) => [series, points.map((one) => one.v)])).toEqual([[null, ['107', '9']]]);
    const filtered = {...shown, where: [{dimension: 'repo', value: 'fmt'}]};
    expect(chartModel(held, panel, additive, filtered, () => look(0)).before[0]!.points.map((one) => one.v)).toEqual(['2', '9']);
  });
  it('is_a_band_of_the_measures_of_one_metric', () => {
    const band: Panel = {id: 'b', kind: 'band', metric: 'm', measures: ['p50', 'commits'], title: '', over_ms: 1};
    const model = chartModel({...data([['p50', [point(0, '1')]], ['commits', [point(0, '7')]]]), kind: 'band'}, band, metric, {...plain, filter: 'p50'}, () => look(0));
    expect([model.shape, ...model.series.map((one) => one.label)]).toEqual(['band', 'p50', 'commits']);
  });
  it('is_summed_up_in_one_sentence', () => {
    const model = draw(data([['fmt', [point(0, '9'), point(1, '10')]], ['ninja', [point(6, '5', 'filling')]]]));
    expect(chartSummary('Commits per day, by repo', model, near)).toBe(
      'Commits per day, by repo, 10 Nov – 16 Nov; 2 series; highest 10 (fmt), Wed 11 Nov; 1 value still filling.');
  });
});

describe('ranges in the URL', () => {
  it('are_days_back_whole_days_or_instants', () => {
    expect(parseSpan('2026-11-10..2026-11-16')).toEqual({from: start, to: start + 7 * kDay});
    expect(parseSpan('2026-11-10T01:00:00Z..2026-11-10T01:00:00.500Z')).toEqual({from: start + 3_600_000, to: start + 3_600_500});
    for (const wrong of ['2026-11-10..2026-11-09', '2026-13-10..2026-13-12', '2026-11-10', '0d', '7', '', null]) expect(parseRange(wrong, start)).toBeNull();
    expect(parseRange('7d', start)!.from).toBe(start - 7 * kDay);
  });
  it('come_back_as_they_were_written', () => {
    for (const text of ['2026-11-10..2026-11-10', '2024-02-29..2026-11-16', '2026-11-10T01:00:00Z..2026-11-10T01:00:00.500Z']) {
      expect(rangeText(parseSpan(text)!)).toBe(text);
    }
  });
});

describe('states in words', () => {
  it('say_when_a_window_becomes_final', () => {
    const end = Date.parse('2026-11-17T14:22:10Z');
    const minute = {...metric, allowed_lateness_ms: 60_000};
    expect(finalWords(end, minute, end - 10_000, end)).toBe('still filling: final when the watermark passes 14:23:10, in about 70 s');
  });
  it('say_what_a_revision_changed_and_why', () => {
    const rev = {at: Date.parse('2026-11-17T14:25:00Z'), old: '1118', new: '1121', cause: 'late'};
    expect(pointWords({...point(0, '1121', 'revised'), rev}, metric, null, near)).toBe('revised 14:25:00: 1,118 → 1,121, late events');
  });
});

describe('time ticks', () => {
  it('fall_on_round_times_and_never_exceed_what_fits', () => {
    const day = Date.parse('2026-11-17T00:00:00Z');
    const spans = [30_000, 600_000, 3_600_000, kDay, 14 * kDay, 90 * kDay, 365 * kDay, 3650 * kDay];
    for (const span of spans) {
      for (const most of [2, 4, 9]) {
        const made = ticks(day, day + span, most);
        expect(made.at.length).toBeLessThanOrEqual(most + 1);
        expect(made.at.every((t) => t >= day && t <= day + span)).toBe(true);
      }
    }
  });
  it('are_named_as_people_do', () => {
    const from = Date.parse('2026-11-16T23:50:00Z');
    const minutes = ticks(from, from + 1_200_000, 4);
    expect(minutes.at.map(minutes.label)).toEqual(['23:50', '23:55', '17 Nov', '00:05', '00:10']);
    const year = ticks(Date.parse('2025-11-17T00:00:00Z'), Date.parse('2026-11-17T00:00:00Z'), 6);
    expect(year.at.map(year.label)).toEqual(['2026', 'Mar', 'May', 'Jul', 'Sep', 'Nov']);
    const weeks = ticks(Date.parse('2026-10-01T00:00:00Z'), Date.parse('2026-11-01T00:00:00Z'), 5);
    expect(weeks.at.map(weeks.label)).toEqual(['5 Oct', '12 Oct', '19 Oct', '26 Oct']);
  });
});
