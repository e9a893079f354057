// Questions to the server that are asked once: everything but the live stream.
//
// Errors: Refused carries the server's own words; a server that cannot be reached is a Refused too.

import type {Explanation, Failure, Key, Project, Quarantine, SqlResult, Trace, Verification} from './contract';

export class Refused extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
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

const panelPath = (id: string, what: string) => `/api/panels/${encodeURIComponent(id)}/${what}`;

export interface Which {
  key?: Key;
  window_start?: number;
}

export const api = {
  project: () => ask<Project>('/api/project'),
  explain: (panel: string, signal: AbortSignal) => ask<Explanation>(panelPath(panel, 'explain'), {signal}),
  verify: (panel: string, which: Which) =>
    ask<Verification>(panelPath(panel, 'verify'), {
      method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify(which),
    }),
  csv: (panel: string) => panelPath(panel, 'csv'),
  quarantine: (reason: string, signal: AbortSignal) =>
    ask<Quarantine>(`/api/quarantine?${new URLSearchParams({limit: '50', reason})}`, {signal}),
  trace: (id: string, signal: AbortSignal) => ask<Trace>(`/api/trace?${new URLSearchParams({id})}`, {signal}),
  sql: (text: string, signal: AbortSignal) =>
    ask<SqlResult>('/api/sql', {method: 'POST', headers: {'content-type': 'text/plain'}, body: text, signal}),
};
