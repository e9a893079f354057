// replay.mjs - sends events now, one by one, through the Segment SDK as it comes from npm, and keeps a journal of what was
// acknowledged.
//
//   node replay.mjs --host URL --journal FILE [--file EVENTS.ndjson] [--every MS] [--hold MS] [--count N] [--known IDS.json]
//   The write key is in SLUICE_WRITE_KEY: arguments are seen by everybody on the machine. Without --file, events come from stdin.
//
// Promise  Event i is due at start + i * every and carries that moment as its timestamp, and its own first timestamp as the
//          property original_time. One in eight, chosen by its message id, is sent `hold` ms later than it is due, with the
//          moment it was due as its timestamp: a device that was offline.
//          Ids in the journal, or in the list of --known, are not sent again. An id enters the journal when the SDK says that it was
//          delivered, never before.
//          Prints one line of JSON per event: {sent|failed, id, held}; at the end {done, sent, acknowledged, held, left}.
// Stops    SIGTERM and SIGINT: what is on its way is given 3 s.
import { appendFileSync, createReadStream, existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Analytics } from '@segment/analytics-node';

const { values: options } = parseArgs({
  options: {
    host: { type: 'string' },
    journal: { type: 'string' },
    file: { type: 'string' },
    every: { type: 'string', default: '2000' },
    hold: { type: 'string', default: '45000' },
    count: { type: 'string' },
    known: { type: 'string' },
  },
});
const writeKey = process.env.SLUICE_WRITE_KEY;
if (!options.host || !options.journal || !writeKey) {
  console.error('replay.mjs: --host, --journal and the environment variable SLUICE_WRITE_KEY are needed; see the top of this file.');
  process.exit(2);
}
const everyMs = Number(options.every);
const holdMs = Number(options.hold);
const count = options.count === undefined ? Infinity : Number(options.count);
if (!(everyMs > 0) || !(holdMs >= 0) || !(count >= 0)) {
  console.error('replay.mjs: --every, --hold and --count are numbers: milliseconds, milliseconds, events.');
  process.exit(2);
}

const isHeld = (id) => parseInt(id.slice(8, 16), 16) % 8 === 3;

function knownIds() {
  const ids = new Set(options.known ? JSON.parse(readFileSync(options.known, 'utf8')) : []);
  if (existsSync(options.journal)) {
    // A last line that a kill cut off is no acknowledgement that anybody could have seen.
    for (const line of readFileSync(options.journal, 'utf8').split('\n').slice(0, -1)) ids.add(JSON.parse(line).id);
  }
  return ids;
}

async function* events() {
  const input = options.file ? createReadStream(options.file) : process.stdin;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (line.trim() !== '') yield JSON.parse(line);
  }
}

const analytics = new Analytics({ writeKey, host: options.host, path: '/v1/batch', flushAt: 1, flushInterval: 100, maxRetries: 100 });
analytics.on('error', (error) => console.error(`replay.mjs: ${error.code}: ${error.reason?.message ?? error.reason}`));
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => stop.abort());

const totals = { sent: 0, acknowledged: 0, held: 0, left: 0 };
function send(event, due) {
  const id = event.messageId;
  totals.sent += 1;
  const sentAt = Date.now();
  return new Promise((resolve) => {
    analytics.track(
      {
        messageId: id,
        event: event.event,
        userId: event.user_id,
        anonymousId: event.anonymous_id,
        timestamp: new Date(due),
        properties: { ...event.properties, original_time: event.timestamp },
        context: event.context,
      },
      (error) => {
        if (!error) {
          appendFileSync(options.journal, `${JSON.stringify({ id, event_time: due, sent_at: sentAt, acknowledged_at: Date.now() })}\n`);
          totals.acknowledged += 1;
        }
        console.log(JSON.stringify({ [error ? 'failed' : 'sent']: event.event, id, held: isHeld(id) }));
        resolve();
      },
    );
  });
}

const known = knownIds();
const pending = new Set();
const start = Date.now();
let index = 0;
for await (const event of events()) {
  if (known.has(event.messageId)) continue;
  if (index >= count || stop.signal.aborted) {
    totals.left += 1;
    continue;
  }
  const due = start + index * everyMs;
  index += 1;
  await delay(Math.max(0, due - Date.now()), null, { signal: stop.signal }).catch(() => {});
  if (stop.signal.aborted) {
    totals.left += 1;
    continue;
  }
  const held = isHeld(event.messageId);
  if (held) totals.held += 1;
  const work = (held ? delay(holdMs, null, { signal: stop.signal }) : Promise.resolve())
    .then(() => send(event, due))
    .catch(() => { totals.left += 1; })
    .finally(() => pending.delete(work));
  pending.add(work);
}
await Promise.race([
  Promise.all(pending),
  new Promise((resolve) => stop.signal.addEventListener('abort', resolve)),
]);
await analytics.closeAndFlush({ timeout: 3000 });
console.log(JSON.stringify({ done: true, ...totals }));
process.exit(0);
