// From a panel's points to what a chart draws: buckets in common, one value per series and bucket, and where numbers still move.

import {keyPasses, shownWindow} from '../applied';
import type {Metric, Panel, Point, State} from '../live/contract';
import {keyText, type Lines, type PanelData, type Series} from '../live/panel-data';
import {filtered} from '../filter';
import type {Range} from '../range';
import type {Filter} from '../route';
import {measureLabel} from '../words';
import type {Look} from './look';

export interface Bucket {
  s: number;
  e: number;
}

export interface ChartSeries {
  id: string;
  label: string;
  look: Look;
  points: (Point | null)[];  // one per bucket
}

export interface ChartModel {
  start: number;
  end: number;
  step: number;
  buckets: Bucket[];
  series: ChartSeries[];
  shape: 'bars' | 'stack' | 'lines' | 'band';
  before: Before[];   // the period before, moved onto this one
}

export interface Before {
  series: number | null;  // null: of all together
  points: {s: number; e: number; v: string}[];
}

export type TimeSeriesState = Extract<PanelData, {kind: 'timeseries' | 'band'}>;

// Lines, alone or with the band between the first and the last filled.
export const isLines = (model: ChartModel): boolean => model.shape === 'lines' || model.shape === 'band';

const kBarsSeriesMax = 4;
const kBarsStepMax = 60_000;

const isSingle = (panel: Panel) => panel.kind !== 'band' && (panel.by ?? []).length === 0;

// One series is bars. Several are stacked where they add up to a total: a bucket without events is then simply empty. Else they are
// lines, or, a few of short windows that one watches filling, bars side by side.
function shapeOf(panel: Panel, metric: Metric | null, step: number, series: ChartSeries[]): ChartModel['shape'] {
  if (panel.kind === 'band') return 'band';
  if (isSingle(panel)) return 'bars';
  const additive = metric?.measures.find((one) => one.name === panel.measure)?.additive === true;
  const negative = () => series.some((one) => one.points.some((point) => point?.v?.startsWith('-')));
  if (additive && !negative()) return 'stack';
  return step <= kBarsStepMax && series.length <= kBarsSeriesMax ? 'bars' : 'lines';
}

const height = (point: Point | null | undefined) => (point?.v == null ? 0 : Number(point.v));

// What lies under a series in a stack.
export function below(model: ChartModel, series: number, bucket: number): number {
  let sum = 0;
  for (let at = 0; at < series; at++) sum += height(model.series[at]!.points[bucket]);
  return sum;
}

// The lowest and highest place that the chart draws; null: nothing.
export function extent(model: ChartModel): [number, number] | null {
  let found: [number, number] | null = null;
  for (let bucket = 0; bucket < model.buckets.length; bucket++) {
    const values = model.series.flatMap((one) => (one.points[bucket]?.v == null ? [] : [height(one.points[bucket])]));
    if (values.length === 0) continue;
    const drawn = model.shape === 'stack' ? [values.reduce((sum, value) => sum + value, 0)] : values;
    found = [Math.min(found?.[0] ?? Infinity, ...drawn), Math.max(found?.[1] ?? -Infinity, ...drawn)];
  }
  if (!found) return null;
  const before = model.before.flatMap((one) => one.points.map((point) => Number(point.v)));
  return [before.reduce((low, value) => Math.min(low, value), found[0]), before.reduce((high, value) => Math.max(high, value), found[1])];
}

// The period before as lines: of bars that stand on one another their sum, else one for each series.
function beforeOf(series: ChartSeries[], shape: ChartModel['shape'], start: number, previous: Lines): Before[] {
  const shift = start - previous.start;
  const moved = (points: Point[]) => points.flatMap(({s, e, v}) => (v === null ? [] : [{s: s + shift, e: e + shift, v}]));
  if (shape !== 'stack') {
    return previous.series.flatMap((one) => {
      const at = series.findIndex((other) => other.id === one.id);
      return at < 0 ? [] : [{series: at, points: moved(one.points)}];
    });
  }
  const sums = new Map<number, {s: number; e: number; v: number}>();
  for (const one of previous.series) {
    for (const {s, e, v} of moved(one.points)) sums.set(s, {s, e, v: (sums.get(s)?.v ?? 0) + Number(v)});
  }
  const points = [...sums.values()].sort((a, b) => a.s - b.s).map(({s, e, v}) => ({s, e, v: String(v)}));
  return points.length === 0 ? [] : [{series: null, points}];
}

export interface Shown {
  filter: string;   // the text that names must contain
  where: Filter[];
  range: Range | null;
  previous: Lines | null;
}

export function chartModel(
  data: TimeSeriesState, panel: Panel, metric: Metric | null, {filter, where, range, previous}: Shown, lookOf: (series: Series) => Look,
): ChartModel {
  const {start, end} = shownWindow(data, range, metric);
  const named = panel.kind === 'timeseries' && !isSingle(panel);
  const passing = (series: Series[]) => (named ? series.filter((one) => keyPasses(panel.by ?? [], one.key, where)) : series);
  const shown = named ? filtered(passing(data.series), filter) : data.series;
  const buckets = new Map<number, Bucket>();
  for (const series of shown) {
    for (const point of series.points) {
      if (point.e > start && point.s < end) buckets.set(point.s, {s: point.s, e: point.e});
    }
  }
  const ordered = [...buckets.values()].sort((a, b) => a.s - b.s);
  const place = new Map(ordered.map((bucket, index) => [bucket.s, index]));
  const labelOf = (one: Series) =>
    panel.kind === 'band' ? measureLabel(metric, one.key[0] ?? '') : isSingle(panel) ? measureLabel(metric, panel.measure ?? '') : keyText(one.key);
  const series = shown.map((one) => {
    const points = Array.from({length: ordered.length}, (): Point | null => null);
    for (const point of one.points) {
      const at = place.get(point.s);
      if (at !== undefined) points[at] = point;
    }
    return {id: one.id, label: labelOf(one), look: lookOf(one), points};
  });
  const step = metric?.window.step_ms ?? (ordered[0] ? ordered[0].e - ordered[0].s : 1);
  const shape = shapeOf(panel, metric, step, series);
  const before = previous ? beforeOf(series, shape, start, {...previous, series: passing(previous.series)}) : [];
  return {start, end, step, buckets: ordered, series, shape, before};
}

// What the period before had at a bucket; null: nothing there.
export function beforeAt(model: ChartModel, series: number | null, bucket: Bucket): string | null {
  const line = model.before.find((one) => one.series === series);
  return line?.points.find((point) => point.s === bucket.s)?.v ?? null;
}

// The state of a whole bucket: it moves while any of its series does.
export function bucketState(model: ChartModel, index: number): State | null {
  let state: State | null = null;
  for (const series of model.series) {
    const point = series.points[index];
    if (!point) continue;
    if (point.state === 'filling') return 'filling';
    if (point.state === 'revised' || state === null) state = point.state;
  }
  return state;
}

export function fillingFrom(model: ChartModel): number | null {
  for (let index = 0; index < model.buckets.length; index++) {
    if (bucketState(model, index) === 'filling') return model.buckets[index]!.s;
  }
  return null;
}
