// The newest events as they are committed. Rests while the pointer or the focus is on the list, and says how many came meanwhile.

import {useEffect, useRef, useState} from 'react';

import {grouped} from '../decimal';
import {clock, instant, iso} from '../dates';
import {matches} from '../filter';
import {api, failureOf} from '../live/api';
import {keyed, setData, setText, useBoard, usePaint, useTheBoard} from '../live/paint';
import type {Failure, LiveEvent, Project, Trace, TraceCopy} from '../live/contract';
import {Link} from '../link';
import {Aside} from '../panels/aside';
import {Problem} from '../panels/problem';
import {personUrl} from '../person-url';
import {setQuery, useRoute} from '../route';
import {FilterField} from './filter-field';
import {Guide} from './guide';

const kTraceAgain = 1_000;

function create(): HTMLElement {
  const item = document.createElement('li');
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'event';
  for (const name of ['time', 'name', 'source', 'user', 'verdict']) {
    const part = document.createElement('span');
    part.className = `event-${name}`;
    button.append(part);
  }
  item.append(button);
  return item;
}

function update(element: HTMLElement, event: LiveEvent, near: number): void {
  const button = element.firstElementChild as HTMLElement;
  const [time, name, source, user, verdict] = Array.from(button.children) as HTMLElement[];
  setData(element, {'message-id': event.message_id, verdict: event.verdict});
  setText(time!, clock(event.received_at));
  time!.title = `received ${iso(event.received_at)}, happened ${iso(event.time)}`;
  const old = Math.abs(event.received_at - event.time) > 60_000;
  setText(name!, event.event);
  setText(source!, old ? `${event.source} · ${instant(event.time, near)}` : event.source);
  setText(user!, event.user_key);
  setText(verdict!, event.verdict);
  button.onclick = () => setQuery({trace: event.message_id});
}

const placeOf = (event: LiveEvent) => `${event.place} ${event.message_id}`;

function EventList({filter}: {filter: string}) {
  const board = useTheBoard();
  const list = useRef<HTMLOListElement>(null);
  const status = useRef<HTMLParagraphElement>(null);
  const resting = useRef(false);
  const shown = useRef<LiveEvent[]>([]);
  const seenFilter = useRef(filter);

  const paint = () => {
    if (!resting.current || seenFilter.current !== filter || shown.current.length === 0) shown.current = board.events;
    seenFilter.current = filter;
    const near = board.near();
    const rows = shown.current.filter((event) =>
      [event.event, event.source, event.user_key, event.message_id, event.verdict].some((text) => matches(text, filter)));
    const seen = new Set<string>();
    const once = rows.filter((event) => !seen.has(placeOf(event)) && seen.add(placeOf(event)));
    if (list.current) keyed(list.current, once, placeOf, create, (element, event) => update(element, event, near));
    const first = shown.current[0];
    const held = first ? board.events.indexOf(first) : 0;
    const more = board.moreEvents > 0 ? `+ ${grouped(String(board.moreEvents))} more, not listed` : '';
    const text = board.events.length === 0 ? 'Waiting for events…' : resting.current ? `Paused · ${held < 0 ? board.events.length : held} new` : more;
    setText(status.current, text);
    setData(list.current, {paused: String(resting.current)});
  };
  usePaint(['events'], list, paint);
  const rest = (on: boolean) => {
    resting.current = on;
    paint();
  };

  return (
    <>
      <p ref={status} className="secondary list-status" />
      {/* The pointer or the focus on the list only holds it still; everything in it works by itself. */}
      <ol
        ref={list} className="events" data-events="" aria-label="Newest events"
        onPointerEnter={() => rest(true)} onPointerLeave={() => rest(false)}
        onFocus={() => rest(true)} onBlur={() => rest(false)}
      />
    </>
  );
}

export function LivePage({project}: {project: Project}) {
  const {query} = useRoute();
  const filter = useRef<HTMLInputElement>(null);
  const empty = useBoard(['ledger'], (board) => board.ledger !== null && board.ledger.received === 0);
  const trace = query.get('trace');
  useEffect(() => {
    document.title = `Live · ${project.project}`;
  }, [project]);
  return (
    <div className={trace ? 'page with-aside' : 'page'}>
      <main id="main" tabIndex={-1} className="main">
        <div className="question">
          <h1>What is arriving now?</h1>
          <div className="fields"><TraceField /><FilterField input={filter} label="Filter events" /></div>
        </div>
        {empty ? <Guide project={project} /> : <EventList filter={query.get('filter') ?? ''} />}
      </main>
      {trace && <TraceAside key={trace} id={trace} />}
    </div>
  );
}

function TraceField() {
  const [id, setId] = useState('');
  return (
    <form className="field filter" onSubmit={(event) => { event.preventDefault(); if (id.trim()) setQuery({trace: id.trim()}); }}>
      <input
        type="search" aria-label="Trace a message id" placeholder="Trace a message id" value={id} spellCheck={false} autoComplete="off"
        onChange={(event) => setId(event.target.value)}
      />
    </form>
  );
}

function fate(copy: TraceCopy): string {
  switch (copy.verdict) {
    case 'stored': return 'Stored in events';
    case 'duplicate': {
      const other = copy.conflict ? '; its content differs from the stored one' : '';
      return `Duplicate${copy.of ? ` of ${copy.of}` : ''}: counted, not stored${other}`;
    }
    case 'quarantined': return `In quarantine: ${copy.reason ?? ''}${copy.path ? ` at ${copy.path}` : ''}`;
    default: return 'Pending: in the log, not committed yet';
  }
}

function TraceAside({id}: {id: string}) {
  const board = useTheBoard();
  const [trace, setTrace] = useState<Trace | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    let again: ReturnType<typeof setTimeout> | undefined;
    const ask = () => api.trace(id, abort.signal).then(
      (found) => {
        setTrace(found);
        if (found.copies.some((copy) => copy.verdict === 'pending')) again = setTimeout(() => void ask(), kTraceAgain);
      },
      (error: unknown) => { if (!abort.signal.aborted) setFailure(failureOf(error)); },
    );
    void ask();
    return () => {
      abort.abort();
      clearTimeout(again);
    };
  }, [id]);
  return (
    <Aside title="Where did it go?" onClose={() => setQuery({trace: null})}>
      <p className="aside-what mono" data-trace={id}>{id}</p>
      {failure && <Problem failure={failure} />}
      {trace && !trace.found && <p>Not received: no request with this message id was acknowledged.</p>}
      {trace?.copies.map((copy) => (
        <dl key={copy.place} className="facts" data-verdict={copy.verdict}>
          <dt>Fate</dt><dd className="strong">{fate(copy)}</dd>
          {copy.event && <><dt>Event</dt><dd>{copy.event}</dd></>}
          {copy.user_key && <><dt>User key</dt><dd className="mono"><Link to={personUrl(copy.user_key)}>{copy.user_key}</Link></dd></>}
          <dt>Received</dt><dd>{instant(copy.received_at, board.near())} UTC, from {copy.source}</dd>
          {copy.event_time !== null && <><dt>Happened</dt><dd>{instant(copy.event_time, board.near())} UTC</dd></>}
          <dt>Log position</dt><dd className="mono">{copy.place}</dd>
          {copy.epoch !== null && <><dt>Epoch</dt><dd>{grouped(String(copy.epoch))}</dd></>}
        </dl>
      ))}
    </Aside>
  );
}
