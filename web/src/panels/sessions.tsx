// The newest sessions; a click on one shows its events in order.

import {grouped} from '../decimal';
import {duration, instant, iso} from '../dates';
import {matches} from '../filter';
import {personUrl} from '../person-url';
import {Link} from '../link';
import {useTheBoard} from '../live/paint';
import type {Panel} from '../live/contract';
import {nothingBeside, setQuery, useRoute} from '../route';
import {PanelFrame, useWhole} from './panel-frame';

const kHeight = 440;  // of the list, which scrolls

export function SessionsPanel({panel}: {panel: Panel}) {
  const board = useTheBoard();
  const {query} = useRoute();
  const whole = useWhole(panel, 'sessions');
  const {data, title} = whole;
  const filter = query.get('filter') ?? '';
  const all = data?.sessions.rows ?? [];
  const rows = all.filter((row) => [row.user_key, row.key, row.source, row.session_id].some((text) => matches(text, filter)));
  const shown = rows.length === 0 && filter.startsWith('"') ? all : rows;
  const more = data?.sessions.more ?? 0;
  const open = query.get('session');
  const near = board.near();
  return (
    <PanelFrame
      panel={panel} whole={whole} empty={all.length === 0} height={kHeight}
      summary={`${title}: the newest ${all.length} of ${grouped(String(all.length + more))} sessions.`}
      note={[more > 0 ? `The newest ${all.length}; ${grouped(String(more))} more are in SQL.` : '', all.length > shown.length ? `${all.length - shown.length} hidden by the filter.` : ''].join(' ').trim()}
    >
      <div className="scroll list" role="region" aria-label={`${title}, table`} tabIndex={0}>
        <table className="figures sessions">
          <thead>
            <tr>
              <th scope="col">started, UTC</th><th scope="col" className="text">person</th><th scope="col">events</th><th scope="col">lasted</th>
              <th scope="col" className="text">source</th><th scope="col" className="text">state</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => {
              const text = `${panel.id}:${row.session_id}`;
              return (
                <tr key={row.session_id} data-session={row.session_id} data-state={row.state} aria-current={open === text || undefined}>
                  <th scope="row" data-column="started_at" data-value={row.started_at}>
                    <button
                      type="button" className="name" aria-expanded={open === text} title={`${iso(row.started_at)}: show its events`}
                      onClick={() => setQuery({...nothingBeside, session: open === text ? null : text})}
                    >
                      {instant(row.started_at, near)}
                    </button>
                  </th>
                  <td className="text mono" data-column="user_key" data-value={row.user_key}><Link to={personUrl(row.user_key)}>{row.user_key}</Link></td>
                  <td data-column="events" data-value={row.events}>{grouped(row.events)}</td>
                  <td data-column="duration_ms" data-value={row.duration_ms} title={`${grouped(row.duration_ms)} ms`}>{duration(Number(row.duration_ms))}</td>
                  <td className="text secondary" data-column="source" data-value={row.source}>{row.source}</td>
                  <td className="text state" data-state={row.state}>{row.state}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </PanelFrame>
  );
}
