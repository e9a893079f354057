// A question and its answers.

import {useEffect, useRef, type ReactNode} from 'react';

import {useBoard} from '../live/paint';
import type {Dashboard, Panel, Project} from '../live/contract';
import {DroppedAside, parseDropped, parseSession, SessionAside} from '../panels/beside';
import {Explain} from '../panels/explain';
import {FunnelPanel} from '../panels/funnel';
import {ProgressLine} from '../panels/meta';
import {RetentionPanel} from '../panels/retention';
import {SessionsPanel} from '../panels/sessions';
import {StatPanel} from '../panels/stat';
import {TablePanel} from '../panels/table';
import {TimeSeriesPanel} from '../panels/time-series-panel';
import {TopPanel} from '../panels/top-panel';
import {setQuery, useRoute} from '../route';
import {Chips, CompareField, RangeField} from './dashboard-fields';
import {FilterField} from './filter-field';
import {Guide} from './guide';

function PanelView({panel}: {panel: Panel}) {
  switch (panel.kind) {
    case 'stat': return <StatPanel panel={panel} />;
    case 'table': return <TablePanel panel={panel} />;
    case 'timeseries':
    case 'band': return <TimeSeriesPanel panel={panel} />;
    case 'funnel': return <FunnelPanel panel={panel} />;
    case 'retention': return <RetentionPanel panel={panel} />;
    case 'top': return <TopPanel panel={panel} />;
    case 'sessions': return <SessionsPanel panel={panel} />;
    default: return null;  // a newer server may have more kinds
  }
}

// At most one thing stands beside the numbers.
function asideOf(panels: Panel[], query: URLSearchParams): ReactNode {
  const named = (id: string | undefined) => panels.find((panel) => panel.id === id);
  const explained = named(query.get('explain') ?? undefined);
  if (explained) return <Explain key={explained.id} panel={explained} rangeText={query.get('range')} onClose={() => setQuery({explain: null})} />;
  const dropped = parseDropped(query.get('dropped'));
  const funnel = named(dropped?.panel);
  if (dropped && funnel?.kind === 'funnel' && dropped.step > 1) {
    return <DroppedAside key={query.get('dropped')} panel={funnel} step={dropped.step} groupKey={dropped.key} />;
  }
  const session = parseSession(query.get('session'));
  const sessions = named(session?.panel);
  if (session && sessions?.kind === 'sessions') return <SessionAside key={session.id} panel={sessions} id={session.id} />;
  return null;
}

export function DashboardPage({dashboard, project}: {dashboard: Dashboard; project: Project}) {
  const {query} = useRoute();
  const filter = useRef<HTMLInputElement>(null);
  const empty = useBoard(['ledger'], (board) => board.ledger !== null && board.ledger.received === 0);
  const notes = useBoard(['notes'], (board) => board.notes);
  const aside = asideOf(dashboard.rows.flat(), query);

  const used = new Set(dashboard.rows.flat().map((panel) => panel.metric));
  const metrics = project.metrics.filter((metric) => used.has(metric.name));

  useEffect(() => {
    document.title = `${dashboard.question} · ${project.project}`;
  }, [dashboard, project]);

  return (
    <div className={aside ? 'page with-aside' : 'page'}>
      <main id="main" tabIndex={-1} className="main">
        <div className="question">
          <h1>{dashboard.question}</h1>
          {!empty && (
            <div className="fields">
              <FilterField input={filter} label="Filter charts and tables" />
              <RangeField />
              <CompareField />
            </div>
          )}
        </div>
        {!empty && <Chips dashboard={dashboard} project={project} />}
        {notes.map((note) => <p key={note} className="page-note" data-note="">{note}</p>)}
        {!empty && metrics.map((metric) => <ProgressLine key={metric.name} metric={metric} />)}
        {empty ? <Guide project={project} /> : dashboard.rows.map((row) => (
          <div key={row.map((panel) => panel.id).join()} className={row.every((panel) => panel.kind === 'stat') ? 'row stats' : 'row'}>
            {row.map((panel) => <PanelView key={panel.id} panel={panel} />)}
          </div>
        ))}
      </main>
      {aside}
    </div>
  );
}
