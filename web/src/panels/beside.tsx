// Lists beside the numbers: the people who dropped out of a funnel, and the events of a session. Asked again when their panel moves.

import {useAnswer} from '../live/answer';
import {api} from '../live/api';
import {useBoard, useTheBoard} from '../live/paint';
import type {Dropped, Key, Panel, SessionEvents} from '../live/contract';
import {keyText} from '../live/panel-data';
import {grouped} from '../decimal';
import {instant, iso, span} from '../dates';
import {Link} from '../link';
import {personUrl} from '../person-url';
import {setQuery} from '../route';
import {panelTitle, stateWords} from '../words';
import {Aside} from './aside';
import {EventRows} from './event-rows';
import {Problem} from './problem';
import {useAsked, useMetric} from './project';

// dropped=<panel>:<step>:<key>
export function parseDropped(text: string | null): {panel: string; step: number; key: Key} | null {
  const [, panel, step, json] = /^([^:]+):(\d{1,3}):(.*)$/.exec(text ?? '') ?? [];
  if (panel === undefined) return null;
  try {
    const key: unknown = JSON.parse(json!);
    return Array.isArray(key) && key.every((part) => part === null || typeof part === 'string') ? {panel, step: Number(step), key: key as Key} : null;
  } catch {
    return null;
  }
}

export function parseSession(text: string | null): {panel: string; id: string} | null {
  const [, panel, id] = /^([^:]+):(.+)$/.exec(text ?? '') ?? [];
  return panel === undefined ? null : {panel, id: id!};
}

export function DroppedAside({panel, step, groupKey}: {panel: Panel; step: number; groupKey: Key}) {
  const board = useTheBoard();
  const metric = useMetric(panel.metric);
  const epoch = useBoard([`panel:${panel.id}`], () => board.live(panel.id)?.epoch ?? 0);
  const asked = useAsked(panel);
  const {answer, failure} = useAnswer<Dropped>(
    `${panel.id} ${step} ${JSON.stringify(groupKey)} ${asked?.toString() ?? ''}`, (signal) => api.dropped(panel.id, step, groupKey, asked, signal), epoch);
  const data = board.panel(panel.id)?.data;
  const steps = data?.kind === 'funnel' ? (data.funnel.groups.find((one) => JSON.stringify(one.key) === JSON.stringify(groupKey)) ?? data.funnel.groups[0])?.steps ?? [] : [];
  const name = (at: number) => (steps[at]?.name ?? metric?.steps?.[at] ?? `step ${at + 1}`).replaceAll('_', ' ');
  const near = board.near();
  return (
    <Aside title={`Who dropped before ${name(step - 1)}?`} onClose={() => setQuery({dropped: null})}>
      <p className="aside-what">
        {panelTitle(panel, metric)}{groupKey.length > 0 && ` · ${keyText(groupKey)}`} · reached {name(step - 2)}, not {name(step - 1)}. Newest first.
      </p>
      {failure && <Problem failure={failure} />}
      {!answer && !failure && <div className="place" style={{height: 240}} />}
      {answer && answer.rows.length === 0 && <p className="secondary">Nobody in this window.</p>}
      {answer && answer.rows.length > 0 && (
        <>
          <table className="figures people" data-dropped-list={panel.id} data-step={step}>
            <thead><tr><th scope="col">person</th><th scope="col">entered, UTC</th></tr></thead>
            <tbody>
              {answer.rows.map((row) => (
                <tr key={`${row.key} ${row.at}`} data-person={row.key} data-at={row.at}>
                  <th scope="row" className="mono"><Link to={personUrl(row.key)}>{row.key}</Link></th>
                  <td title={iso(row.at)}>{instant(row.at, near)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p className="beside-foot">
            {(answer.more ?? 0) > 0 && <span className="secondary">{grouped(String(answer.more))} more are in CSV</span>}
            <a className="quiet" href={api.droppedCsv(panel.id, step, groupKey, asked)} download>CSV of all</a>
          </p>
        </>
      )}
    </Aside>
  );
}

export function SessionAside({panel, id}: {panel: Panel; id: string}) {
  const board = useTheBoard();
  const metric = useMetric(panel.metric);
  const epoch = useBoard([`panel:${panel.id}`], () => board.live(panel.id)?.epoch ?? 0);
  const {answer, failure} = useAnswer<SessionEvents>(`${panel.metric} ${id}`, (signal) => api.session(panel.metric, id, signal), epoch);
  const session = answer?.session ?? null;
  const near = board.near();
  return (
    <Aside title="What happened in this session?" onClose={() => setQuery({session: null})}>
      <p className="aside-what mono" data-session-shown={id}>{id}</p>
      {failure && <Problem failure={failure} />}
      {!answer && !failure && <div className="place" style={{height: 240}} />}
      {answer && !session && <p>There is no such session now: a late event has joined it with another, or has cut it anew.</p>}
      {session && (
        <dl className="facts">
          <dt>Person</dt><dd className="mono"><Link to={personUrl(session.user_key)}>{session.user_key}</Link></dd>
          <dt>Started</dt><dd title={iso(session.started_at)}>{instant(session.started_at, near)} UTC</dd>
          <dt>Ended</dt><dd title={iso(session.ended_at)}>{instant(session.ended_at, near)} UTC, after {span(Number(session.duration_ms))}</dd>
          <dt>Events</dt><dd>{grouped(session.events)} from {session.source}</dd>
          <dt>State</dt><dd>{session.state === 'filling' ? 'still filling: an event may still join it' : stateWords(session.state, session.ended_at, metric, null, near)}</dd>
        </dl>
      )}
      {answer && answer.rows.length > 0 && <EventRows rows={answer.rows} since label="Events of the session, in order" />}
      {(answer?.more ?? 0) > 0 && <p className="secondary">{grouped(String(answer!.more))} more are in SQL</p>}
    </Aside>
  );
}
