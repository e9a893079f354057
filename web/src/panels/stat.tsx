// One number: the value first, then what it counts, its dates and state.

import {useRef} from 'react';

import {short, grouped} from '../decimal';
import {flash, setData, setText, usePaint, useTheBoard} from '../live/paint';
import type {Panel} from '../live/contract';
import {setCurrentPanel} from '../keys';
import {panelTitle} from '../words';
import {Meta, Tools} from './meta';
import {useMetric} from './project';

export function StatPanel({panel}: {panel: Panel}) {
  const board = useTheBoard();
  const metric = useMetric(panel.metric);
  const root = useRef<HTMLElement>(null);
  const value = useRef<HTMLElement>(null);
  const title = panelTitle(panel, metric);

  const stat = () => {
    const data = board.panel(panel.id)?.data;
    return data?.kind === 'stat' ? data.stat : null;
  };

  usePaint([`panel:${panel.id}`], root, () => {
    const now = stat();
    const held = board.panel(panel.id);
    const text = now ? (now.value === null ? '–' : short(now.value)) : held?.answered ? '–' : '\u2007\u2007\u2007';
    const before = value.current?.dataset['value'];
    const changed = setText(value.current, text);
    if (changed && before !== undefined) flash(value.current);
    if (value.current) {
      value.current.title = now?.value == null ? (now ? 'no events in this window' : '') : grouped(now.value);
      value.current.classList.toggle('skeleton', !held?.answered);
    }
    setData(value.current, {value: now?.value, state: now?.state});
    setData(root.current, {value: now?.value});
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
      <Meta panel={panel} metric={metric} root={root} standing={() => {
        const now = stat();
        return now && {start: now.start ?? 0, end: now.end ?? 0, state: now.state};
      }} />
      <Tools panel={panel} title={title} />
    </section>
  );
}
