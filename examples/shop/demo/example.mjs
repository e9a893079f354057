// example.mjs - the demo over a made-up web shop: eight weeks at once, then what happens now. For examples/demo/demo.mjs.
//
// Live     shop_events --follow says what happens; each event is sent again until it is acknowledged, then noted in
//          DATA/replay-journal.ndjson, which --break looks up.
import { appendFileSync, existsSync, openSync, closeSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { publish } from '../../demo/program.mjs';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const SEED = '1';
const PEOPLE = '3000';
const DAYS = 56;
const DAY_MS = 86_400_000;
// More than the history has at that hour, so that one sees something happen; for minutes, that does not show in a day.
const LIVE_PER_SECOND = '2';

export const options = {};

export async function settle() {
  return {
    project, folder: 'demo-shop', again: './run demo shop', source: 'archive',
    paste: {
      event: '{"event":"page_viewed","user_id":"u_you","properties":{"page":"/sale"},"context":{"country":"de","device":"desktop","bot":false}}',
      question: 'SELECT country, sum(checkouts) AS checkouts, sum(orders) AS orders, sum(revenue) AS revenue FROM sluice.orders_daily GROUP BY country ORDER BY revenue DESC',
    },
  };
}

const generator = (root) => join(root, 'build/shop_events');

// The history ends when the first demo on DATA began; a later one has the same.
export async function prepare(demo) {
  const { data } = demo.settings;
  const file = join(data, 'history.ndjson');
  const about = join(data, 'shop.json');
  if (!existsSync(about) || !existsSync(file)) {
    const end = new Date(Math.floor(Date.now() / 1000) * 1000).toISOString();
    const out = openSync(`${file}.new`, 'w');
    const { closed } = await demo.child(generator(demo.root), ['--seed', SEED, '--people', PEOPLE, '--days', String(DAYS), '--end', end], ['ignore', out, 'inherit']);
    const code = await closed;
    closeSync(out);
    if (demo.ending) return { file, notes: [] };
    if (code !== 0) throw new Error(`${generator(demo.root)} ended with code ${code}; ./run demo shop builds it`);
    renameSync(`${file}.new`, file);
    publish(about, `${JSON.stringify({ end, start: new Date(Date.parse(end) - DAYS * DAY_MS).toISOString() })}\n`);
  }
  const { start, end } = JSON.parse(readFileSync(about, 'utf8'));
  return { file, notes: [['The shop ', `is made up: its history goes from ${start.slice(0, 10)} to ${end.slice(0, 16).replace('T', ' ')} UTC, then events come as they happen.`]] };
}

async function post(collect, line) {
  try {
    const headers = { authorization: 'Bearer demo', 'content-type': 'application/x-ndjson' };
    const response = await fetch(new URL('/v1/events', collect), { method: 'POST', headers, body: line, signal: AbortSignal.timeout(10_000) });
    await response.text();
    return response.status === 200;
  } catch {
    return false;
  }
}

export async function live(demo) {
  const { data, replay } = demo.settings;
  const most = replay === undefined ? Infinity : Number(replay);
  if (most === 0) return;
  console.log(`live: about ${LIVE_PER_SECOND} events a second, as they happen${most === Infinity ? '' : `; ends after ${most}`}`);
  const { child, closed } = await demo.child(generator(demo.root), ['--seed', SEED, '--follow', '--rate', LIVE_PER_SECOND], ['ignore', 'pipe', 'inherit']);
  let sent = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    while (!demo.ending && !(await post(demo.program.addresses.collect, line))) await delay(100);
    if (demo.ending) break;
    appendFileSync(join(data, 'replay-journal.ndjson'), `${JSON.stringify({ id: JSON.parse(line).message_id, acknowledged_at: Date.now() })}\n`);
    if (++sent >= most) break;
  }
  child.kill('SIGTERM');
  const code = await closed;
  if (demo.ending) return;
  if (sent < most) throw new Error(`shop_events ended with code ${code} after ${sent} events`);
  console.log(`live: ${sent} sent and acknowledged; the page keeps its numbers.`);
}
