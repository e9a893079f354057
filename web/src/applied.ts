// How the range, the filters and the comparison of a page apply to one of its panels: what its numbers have to be asked with, what of
// the live numbers can be shown as it is, and what does not apply and has to be said.

import type {Key, Metric, Panel} from './live/contract';
import {questionOf, type Question, type Wish} from './live/asker';
import {windowOf, type PanelData} from './live/panel-data';
import {lastDays, parseRange, parseSpan, type Range} from './range';
import {filtersOf, type Filter} from './route';

const kDay = 86_400_000;
export const kBucketsMax = 2_000;  // of a chart for another range

export interface Applied {
  where: Filter[];
  unfiltered: string[];     // filters whose dimension this panel's definition does not have
  rangeText: string | null; // null: as defined
  unranged: boolean;        // the page has a range, and this panel cannot follow
  compare: boolean;
  uncompared: boolean;
}

const isLines = (kind: string) => kind === 'timeseries' || kind === 'band';
const kComparable = new Set(['stat', 'timeseries', 'table', 'funnel', 'top', 'band']);

function questionFor(rangeText: string | null): Question | null {
  const days = lastDays(rangeText);
  if (days !== null) return {over: days * kDay, until: null};
  const span = parseSpan(rangeText);
  return span && {over: span.to - span.from, until: span.to};
}

export function appliedTo(panel: Panel, metric: Metric | null, query: URLSearchParams): Applied {
  const known = (filter: Filter) => metric?.dimensions.some((one) => one.name === filter.dimension) ?? false;
  const filters = filtersOf(query);
  const text = query.get('range');
  const question = questionFor(text);
  const step = metric?.window.step_ms ?? 0;
  // Ten days of ten-second windows are no chart; less than it shows by itself is always possible.
  const tooMany = question !== null && isLines(panel.kind) && question.over > panel.over_ms && question.over / step > kBucketsMax;
  const wanted = query.get('compare') === 'previous';
  return {
    where: filters.filter(known), unfiltered: filters.filter((filter) => !known(filter)).map((filter) => filter.dimension),
    rangeText: question && !tooMany ? text : null, unranged: tooMany,
    compare: wanted && !tooMany && kComparable.has(panel.kind), uncompared: wanted && (tooMany || !kComparable.has(panel.kind)),
  };
}

export function keyNames(panel: Panel, metric: Metric | null): string[] {
  if (panel.kind !== 'table') return panel.by ?? [];
  return (panel.columns ?? []).filter((name) => metric?.dimensions.some((one) => one.name === name));
}

// Names that the key does not have do not decide.
export function keyPasses(names: string[], key: Key, where: Filter[]): boolean {
  return where.every(({dimension, value}) => {
    const at = names.indexOf(dimension);
    return at < 0 || key[at] === value;
  });
}

// The part of a chart that is shown, in whole buckets where they are equally long.
export function shownWindow(data: {start: number; end: number}, range: Range | null, metric: Metric | null): {start: number; end: number} {
  if (!range) return {start: data.start, end: data.end};
  const step = metric && metric.window.kind !== 'calendar' ? metric.window.step_ms : 1;
  const down = (ms: number) => data.start + Math.floor((ms - data.start) / step) * step;
  return {start: Math.max(data.start, down(range.from)), end: Math.min(data.end, range.to)};
}

// The live numbers of a chart reach back far enough, and the rows of a chart or table can be told apart by themselves.
function enough(panel: Panel, metric: Metric | null, applied: Applied, data: PanelData): boolean {
  if (applied.rangeText !== null) {
    if (data.kind !== 'timeseries' && data.kind !== 'band') return false;
    const range = parseRange(applied.rangeText, data.end);
    if (!range || range.from < data.start || (range.to < Number.MAX_SAFE_INTEGER && range.to > data.end)) return false;
  }
  if (applied.where.length === 0) return true;
  if (data.kind !== 'timeseries' && data.kind !== 'table') return false;
  const names = keyNames(panel, metric);
  if (!applied.where.every((filter) => names.includes(filter.dimension))) return false;
  const keys = data.kind === 'table' ? [...data.rows.values()].map((row) => row.key) : data.series.map((series) => series.key);
  return data.more === 0 || keys.some((key) => keyPasses(names, key, applied.where));
}

export function wishOf(panel: Panel, metric: Metric | null, query: URLSearchParams): Wish & {over: number} {
  const applied = appliedTo(panel, metric, query);
  return {
    panel: panel.id, over: panel.over_ms,
    where: applied.where.map(({dimension, value}) => [dimension, value]),
    window: questionFor(applied.rangeText),
    enough: (data) => enough(panel, metric, applied, data),
    compare: applied.compare,
    shown: (data) => {
      const window = windowOf(data);
      return window && isLines(panel.kind) ? shownWindow(window, parseRange(applied.rangeText, window.end), metric) : window;
    },
  };
}

// What CSV, SQL, verification and lists of a panel have to be asked with; null: nothing, it is as defined.
export function askedOf(panel: Panel, metric: Metric | null, query: URLSearchParams): URLSearchParams | null {
  const {window, where} = wishOf(panel, metric, query);
  if (window === null && where.length === 0) return null;
  return questionOf(window?.over ?? panel.over_ms, window?.until ?? null, where);
}
