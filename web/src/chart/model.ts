// From a panel's points to what a chart draws: buckets in common, one value per series and bucket, and where numbers still move.

import type {Metric, Panel, Point, State} from '../live/contract';
import type {PanelData, Series} from '../live/panel-data';
import {filtered} from '../filter';
import {keyText} from '../live/panel-data';
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
  shape: 'bars' | 'stack' | 'lines';
}

export interface Range {
  from: number;
  to: number;
}

export type TimeSeriesState = Extract<PanelData, {kind: 'timeseries'}>;

const kBarsSeriesMax = 4;
const kBarsStepMax = 60_000;

const isSingle = (panel: Panel) => (panel.by ?? []).length === 0;

// One series is bars. Several are stacked where they add up to a total: a bucket without events is then simply empty. Else they are
// lines, or, a few of short windows that one watches filling, bars side by side.
function shapeOf(panel: Panel, metric: Metric | null, step: number, series: ChartSeries[]): ChartModel['shape'] {
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
  return found;
}

export function chartModel(
  data: TimeSeriesState, panel: Panel, metric: Metric | null, filter: string, range: Range | null, lookOf: (series: Series) => Look,
): ChartModel {
  const start = range ? Math.max(range.from, data.start) : data.start;
  const end = range ? Math.min(range.to, data.end) : data.end;
  const shown = isSingle(panel) ? data.series : filtered(data.series, filter);
  const buckets = new Map<number, Bucket>();
  for (const series of shown) {
    for (const point of series.points) {
      if (point.e > start && point.s < end) buckets.set(point.s, {s: point.s, e: point.e});
    }
  }
  const ordered = [...buckets.values()].sort((a, b) => a.s - b.s);
  const place = new Map(ordered.map((bucket, index) => [bucket.s, index]));
  const series = shown.map((one) => {
    const points = Array.from({length: ordered.length}, (): Point | null => null);
    for (const point of one.points) {
      const at = place.get(point.s);
      if (at !== undefined) points[at] = point;
    }
    return {id: one.id, label: isSingle(panel) ? measureLabel(metric, panel.measure ?? '') : keyText(one.key), look: lookOf(one), points};
  });
  const step = metric?.window.step_ms ?? (ordered[0] ? ordered[0].e - ordered[0].s : 1);
  return {start, end, step, buckets: ordered, series, shape: shapeOf(panel, metric, step, series)};
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

// Where a range is given in the URL: "7d" back from the end of the data, or two instants "from-to".
export function parseRange(text: string | null, end: number): Range | null {
  const days = /^(\d{1,4})d$/.exec(text ?? '');
  if (days) return {from: end - Number(days[1]) * 86_400_000, to: Number.MAX_SAFE_INTEGER};
  const pair = /^(\d{1,15})-(\d{1,15})$/.exec(text ?? '');
  if (!pair || Number(pair[1]) >= Number(pair[2])) return null;
  return {from: Number(pair[1]), to: Number(pair[2])};
}
