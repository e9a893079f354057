// Before the first event: what to paste, and that the page is waiting for it.

import type {Project} from '../live/contract';
import {CopyButton} from '../panels/copy-button';

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

export function firstEvent(project: Project): string {
  const key = project.demo ? 'demo' : 'YOUR_WRITE_KEY';
  const event = project.example_event ?? '{"event":"page_viewed","user_id":"u_1","properties":{"page":"/pricing"}}';
  return [`curl ${project.collect}/v1/events`, `-H 'Authorization: Bearer ${key}'`, `-H 'Content-Type: application/json'`, `-d ${quoted(event)}`].join(' \\\n  ');
}

export function Guide({project}: {project: Project}) {
  const command = firstEvent(project);
  return (
    <section className="guide" data-guide="waiting" aria-label="Send the first event">
      <p>Paste this into a terminal:</p>
      <div className="guide-line">
        <pre className="code" tabIndex={0} aria-label="Command that sends the first event">{command}</pre>
        <CopyButton text={command} what="the command" />
      </div>
      {!project.demo && (
        <p className="secondary">A write key for a source: <code>sluice keys create {project.sources[0]?.name ?? 'SOURCE'}</code></p>
      )}
      <p className="guide-waiting" role="status">Waiting for the first event…</p>
    </section>
  );
}
