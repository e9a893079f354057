// The quiet line under every number: its dates, its state, as of when, and what one can do with it.

import {useRef, type RefObject} from 'react';

import {api} from '../live/api';
import {setData, setText, useBoard, usePaint, useTheBoard} from '../live/paint';
import type {Metric, Panel, Point, RetentionData, State} from '../live/contract';
import {windowOf, type PanelData} from '../live/panel-data';
import {count, grouped} from '../decimal';
import {range} from '../dates';
import {listed, nothingBeside, setQuery, toggled, useRoute} from '../route';
import {asOfWords, columnLabel, sentence, stateWords} from '../words';
import {useApplied, useAsked, useProject} from './project';

export interface Standing {
  start: number;  // an empty window: no event yet
  end: number;
  state: State;
  words?: string;  // where "filling" alone would say too much
}

// Dates and state of a panel that comes whole.
export function standingOf(data: PanelData | null | undefined): Standing | null {
  if (!data) return null;
  const {start, end} = windowOf(data) ?? {start: 0, end: 0};
  switch (data.kind) {
    case 'stat': return {start, end, state: data.stat.state};
    case 'funnel': return {start, end, state: data.funnel.state};
    case 'top': return {start, end, state: data.top.state};
    case 'sessions': return {start, end, ...counted(data.sessions.rows.map((row) => row.state), 'session')};
    case 'retention': return {start, end, ...counted(begunCells(data.retention, end), 'cell')};
    case 'table': return {start, end, state: worst([...data.rows.values()].map((row) => row.state))};
    case 'timeseries':
    case 'band': return {start, end, ...countedPoints(data)};
  }
}

// The worst news of all: something still moves, or something was revised.
export function worst(states: State[]): State {
  return states.includes('filling') ? 'filling' : states.includes('revised') ? 'revised' : 'final';
}

// Periods behind the newest cohort's own are still ahead: no news.
function begunCells({cohorts}: RetentionData, end: number): State[] {
  return cohorts.flatMap((cohort) =>
    cohort.cells.flatMap((cell, at) => (cell && cohort.s + at * (cohort.e - cohort.s) < end ? [cell.state] : [])));
}

function counted(states: State[], what: string): {state: State; words: string} {
  const words = (['filling', 'revised'] as const)
    .map((state) => ({state, n: states.filter((one) => one === state).length}))
    .filter(({n}) => n > 0).map(({state, n}) => `${count(n, what)} ${state}`);
  return {state: worst(states), words: words.join(', ') || 'final'};
}

// Of a chart: windows, not the points of each of its series.
export function countedPoints(data: {series: {points: (Point | null)[]}[]}): {state: State; words: string} {
  const states = new Map<number, State>();
  for (const series of data.series) {
    for (const point of series.points) if (point) states.set(point.s, worst([point.state, states.get(point.s) ?? 'final']));
  }
  return counted([...states.values()], 'window');
}

// What of the page's range, filters and comparison does not apply here, or could not be answered.
function AppliedNote({panel}: {panel: Panel}) {
  const applied = useApplied(panel);
  const project = useProject();
  const failure = useBoard([`panel:${panel.id}`], (board) => board.view(panel.id, 'current')?.failure ?? board.view(panel.id, 'previous')?.failure ?? null);
  const label = (name: string) => columnLabel(project.metrics.find((one) => one.dimensions.some((known) => known.name === name)) ?? null, name);
  const said = [
    applied.unfiltered.length > 0 ? `Not filtered by ${sentence(applied.unfiltered.map(label))}: it has no such dimension.` : '',
    applied.unranged ? 'Shows its own range: its windows are too short for the chosen one.' : '',
    applied.uncompared ? 'Not compared with the period before.' : '',
    failure ? `Not answered: ${failure.message} ${failure.next}` : '',
  ].filter((one) => one !== '');
  return said.length === 0 ? null : <p className="note applied" data-applied={panel.id}>{said.join(' ')}</p>;
}

// Paints dates, state and as-of of a panel; `standing` reads them from the board.
export function Meta({panel, metric, root, standing}: {
  panel: Panel; metric: Metric | null; root: RefObject<HTMLElement | null>; standing: () => Standing | null;
}) {
  const board = useTheBoard();
  const dates = useRef<HTMLSpanElement>(null);
  const state = useRef<HTMLSpanElement>(null);
  const asOf = useRef<HTMLSpanElement>(null);
  const words = useRef<HTMLSpanElement>(null);
  usePaint([`panel:${panel.id}`, 'watermark'], root, () => {
    const said = standing();
    const now = said && said.end > said.start ? said : null;
    const held = board.panel(panel.id);
    const view = board.view(panel.id, 'current');
    setText(dates.current, now ? range(now.start, now.end, board.near()) : said ? 'no events yet' : held?.answered ? 'not computed yet' : '');
    setText(state.current, now ? (now.words ?? now.state) : '');
    setData(state.current, {state: now?.state});
    const long = now && now.state !== 'final' ? stateWords(now.state, now.end, metric, board.watermark?.watermark ?? null, board.near()) : '';
    if (state.current && state.current.title !== long) state.current.title = long;
    setText(words.current, long);
    setText(asOf.current, asOfWords(held?.asOf ?? null));
    setData(root.current, {
      state: now?.state, start: now?.start, end: now?.end, epoch: held?.answered ? held.epoch : null, 'as-of': held?.asOf,
      loaded: held?.answered ? 'true' : 'false', asked: view ? view.query : null,
    });
    root.current?.classList.toggle('asking', view?.waiting === true && view.failure === null);
  });
  return (
    <>
      <p className="meta">
        <span ref={dates} className="meta-dates" />
        <span ref={state} className="state" />
        <span ref={words} className="visually-hidden" />
        <span ref={asOf} className="meta-asof" />
      </p>
      <AppliedNote panel={panel} />
    </>
  );
}

export function Tools({panel, title, twin}: {panel: Panel; title: string; twin?: boolean}) {
  const {query} = useRoute();
  const open = listed(query, 'twin').includes(panel.id);
  const asked = useAsked(panel);
  return (
    <p className="tools">
      {twin && (
        <button type="button" className="quiet" aria-pressed={open} onClick={() => setQuery(toggled(query, 'twin', panel.id))}>
          {open ? 'Hide table' : 'Table'}
        </button>
      )}
      {panel.kind !== 'stat' && <a className="quiet" href={api.csv(panel.id, asked)} download aria-label={`CSV of ${title}`}>CSV</a>}
      <ExplainButton panel={panel.id} title={title} />
    </p>
  );
}

export function ExplainButton({panel, title}: {panel: string; title: string}) {
  const {query} = useRoute();
  const open = query.get('explain') === panel;
  return (
    <button
      type="button" className="quiet" aria-expanded={open} data-explain={panel} aria-label={`How do you know? ${title}`}
      onClick={() => setQuery({...nothingBeside, explain: open ? null : panel})}
    >
      How do you know?
    </button>
  );
}

// A metric that is new or changed is computed over all stored events; until then its charts are incomplete.
export function ProgressLine({metric}: {metric: Metric}) {
  const progress = useBoard(['progress'], (board) => board.progress.get(metric.name) ?? null);
  if (!progress || progress.total === 0) return null;
  const done = Math.min(progress.done, progress.total);
  return (
    <p className="progress" data-progress={metric.name}>
      <progress max={progress.total} value={done} aria-label={`${metric.name}: windows computed`} />
      <span>{metric.name} is new: {grouped(String(done))} of {count(progress.total, 'window')} computed from the stored events</span>
    </p>
  );
}
