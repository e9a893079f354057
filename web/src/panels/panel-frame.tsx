// What a panel that comes whole has around its numbers: heading, summary for screen readers, a note, state and tools.

import {useRef, type ReactNode, type RefObject} from 'react';

import {setCurrentPanel} from '../keys';
import {useSeen, useTheBoard} from '../live/paint';
import type {Metric, Panel} from '../live/contract';
import type {PanelData} from '../live/panel-data';
import {panelTitle} from '../words';
import {Meta, standingOf, Tools} from './meta';
import {useMetric} from './project';

type Of<K extends PanelData['kind']> = Extract<PanelData, {kind: K}>;

interface Framed {
  root: RefObject<HTMLElement | null>;
  metric: Metric | null;
  title: string;
  answered: boolean;
  data: PanelData | null;
}

export interface Whole<K extends PanelData['kind']> extends Framed {
  data: Of<K> | null;
  previous: Of<K> | null;
}

// `kind` is the panel's own.
export function useWhole<K extends PanelData['kind']>(panel: Panel, kind: K): Whole<K> {
  const root = useRef<HTMLElement>(null);
  const metric = useMetric(panel.metric);
  const topics = [`panel:${panel.id}`] as const;
  const of = (data: PanelData | null | undefined) => (data?.kind === kind ? (data as Of<K>) : null);
  return {
    root, metric, title: panelTitle(panel, metric),
    answered: useSeen(topics, root, (board) => board.panel(panel.id)?.answered === true),
    data: useSeen(topics, root, (board) => of(board.panel(panel.id)?.data)),
    previous: useSeen(topics, root, (board) => of(board.view(panel.id, 'previous')?.state?.data)),
  };
}

interface Props {
  panel: Panel;
  whole: Framed;
  summary: string;
  empty: boolean;      // answered, and nothing to show
  note?: string;
  height: number;      // of the waiting place, as near as can be known to what comes
  twin?: boolean;
  children: ReactNode;
}

export function PanelFrame({panel, whole, summary, empty, note = '', height, twin = false, children}: Props) {
  const board = useTheBoard();
  const {root, metric, title, answered, data} = whole;
  const words = !answered ? '' : data === null ? 'Not computed yet.' : empty ? 'No events in this window.' : note;
  return (
    <section
      ref={root} className="panel" data-panel={panel.id} data-kind={panel.kind} aria-labelledby={`${panel.id}-title`}
      aria-describedby={`${panel.id}-summary`} onPointerEnter={() => setCurrentPanel(panel.id)} onFocus={() => setCurrentPanel(panel.id)}
    >
      <div className="panel-head"><h3 id={`${panel.id}-title`}>{title}</h3></div>
      <p id={`${panel.id}-summary`} className="visually-hidden">{data === null || empty ? '' : summary}</p>
      {data === null ? <div className="place" style={{height}} /> : children}
      {words && <p className="note">{words}</p>}
      <div className="panel-foot">
        <Meta panel={panel} metric={metric} root={root} standing={() => standingOf(board.panel(panel.id)?.data)} />
        <Tools panel={panel} title={title} twin={twin} />
      </div>
    </section>
  );
}
