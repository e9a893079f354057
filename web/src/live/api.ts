// Questions to the server that are asked once: everything but the live stream.
//
// Errors: Refused carries the server's own words; a server that cannot be reached is a Refused too.

import type {
  Dropped, Explanation, Failure, Key, PanelAnswer, Person, Project, Quarantine, SessionEvents, SqlResult, StoredEvent, Trace,
  Verification,
} from './contract';

export class Refused extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof Refused) return error.failure;
  return {code: 'page', message: error instanceof Error ? error.message : String(error), next: ''};
}

async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {headers: {accept: 'application/json'}, ...init});
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new Refused({code: 'unreachable', message: 'The server does not answer.', next: 'It is asked again as soon as it is back.'});
  }
  if (!response.ok) throw await refusedBy(response);
  const body: unknown = await response.json().catch(() => null);
  if (body === null) throw new Refused({code: 'unreadable', message: 'The answer of the server broke off.', next: 'Try again.'});
  return body as T;
}

export async function refusedBy(response: Response): Promise<Refused> {
  const body: unknown = await response.json().catch(() => null);
  const failure = (body as {error?: Failure} | null)?.error;
  return new Refused(failure ?? {code: String(response.status), message: `The server answered ${response.status}.`, next: ''});
}

// `asked`: another range, filters; null: the panel as defined.
type Asked = URLSearchParams | null;
const panelPath = (id: string, what: string, ...queries: Asked[]) => {
  const query = queries.flatMap((one) => (one && one.size > 0 ? [one.toString()] : [])).join('&');
  return `/api/panels/${encodeURIComponent(id)}/${what}${query && '?' + query}`;
};

export interface Which {
  key?: Key;
  window_start?: number;
}

// Not every kind of definition has dimensions and measures.
function complete(project: Project): Project {
  return {
    ...project,
    metrics: project.metrics.map((metric) => ({...metric, dimensions: metric.dimensions ?? [], measures: metric.measures ?? []})),
  };
}

export const kListed = 100;  // rows of a list asked for at once

const droppedQuery = (step: number, key: Key) => new URLSearchParams({step: String(step), ...(key.length > 0 && {key: JSON.stringify(key)})});

export const api = {
  project: () => ask<Project>('/api/project').then(complete),
  data: (panel: string, query: URLSearchParams, signal: AbortSignal) => ask<PanelAnswer>(panelPath(panel, 'data', query), {signal}),
  dropped: (panel: string, step: number, key: Key, asked: Asked, signal: AbortSignal) =>
    ask<Dropped>(panelPath(panel, 'dropped', droppedQuery(step, key), new URLSearchParams({limit: String(kListed)}), asked), {signal}),
  droppedCsv: (panel: string, step: number, key: Key, asked: Asked) => panelPath(panel, 'dropped.csv', droppedQuery(step, key), asked),
  session: (name: string, id: string, signal: AbortSignal) =>
    ask<SessionEvents>(`/api/sessions/${encodeURIComponent(name)}/events?${new URLSearchParams({id})}`, {signal}),
  // `last`: the oldest row known; then those before it.
  person: (key: string, last: StoredEvent | null, signal: AbortSignal) => {
    const before = last && {before: String(last.time), place: last.place};
    return ask<Person>(`/api/person?${new URLSearchParams({key, limit: String(kListed), ...before})}`, {signal});
  },
  explain: (panel: string, asked: Asked, signal: AbortSignal) => ask<Explanation>(panelPath(panel, 'explain', asked), {signal}),
  verify: (panel: string, asked: Asked, which: Which) =>
    ask<Verification>(panelPath(panel, 'verify', asked), {
      method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify(which),
    }),
  csv: (panel: string, asked: Asked) => panelPath(panel, 'csv', asked),
  quarantine: (reason: string, signal: AbortSignal) =>
    ask<Quarantine>(`/api/quarantine?${new URLSearchParams({limit: '50', reason})}`, {signal}),
  trace: (id: string, signal: AbortSignal) => ask<Trace>(`/api/trace?${new URLSearchParams({id})}`, {signal}),
  sql: (text: string, signal: AbortSignal) =>
    ask<SqlResult>('/api/sql', {method: 'POST', headers: {'content-type': 'text/plain'}, body: text, signal}),
};
