// The sentences that go with numbers: what a state means, what a chart shows, what a panel is called.

import {compare, count, grouped, short} from './decimal';
import {clock, duration, per, range, weekday, instant} from './dates';
import type {Ledger, Metric, Panel, Point, Stage, State, Status} from './live/contract';
import type {Bucket, ChartModel} from './chart/model';

export function measureLabel(metric: Metric | null, name: string): string {
  return metric?.measures.find((one) => one.name === name)?.label ?? name.replaceAll('_', ' ');
}

export function columnLabel(metric: Metric | null, name: string): string {
  return metric?.dimensions.find((one) => one.name === name)?.label ?? measureLabel(metric, name);
}

// p99 stays p99.
const capital = (text: string) => (/^.\d/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1));

// "Commits per day, by repo"; a stat keeps its label, which stands behind the number.
export function panelTitle(panel: Panel, metric: Metric | null): string {
  if (panel.kind === 'funnel' || panel.kind === 'retention' || panel.kind === 'sessions') {
    const name = metric?.question || metric?.name || panel.metric;
    const own = panel.title === name ? '' : panel.title;  // the server's, where nobody gave one
    const by = (panel.by ?? []).map((one) => columnLabel(metric, one));
    const said = own || metric?.question || capital(name.replaceAll('_', ' '));
    return own || by.length === 0 ? said : `${said} · by ${sentence(by)}`;
  }
  if (panel.kind === 'top') {
    const by = (panel.by ?? []).map((one) => columnLabel(metric, one));
    const own = panel.title && panel.title !== measureLabel(metric, panel.measure ?? '') ? panel.title : '';
    return own || (by.length > 0 ? `Top ${sentence(by)} by ${measureLabel(metric, panel.measure ?? '')}` : capital(measureLabel(metric, panel.measure ?? '').replaceAll('_', ' ')));
  }
  if (panel.kind === 'band') {
    const names = (panel.measures ?? []).map((name) => measureLabel(metric, name));
    const own = panel.title === (metric?.question || metric?.name) ? '' : panel.title;
    return own || capital(sentence(names)) + (metric ? ` per ${metric.window.unit ?? per(metric.window.step_ms)}` : '');
  }
  if (panel.kind === 'table') {
    if (panel.title) return panel.title;
    const names = (panel.columns ?? []).filter((name) => !isDimension(metric, name)).map((name) => measureLabel(metric, name));
    const by = (panel.columns ?? []).filter((name) => isDimension(metric, name)).map((name) => columnLabel(metric, name));
    return capital(sentence(names)) + (by.length > 0 ? `, by ${sentence(by)}` : '');
  }
  const label = measureLabel(metric, panel.measure ?? '');
  if (panel.title && panel.title !== label) return panel.title;  // somebody's own words
  if (panel.kind === 'stat') return label;
  const by = (panel.by ?? []).map((one) => columnLabel(metric, one));
  return capital(label) + (metric ? ` per ${metric.window.unit ?? per(metric.window.step_ms)}` : '') + (by.length > 0 ? `, by ${sentence(by)}` : '');
}

export function isDimension(metric: Metric | null, name: string): boolean {
  return metric?.dimensions.some((one) => one.name === name) ?? false;
}

export function sentence(words: string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`;
}

// When a window that is still filling becomes final, as far as one can know.
export function finalWords(end: number, metric: Metric | null, watermark: number | null, near: number): string {
  const due = end + (metric?.within_ms ?? 0) + (metric?.allowed_lateness_ms ?? 0);
  const when = `still filling: final when the watermark passes ${instant(due, near)}`;
  return watermark !== null && due > watermark ? `${when}, in about ${duration(due - watermark)}` : when;
}

export function stateWords(state: State, end: number, metric: Metric | null, watermark: number | null, near: number): string {
  if (state === 'filling') return finalWords(end, metric, watermark, near);
  return state === 'revised' ? 'revised: events came after it was final' : 'final';
}

const kCauses: Record<string, string> = {
  late: 'late events', identity: 'a link between identities', definition: 'a changed definition', dimension: 'a changed dimension file',
};

export function pointWords(point: Point, metric: Metric | null, watermark: number | null, near: number): string {
  const rev = point.rev;
  if (point.state === 'revised' && rev) {
    const from = rev.old === null ? 'nothing' : grouped(rev.old);
    const to = rev.new === null ? 'nothing' : grouped(rev.new);
    return `revised ${instant(rev.at, near)}: ${from} → ${to}, ${kCauses[rev.cause] ?? rev.cause}`;
  }
  return stateWords(point.state, point.e, metric, watermark, near);
}

export function bucketWords(bucket: Bucket, near: number): string {
  const whole = bucket.s % 86_400_000 === 0 && bucket.e - bucket.s === 86_400_000;
  return whole ? weekday(bucket.s, near) : range(bucket.s, bucket.e, near);
}

// One sentence that says what a chart shows, for those who do not see it.
export function chartSummary(title: string, model: ChartModel, near: number): string {
  if (model.buckets.length === 0) return `${title}: no events in this window.`;
  let high: {label: string; point: Point} | null = null;
  let filling = 0;
  let revised = 0;
  for (const series of model.series) {
    for (const point of series.points) {
      if (!point) continue;
      if (point.state === 'filling') filling++;
      if (point.state === 'revised') revised++;
      if (point.v !== null && (!high || compare(point.v, high.point.v) > 0)) high = {label: series.label, point};
    }
  }
  const parts = [`${title}, ${range(model.start, model.end, near)}`];
  if (model.series.length > 1) parts.push(count(model.series.length, 'series', 'series'));
  if (high?.point.v) {
    const who = model.series.length > 1 ? ` (${high.label})` : '';
    parts.push(`highest ${short(high.point.v)}${who}, ${bucketWords(high.point, near)}`);
  }
  if (filling > 0) parts.push(`${count(filling, 'value')} still filling`);
  if (revised > 0) parts.push(`${count(revised, 'value')} revised`);
  return parts.join('; ') + '.';
}

// "49,075 received = 49,075 stored, 0 missing": what is zero is left out, except what would be missing.
export function ledgerWords(ledger: Ledger): string {
  const fates = [
    [ledger.stored, 'stored'], [ledger.quarantined, 'quarantined'], [ledger.duplicate, 'duplicate'], [ledger.pending, 'pending'],
  ] as const;
  const terms = fates.filter(([n, name]) => n > 0 || name === 'stored').map(([n, name]) => `${grouped(String(n))} ${name}`);
  return `${grouped(String(ledger.received))} received = ${terms.join(' + ')}, ${grouped(String(ledger.missing))} missing`;
}

export function watermarkWords(behind: number | null): string {
  return behind === null ? 'no watermark yet' : `watermark ${duration(Math.max(0, behind))} behind`;
}

const kWaiting = /:? *[\d,]+ events? waits? in the log, none is lost/;

function stageWords(stage: Stage): string {
  const why = (stage.why || stage.status).replace(kWaiting, '');  // the program's own words may say it, too
  return `${stage.name}: ${why}`;
}

// One quiet line while something is behind or down; null when all is well.
export function statusWords(status: Status | null, ledger: Ledger | null, near: number): string | null {
  if (!status || status.status === 'ready') return null;
  const missing = (ledger?.missing ?? 0) > 0;
  const bad = status.stages.filter((stage) => stage.status !== 'ready' && stage.status !== 'ok');
  const away = bad.some((stage) => stage.name === 'store');
  const told = bad.filter((stage) => stage.name !== 'sql' || !away);  // without its store there is no SQL: said once
  const what = told.length > 0 ? told.map(stageWords).join(' · ') : `the pipeline is ${status.status}`;
  const waiting = Math.max(0, ...bad.map((stage) => stage.lag_events));
  const wait = waiting > 0 ? `. ${count(waiting, 'event waits', 'events wait')} in the log${missing ? '' : ', none lost'}` : '';
  return `${what}${wait} · since ${instant(status.since, near)}`;
}

export function asOfWords(ms: number | null): string {
  return ms === null ? '' : `as of ${clock(ms)}`;
}
