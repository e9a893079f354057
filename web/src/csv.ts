// A panel as CSV, with the state of every number and the instant it is as of: what `c` copies. The server's download says the same.

import {iso} from './dates';
import type {Metric, Panel} from './live/contract';
import type {PanelState} from './live/board';
import {cellText} from './top';
import {columnLabel, measureLabel} from './words';

export function cell(text: string | null): string {
  if (text === null) return '';
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const line = (cells: (string | null)[]) => cells.map(cell).join(',') + '\n';

export function panelCsv(panel: Panel, metric: Metric | null, state: PanelState): string {
  const data = state.data;
  const asOf = state.asOf === null ? '' : iso(state.asOf);
  if (!data) return '';
  if (data.kind === 'stat') {
    const {value, state: word, start, end} = data.stat;
    return line(['start', 'end', measureLabel(metric, panel.measure ?? 'value'), 'state', 'as_of']) +
      line([start === null ? '' : iso(start), end === null ? '' : iso(end), value, word, asOf]);
  }
  if (data.kind === 'table') {
    const columns = panel.columns ?? [];
    return line(['start', 'end', ...columns.map((name) => columnLabel(metric, name)), 'state', 'as_of']) +
      [...data.rows.values()].map((row) => line([iso(data.start), iso(data.end), ...row.cells.map(cellText), row.state, asOf])).join('');
  }
  const by = panel.by ?? [];
  const head = line(['start', 'end', ...by, measureLabel(metric, panel.measure ?? 'value'), 'state', 'as_of']);
  return head + data.series.flatMap((series) =>
    series.points.map((point) => line([iso(point.s), iso(point.e), ...series.key, point.v, point.state, asOf]))).join('');
}
