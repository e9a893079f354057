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
  const at = (ms: number | null) => (ms === null ? '' : iso(ms));
  switch (data.kind) {
    case 'funnel': {
      const {start, end, state: word, groups} = data.funnel;
      return line(['start', 'end', ...(panel.by ?? []), 'step', 'step_name', 'people', 'median_ms', 'state', 'as_of']) +
        groups.flatMap((group) => group.steps.map((step, index) =>
          line([at(start), at(end), ...group.key, String(index + 1), step.name, step.people, step.median_ms, word, asOf]))).join('');
    }
    case 'retention':
      return line(['cohort_start', 'cohort_end', 'period', 'people', 'state', 'as_of']) +
        data.retention.cohorts.flatMap((cohort) => cohort.cells.map((one, index) =>
          (one ? line([iso(cohort.s), iso(cohort.e), String(index), one.people, one.state, asOf]) : ''))).join('');
    case 'top': {
      const {start, end, state: word, rows} = data.top;
      const names = (panel.by ?? []).length > 0 ? panel.by! : ['value'];
      return line(['start', 'end', ...names, (panel.by ?? []).length > 0 ? measureLabel(metric, panel.measure ?? '') : 'count', 'state', 'as_of']) +
        rows.map((row) => line([at(start), at(end), ...row.key, row.value, word, asOf])).join('');
    }
    case 'sessions':
      return line(['session_id', 'source', 'key', 'user_key', 'started_at', 'ended_at', 'events', 'duration_ms', 'state', 'as_of']) +
        data.sessions.rows.map((row) => line([
          row.session_id, row.source, row.key, row.user_key, iso(row.started_at), iso(row.ended_at), row.events, row.duration_ms, row.state, asOf])).join('');
    case 'band':
      return line(['start', 'end', 'measure', 'value', 'state', 'as_of']) + data.series.flatMap((series) =>
        series.points.map((point) => line([iso(point.s), iso(point.e), ...series.key, point.v, point.state, asOf]))).join('');
    default:
  }
  const by = panel.by ?? [];
  const head = line(['start', 'end', ...by, measureLabel(metric, panel.measure ?? 'value'), 'state', 'as_of']);
  return head + data.series.flatMap((series) =>
    series.points.map((point) => line([iso(point.s), iso(point.e), ...series.key, point.v, point.state, asOf]))).join('');
}
