// A question and its answers.

import {useEffect, useRef} from 'react';

import {parseRange} from '../chart/model';
import {range as rangeWords} from '../dates';
import {useBoard, useTheBoard} from '../live/paint';
import type {Dashboard, Panel, Project} from '../live/contract';
import {Explain} from '../panels/explain';
import {ProgressLine} from '../panels/meta';
import {StatPanel} from '../panels/stat';
import {TablePanel} from '../panels/table';
import {TimeSeriesPanel} from '../panels/time-series-panel';
import {setQuery, useRoute} from '../route';
import {FilterField} from './filter-field';
import {Guide} from './guide';

const kRanges = [1, 7, 30, 90, 365, 730];
const kDay = 86_400_000;

function PanelView({panel}: {panel: Panel}) {
  if (panel.kind === 'stat') return <StatPanel panel={panel} />;
  if (panel.kind === 'table') return <TablePanel panel={panel} />;
  return <TimeSeriesPanel panel={panel} />;
}

// How much of their time the charts show. Stats and tables keep the window of their definition and say so under the number.
function RangeField({dashboard}: {dashboard: Dashboard}) {
  const {query} = useRoute();
  const board = useTheBoard();
  const charts = dashboard.rows.flat().filter((panel) => panel.kind === 'timeseries');
  const longest = Math.max(0, ...charts.map((panel) => panel.over_ms));
  const text = query.get('range') ?? '';
  const fitting = kRanges.filter((days) => days * kDay < longest);
  const zoomed = /-/.test(text) ? parseRange(text, 0) : null;
  if (charts.length === 0 || (fitting.length === 0 && !zoomed)) return null;
  return (
    <label className="field">
      <span className="visually-hidden">Time shown in charts</span>
      <select value={text} onChange={(event) => setQuery({range: event.target.value})}>
        <option value="">Charts: full range</option>
        {fitting.map((days) => <option key={days} value={`${days}d`}>Charts: last {days === 1 ? 'day' : `${days} days`}</option>)}
        {zoomed && <option value={text}>Charts: {rangeWords(zoomed.from, zoomed.to, board.near())}</option>}
      </select>
    </label>
  );
}

export function DashboardPage({dashboard, project}: {dashboard: Dashboard; project: Project}) {
  const {query} = useRoute();
  const filter = useRef<HTMLInputElement>(null);
  const empty = useBoard(['ledger'], (board) => board.ledger !== null && board.ledger.received === 0);
  const notes = useBoard(['notes'], (board) => board.notes);
  const explained = dashboard.rows.flat().find((panel) => panel.id === query.get('explain'));

  const used = new Set(dashboard.rows.flat().map((panel) => panel.metric));
  const metrics = project.metrics.filter((metric) => used.has(metric.name));

  useEffect(() => {
    document.title = `${dashboard.question} · ${project.project}`;
  }, [dashboard, project]);

  return (
    <div className={explained ? 'page with-aside' : 'page'}>
      <main id="main" tabIndex={-1} className="main">
        <div className="question">
          <h1>{dashboard.question}</h1>
          {!empty && (
            <div className="fields">
              <FilterField input={filter} label="Filter charts and tables" />
              <RangeField dashboard={dashboard} />
            </div>
          )}
        </div>
        {notes.map((note) => <p key={note} className="page-note" data-note="">{note}</p>)}
        {!empty && metrics.map((metric) => <ProgressLine key={metric.name} metric={metric} />)}
        {empty ? <Guide project={project} /> : dashboard.rows.map((row) => (
          <div key={row.map((panel) => panel.id).join()} className={row.every((panel) => panel.kind === 'stat') ? 'row stats' : 'row'}>
            {row.map((panel) => <PanelView key={panel.id} panel={panel} />)}
          </div>
        ))}
      </main>
      {explained && (
        <Explain key={explained.id} panel={explained} rangeText={query.get('range')} onClose={() => setQuery({explain: null})} />
      )}
    </div>
  );
}
