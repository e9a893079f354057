// The quiet line under every number: its dates, its state, as of when, and what one can do with it.

import {useRef, type RefObject} from 'react';

import {api} from '../live/api';
import {setData, setText, useBoard, usePaint, useTheBoard} from '../live/paint';
import type {Metric, Panel, State} from '../live/contract';
import {asOfWords, stateWords} from '../words';
import {count, grouped} from '../decimal';
import {range} from '../dates';
import {listed, setQuery, toggled, useRoute} from '../route';

export interface Standing {
  start: number;  // an empty window: no event yet
  end: number;
  state: State;
  words?: string;  // where "filling" alone would say too much
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
    setText(dates.current, now ? range(now.start, now.end, board.near()) : said ? 'no events yet' : held?.answered ? 'not computed yet' : '');
    setText(state.current, now ? (now.words ?? now.state) : '');
    setData(state.current, {state: now?.state});
    const long = now && now.state !== 'final' ? stateWords(now.state, now.end, metric, board.watermark?.watermark ?? null, board.near()) : '';
    if (state.current && state.current.title !== long) state.current.title = long;
    setText(words.current, long);
    setText(asOf.current, asOfWords(held?.asOf ?? null));
    setData(root.current, {
      state: now?.state, start: now?.start, end: now?.end, epoch: held?.answered ? held.epoch : null, 'as-of': held?.asOf,
      loaded: held?.answered ? 'true' : 'false',
    });
  });
  return (
    <p className="meta">
      <span ref={dates} className="meta-dates" />
      <span ref={state} className="state" />
      <span ref={words} className="visually-hidden" />
      <span ref={asOf} className="meta-asof" />
    </p>
  );
}

export function Tools({panel, title, twin}: {panel: Panel; title: string; twin?: boolean}) {
  const {query} = useRoute();
  const open = listed(query, 'twin').includes(panel.id);
  return (
    <p className="tools">
      {twin && (
        <button type="button" className="quiet" aria-pressed={open} onClick={() => setQuery(toggled(query, 'twin', panel.id))}>
          {open ? 'Hide table' : 'Table'}
        </button>
      )}
      {panel.kind !== 'stat' && <a className="quiet" href={api.csv(panel.id)} download aria-label={`CSV of ${title}`}>CSV</a>}
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
      onClick={() => setQuery({explain: open ? null : panel, trace: null})}
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
