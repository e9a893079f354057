// What a panel holds, and how a snapshot or a patch changes it. Patches carry only changed points or rows: equal keys replace,
// `removed` deletes.
//
// Bounds: kPointsMax points per series (the oldest go), kSeriesMax series, kRowsMax rows; the server sends far fewer.

import type {
  FunnelData, Key, Point, RetentionData, SeriesData, SessionsData, StatData, TableData, TableRow, TimeSeriesData, TopData,
} from './contract';

export const kPointsMax = 50_000;
export const kSeriesMax = 64;
export const kRowsMax = 5_000;

export interface Series {
  id: string;
  key: Key;
  points: Point[];  // ascending by start
}

export interface Lines {
  start: number;
  end: number;
  series: Series[];
  more: number;
}

export type PanelData =
  | {kind: 'stat'; stat: StatData}
  | ({kind: 'timeseries'} & Lines)
  | ({kind: 'band'} & Lines)
  | {kind: 'funnel'; funnel: FunnelData}
  | {kind: 'retention'; retention: RetentionData}
  | {kind: 'top'; top: TopData}
  | {kind: 'sessions'; sessions: SessionsData}
  | {kind: 'table'; start: number; end: number; rows: Map<string, TableRow>; more: number; computedAt: number | null};

export const keyId = (key: Key): string => JSON.stringify(key);

export function keyText(key: Key): string {
  return key.map((part) => (part === null ? '(none)' : part === '' ? '(empty)' : part)).join(' · ');
}

// Where `start` is, or would be inserted.
function place(points: Point[], start: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle]!.s < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

function merge(points: Point[], changes: Point[]): void {
  for (const point of changes) {
    const at = place(points, point.s);
    const known = points[at]?.s === point.s;
    if (point.removed) {
      if (known) points.splice(at, 1);
    } else {
      points.splice(at, known ? 1 : 0, point);
    }
  }
}

// Drops what left the panel's window on the left, and the oldest over the cap.
function trim(points: Point[], start: number): void {
  let gone = 0;
  while (gone < points.length && points[gone]!.e <= start) gone++;
  gone = Math.max(gone, points.length - kPointsMax);
  if (gone > 0) points.splice(0, gone);
}

function changeSeries(series: Series[], changes: SeriesData[], start: number): Series[] {
  for (const change of changes) {
    const id = keyId(change.key);
    const at = series.findIndex((one) => one.id === id);
    if (change.removed) {
      if (at >= 0) series.splice(at, 1);
    } else if (at >= 0) {
      merge(series[at]!.points, change.points);
    } else if (series.length < kSeriesMax) {
      const points: Point[] = [];
      merge(points, change.points);
      series.push({id, key: change.key, points});
    }
  }
  for (const one of series) trim(one.points, start);
  return series.filter((one) => one.points.length > 0);
}

function changeRows(rows: Map<string, TableRow>, changes: TableRow[]): void {
  for (const row of changes) {
    const id = keyId(row.key);
    if (row.removed) rows.delete(id);
    else if (rows.has(id) || rows.size < kRowsMax) rows.set(id, row);
  }
}

// The window that is shown; null: not computed, or no event yet.
export function windowOf(data: PanelData | null | undefined): {start: number; end: number} | null {
  if (!data) return null;
  const {start, end} = data.kind === 'stat' ? data.stat : data.kind === 'funnel' ? data.funnel : data.kind === 'retention' ? data.retention :
    data.kind === 'top' ? data.top : data.kind === 'sessions' ? data.sessions : data;
  return start === null || end === null || end <= start ? null : {start, end};
}

// `old` is null for a snapshot. The answer may share memory with `old`.
export function changed(kind: PanelData['kind'], old: PanelData | null, data: unknown): PanelData | null {
  if (data === null || data === undefined) return old;
  switch (kind) {  // these always come whole
    case 'stat': return {kind, stat: data as StatData};
    case 'funnel': return {kind, funnel: data as FunnelData};
    case 'retention': return {kind, retention: data as RetentionData};
    case 'top': return {kind, top: data as TopData};
    case 'sessions': return {kind, sessions: data as SessionsData};
    default:
  }
  if (kind === 'timeseries' || kind === 'band') {
    const next = data as TimeSeriesData;
    const before = old?.kind === kind ? old : null;
    const start = next.start ?? before?.start ?? 0;
    const series = changeSeries(before?.series ?? [], next.series ?? [], start);
    return {kind, start, end: next.end ?? before?.end ?? start, series, more: next.more ?? before?.more ?? 0};
  }
  const next = data as TableData;
  const before = old?.kind === kind ? old : null;
  const rows = before?.rows ?? new Map<string, TableRow>();
  changeRows(rows, next.rows ?? []);
  return {
    kind,
    start: next.start ?? before?.start ?? 0,
    end: next.end ?? before?.end ?? 0,
    rows,
    more: next.more ?? before?.more ?? 0,
    computedAt: next.computed_at ?? before?.computedAt ?? null,
  };
}
