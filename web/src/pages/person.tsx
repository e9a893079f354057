// One person's events, newest first, by day; new ones come in on top.

import {useEffect, useState} from 'react';

import {count, grouped} from '../decimal';
import {instant, iso, weekday} from '../dates';
import {useAnswer} from '../live/answer';
import {api, failureOf} from '../live/api';
import {useBoard, useTheBoard} from '../live/paint';
import type {Failure, Person, Project, StoredEvent} from '../live/contract';
import {EventRows} from '../panels/event-rows';
import {Problem} from '../panels/problem';
import {personUrl} from '../person-url';
import {go, useRoute} from '../route';

const kDay = 86_400_000;
const kRowsMax = 2_000;

const placeOf = (row: StoredEvent) => `${row.place} ${row.message_id}`;

// Newest first; what both hold once.
export function joined(newest: StoredEvent[], older: StoredEvent[]): StoredEvent[] {
  const known = new Set(newest.map(placeOf));
  return [...newest, ...older.filter((row) => !known.has(placeOf(row)))].sort((a, b) => b.time - a.time).slice(0, kRowsMax);
}

export function byDay(rows: StoredEvent[]): {day: number; rows: StoredEvent[]}[] {
  const days: {day: number; rows: StoredEvent[]}[] = [];
  for (const row of rows) {
    const day = Math.floor(row.time / kDay) * kDay;
    if (days.at(-1)?.day !== day) days.push({day, rows: []});
    days.at(-1)!.rows.push(row);
  }
  return days;
}

function KeyField({shown}: {shown: string}) {
  const [key, setKey] = useState(shown);
  return (
    <form className="field filter" onSubmit={(event) => { event.preventDefault(); if (key.trim()) go(personUrl(key.trim())); }}>
      <input
        id="filter" type="search" aria-label="User key of a person" placeholder="User key  /" value={key} spellCheck={false} autoComplete="off"
        onChange={(event) => setKey(event.target.value)}
      />
    </form>
  );
}

function Timeline({person}: {person: string}) {
  const board = useTheBoard();
  const epoch = useBoard(['watermark'], () => board.watermark?.epoch ?? 0);
  const {answer, failure} = useAnswer<Person>(person, (signal) => api.person(person, null, signal), epoch);
  const [older, setOlder] = useState<StoredEvent[]>([]);
  const [end, setEnd] = useState<boolean | null>(null);  // null: as the first answer says
  const [asking, setAsking] = useState(false);
  const [refused, setRefused] = useState<Failure | null>(null);
  const rows = joined(answer?.rows ?? [], older);
  const near = board.near();
  const more = rows.length < kRowsMax && (end === null ? answer?.more === true : !end);

  const ask = () => {
    setAsking(true);
    setRefused(null);
    api.person(person, rows.at(-1)!, new AbortController().signal).then((found) => {
      setOlder(joined(rows, found.rows));
      setEnd(!found.more);
    }).catch((error: unknown) => setRefused(failureOf(error))).finally(() => setAsking(false));
  };

  if (!answer) return failure ? <Problem failure={failure} /> : <div className="place" style={{height: 320}} />;
  if (rows.length === 0) return <p data-person-missing="">No stored event has this user key.</p>;
  return (
    <>
      <dl className="facts person-facts" data-person={answer.key} data-events={answer.events}>
        <dt>User key</dt><dd className="mono">{answer.key}</dd>
        <dt>Events</dt><dd>{grouped(answer.events)}</dd>
        {answer.first_seen !== null && <><dt>First seen</dt><dd title={iso(answer.first_seen)}>{instant(answer.first_seen, near)} UTC</dd></>}
        {answer.last_seen !== null && <><dt>Last seen</dt><dd title={iso(answer.last_seen)}>{instant(answer.last_seen, near)} UTC</dd></>}
      </dl>
      {failure && <Problem failure={failure} />}
      {byDay(rows).map((one) => (
        <section key={one.day} aria-label={weekday(one.day, near)}>
          <h2 className="day">{weekday(one.day, near)} <span className="secondary">{count(one.rows.length, 'event')}</span></h2>
          <EventRows rows={one.rows} label={`Events of ${weekday(one.day, near)}`} />
        </section>
      ))}
      {refused && <Problem failure={refused} />}
      {more && <button type="button" className="quiet more" disabled={asking} onClick={ask}>{asking ? 'Asking…' : 'Older events'}</button>}
    </>
  );
}

export function PersonPage({project}: {project: Project}) {
  const {query} = useRoute();
  const key = query.get('key') ?? '';
  useEffect(() => {
    document.title = `${key || 'Person'} · ${project.project}`;
  }, [project, key]);
  return (
    <div className="page">
      <main id="main" tabIndex={-1} className="main">
        <div className="question">
          <h1>What did this person do?</h1>
          <div className="fields"><KeyField key={key} shown={key} /></div>
        </div>
        {key ? <Timeline key={key} person={key} /> : (
          <p className="secondary">Give a user key above, or click on a person in a session, in the list of a funnel, or in the trace of an event.</p>
        )}
      </main>
    </div>
  );
}
