// The table twin of a chart: the same values as a real table, for screen readers, for tests and for reading along. Closed, it holds
// the newest kClosedBuckets buckets, so that a page of many charts stays light; open, all of them.

import {grouped, short} from '../decimal';
import type {Metric} from '../live/contract';
import {keyed, setData, setText} from '../live/paint';
import {beforeAt, bucketState, type Bucket, type ChartModel} from '../chart/model';
import {bucketWords, pointWords} from '../words';

export const kClosedBuckets = 48;

interface Row {
  index: number;
  bucket: Bucket;
}

export function paintTwin(
  table: HTMLTableElement, model: ChartModel, open: boolean, metric: Metric | null, watermark: number | null, near: number,
): void {
  const head = table.querySelector('thead tr')!;
  const body = table.querySelector('tbody')!;
  const beforeLabel = (series: number | null) => (series === null || model.series.length < 2 ? 'period before' : `${model.series[series]!.label} before`);
  const names = ['window', ...model.series.map((series) => series.label), ...model.before.map((one) => beforeLabel(one.series)), 'state'];
  if (head.children.length !== names.length || names.some((name, at) => head.children[at]!.textContent !== name)) {
    head.replaceChildren(...names.map((name, at) => {
      const cell = document.createElement('th');
      cell.scope = 'col';
      cell.textContent = name;
      if (at > 0 && at < names.length - 1) cell.className = 'figure';
      return cell;
    }));
    body.replaceChildren();
  }
  const first = open ? 0 : Math.max(0, model.buckets.length - kClosedBuckets);
  const rows: Row[] = [];
  for (let index = model.buckets.length - 1; index >= first; index--) rows.push({index, bucket: model.buckets[index]!});
  keyed(body, rows, (row) => String(row.bucket.s), () => create(model.series.length + model.before.length), (element, row) => {
    update(element, row, model, metric, watermark, near);
  });
}

function create(series: number): HTMLElement {
  const row = document.createElement('tr');
  const name = document.createElement('th');
  name.scope = 'row';
  row.append(name);
  for (let at = 0; at < series; at++) row.append(document.createElement('td'));
  const state = document.createElement('td');
  state.className = 'twin-state';
  row.append(state);
  return row;
}

function update(
  element: HTMLElement, {index, bucket}: Row, model: ChartModel, metric: Metric | null, watermark: number | null, near: number,
): void {
  const state = bucketState(model, index);
  const cells = element.children as HTMLCollectionOf<HTMLElement>;
  setData(element, {bucket: bucket.s, end: bucket.e, state});
  setText(cells[0]!, bucketWords(bucket, near));
  const words: string[] = [];
  for (const [at, series] of model.series.entries()) {
    const point = series.points[index] ?? null;
    const cell = cells[at + 1]!;
    setText(cell, point?.v == null ? '–' : short(point.v));
    cell.title = point?.v == null ? 'no events in this window' : grouped(point.v);
    const revised = point?.rev ? `${point.rev.old ?? ''}→${point.rev.new ?? ''}` : null;
    setData(cell, {key: series.id, value: point?.v, state: point?.state, revised, cause: point?.rev?.cause});
    if (point?.state === 'revised') words.push(pointWords(point, metric, watermark, near));
  }
  for (const [at, line] of model.before.entries()) {
    const value = beforeAt(model, line.series, bucket);
    const cell = cells[model.series.length + 1 + at]!;
    setText(cell, value === null ? '–' : short(value));
    setData(cell, {before: value ?? ''});
  }
  setText(cells[cells.length - 1]!, words.length > 0 ? words.join('; ') : (state ?? 'no data'));
}
