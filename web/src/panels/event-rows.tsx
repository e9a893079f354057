// Stored events one after the other: when, what, and what it carried; open, the whole of it.

import {grouped} from '../decimal';
import {clock, iso, span} from '../dates';
import {Link} from '../link';
import type {StoredEvent} from '../live/contract';

const kShown = 4;
const kValueMax = 40;

// "page /pricing · plan team": the first few properties, in a line.
export function propertyWords(properties: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(properties);
  } catch {
    return properties.slice(0, 200);
  }
  if (typeof parsed !== 'object' || parsed === null) return '';
  const entries = Object.entries(parsed);
  const short = (value: unknown) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value) ?? '';
    return text.length > kValueMax ? `${text.slice(0, kValueMax)}…` : text;
  };
  const words = entries.slice(0, kShown).map(([name, value]) => `${name} ${short(value)}`).join(' · ');
  return entries.length > kShown ? `${words} · ${entries.length - kShown} more` : words;
}

// A line per member. Numbers stay as they were sent, so this never goes through a parser's doubles.
export function lines(json: string): string {
  let depth = 0;
  const broken = (mark: string) => `${mark}\n${'  '.repeat(depth)}`;
  return json.replace(/"(?:[^"\\]|\\.)*"|\{\s*\}|\[\s*\]|[{}[\],:]|\s+/g, (part) => {
    switch (part) {
      case '{': case '[': depth++; return broken(part);
      case '}': case ']': depth--; return `${broken('')}${part}`;
      case ',': return broken(',');
      case ':': return ': ';
      default: return part.trim() === '' ? '' : part.startsWith('{') ? '{}' : part.startsWith('[') ? '[]' : part;
    }
  });
}

export function EventRows({rows, since, label}: {rows: StoredEvent[]; since?: boolean; label: string}) {
  return (
    <ol className="event-rows" aria-label={label}>
      {rows.map((row, at) => {
        const before = rows[at - 1];
        return (
          <li key={`${row.place} ${row.message_id}`} data-message-id={row.message_id} data-event={row.event} data-time={row.time}>
            <details>
              <summary>
                <time dateTime={iso(row.time)} title={`happened ${iso(row.time)}, received ${iso(row.received_at)}`}>{clock(row.time)}</time>
                <span className="event-what"><strong>{row.event}</strong> <span className="secondary">{propertyWords(row.properties)}</span></span>
                <span className="secondary event-since">{since ? (before ? `+ ${span(Math.max(0, row.time - before.time))}` : '') : row.source}</span>
              </summary>
              <pre className="code" tabIndex={0} aria-label="Properties">{lines(row.properties)}</pre>
              <p className="secondary">
                {row.source} · <Link to={`/live?${new URLSearchParams({trace: row.message_id})}`}>trace {row.message_id}</Link>
                {' '}· received {grouped(String(Math.max(0, row.received_at - row.time)))} ms after it happened
              </p>
            </details>
          </li>
        );
      })}
    </ol>
  );
}
