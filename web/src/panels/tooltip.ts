// What the crosshair is on: the window, the series by value, and the state in words. Follows the cursor without covering it.

import {change, compare, grouped} from '../decimal';
import type {Metric, Point} from '../live/contract';
import {beforeAt, bucketState, type ChartModel, type ChartSeries} from '../chart/model';
import type {Cursor} from '../chart/time-series';
import {bucketWords, finalWords, pointWords} from '../words';
import {swatch} from './swatch';

const kRowsMax = 12;
const kAway = 14;

function byValue(model: ChartModel, index: number): {series: ChartSeries; point: Point}[] {
  return model.series
    .flatMap((series) => (series.points[index] ? [{series, point: series.points[index]}] : []))
    .sort((a, b) => compare(b.point.v, a.point.v));
}

function stateSentences(model: ChartModel, index: number, metric: Metric | null, watermark: number | null, near: number): string[] {
  const state = bucketState(model, index);
  if (state === null) return ['no events in this window'];
  if (state === 'filling') return [finalWords(model.buckets[index]!.e, metric, watermark, near)];
  const revised = byValue(model, index).filter(({point}) => point.state === 'revised');
  if (revised.length === 0) return ['final'];
  return revised.map(({series, point}) =>
    (model.series.length > 1 ? `${series.label} ` : '') + pointWords(point, metric, watermark, near));
}

// The period before, where it is shown: of all together in a stack, else of each series.
function befores(model: ChartModel, index: number): {name: string; value: string; by: string}[] {
  return model.before.flatMap(({series}) => {
    const value = beforeAt(model, series, model.buckets[index]!);
    if (value === null) return [];
    const now = series === null
      ? String(model.series.reduce((sum, one) => sum + Number(one.points[index]?.v ?? 0), 0))
      : (model.series[series]!.points[index]?.v ?? null);
    return [{name: series === null || model.series.length < 2 ? 'period before' : `${model.series[series]!.label} before`, value: grouped(value), by: change(now, value)}];
  });
}

function beforeRows(model: ChartModel, index: number): HTMLElement[] {
  return befores(model, index).map(({name, value, by}) => {
    const row = document.createElement('li');
    row.className = 'tip-before';
    const [label, number] = [document.createElement('span'), document.createElement('span')];
    label.textContent = name;
    number.textContent = by ? `${value} (${by})` : value;
    row.append(document.createElement('span'), label, number);
    return row;
  });
}

// The same content as one sentence.
export function spoken(model: ChartModel, index: number, metric: Metric | null, watermark: number | null, near: number): string {
  const values = byValue(model, index).map(({series, point}) =>
    (model.series.length > 1 ? `${series.label} ` : '') + (point.v === null ? 'no value' : grouped(point.v)));
  values.push(...befores(model, index).map(({name, value}) => `${name} ${value}`));
  const words = stateSentences(model, index, metric, watermark, near);
  return `${bucketWords(model.buckets[index]!, near)}: ${values.join(', ')}${values.length > 0 ? '; ' : ''}${words.join('; ')}`;
}

export function paintTooltip(
  tip: HTMLElement, model: ChartModel, cursor: Cursor, metric: Metric | null, watermark: number | null, near: number,
): void {
  const index = cursor.index;
  if (index === null || !cursor.own || !model.buckets[index]) {
    tip.hidden = true;
    return;
  }
  const head = document.createElement('p');
  head.className = 'tip-head';
  head.textContent = bucketWords(model.buckets[index], near) + (model.step < 86_400_000 ? ' UTC' : '');
  const list = document.createElement('ul');
  const values = byValue(model, index);
  for (const {series, point} of values.slice(0, kRowsMax)) {
    const row = document.createElement('li');
    if (point.state === 'revised') row.dataset['state'] = 'revised';
    const name = document.createElement('span');
    name.textContent = series.label;
    const value = document.createElement('strong');
    value.textContent = point.v === null ? '–' : grouped(point.v);
    row.append(swatch(series.look), name, value);
    list.append(row);
  }
  list.append(...beforeRows(model, index));
  const state = bucketState(model, index);
  const words = document.createElement('p');
  words.className = 'tip-state';
  words.dataset['state'] = state ?? 'none';
  words.textContent = stateSentences(model, index, metric, watermark, near).join('\n');
  tip.replaceChildren(head, list, words);
  tip.hidden = false;
  const width = tip.offsetWidth;
  const right = cursor.left + kAway;
  const left = right + width > cursor.width ? Math.max(0, cursor.left - kAway - width) : right;
  tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(Math.max(0, cursor.top - tip.offsetHeight / 2))}px)`;
}
