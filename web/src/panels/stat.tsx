// One number: the value first, then what it counts, its dates and state.

import {useRef} from 'react';

import {range} from '../dates';
import {change, short, grouped} from '../decimal';
import {flash, setData, setText, usePaint, useTheBoard} from '../live/paint';
import type {Panel} from '../live/contract';
import {setCurrentPanel} from '../keys';
import {panelTitle} from '../words';
import {Meta, standingOf, Tools} from './meta';
import {useApplied, useMetric} from './project';

export function StatPanel({panel}: {panel: Panel}) {
  const board = useTheBoard();
  const metric = useMetric(panel.metric);
  const root = useRef<HTMLElement>(null);
  const value = useRef<HTMLElement>(null);
  const before = useRef<HTMLParagraphElement>(null);
  const title = panelTitle(panel, metric);
  const {compare} = useApplied(panel);

  const stat = () => {
    const data = board.panel(panel.id)?.data;
    return data?.kind === 'stat' ? data.stat : null;
  };

  usePaint([`panel:${panel.id}`], root, () => {
    const now = stat();
    const held = board.panel(panel.id);
    const text = now ? (now.value === null ? '–' : short(now.value)) : held?.answered ? '–' : '\u2007\u2007\u2007';
    const shown = value.current?.dataset['value'];
    const changed = setText(value.current, text);
    if (changed && shown !== undefined) flash(value.current);
    if (value.current) {
      value.current.title = now?.value == null ? (now ? 'no events in this window' : '') : grouped(now.value);
      value.current.classList.toggle('skeleton', !held?.answered);
    }
    setData(value.current, {value: now?.value, state: now?.state});
    setData(root.current, {value: now?.value});
    const previous = board.view(panel.id, 'previous')?.state?.data;
    const then = previous?.kind === 'stat' ? previous.stat : null;
    const by = change(now?.value ?? null, then?.value ?? null);
    const dates = then?.start != null && then.end !== null ? range(then.start, then.end, board.near()) : '';
    setText(before.current, !then ? '' : then.value === null ? `no events ${dates}` : `${by ? `${by} from ` : 'before: '}${short(then.value)}, ${dates}`);
    setData(before.current, {before: then?.value});
  });

  return (
    <section
      ref={root} className="stat" data-panel={panel.id} data-kind="stat" aria-labelledby={`${panel.id}-title`}
      onPointerEnter={() => setCurrentPanel(panel.id)} onFocus={() => setCurrentPanel(panel.id)}
    >
      <div className="stat-line">
        <strong ref={value} className="stat-value" />
        <h3 id={`${panel.id}-title`} className="stat-label">{title}</h3>
      </div>
      {compare && <p ref={before} className="change" />}
      <Meta panel={panel} metric={metric} root={root} standing={() => standingOf(board.panel(panel.id)?.data)} />
      <Tools panel={panel} title={title} />
    </section>
  );
}
