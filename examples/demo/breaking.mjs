// breaking.mjs - `./run demo --break store|all`: kills processes of the running demo and proves that no event was lost or doubled.
//
// Promise  Sends 20 events a second before, during and after the kill, each again under the same id until it is acknowledged, and
//          keeps the acknowledged ids. Afterwards it looks up each of them, and each id of the journal of what the demo itself sends
//          now (replay-journal.ndjson), in sluice.events.
//          Returns true only if each is there exactly once.
// Bounds   Gives up 60 s after the kill.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { health, note, query, runningDemo } from './program.mjs';

const GIVE_UP_MS = 60_000;

// Direct children of a process whose command line has the word.
function childrenOf(pid, word) {
  const found = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(parent) === pid && state !== 'Z' && readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(word)) found.push(Number(name));
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

// Sends until stopped; acknowledged ids are kept.
class Sender {
  constructor(collect) {
    this.collect = collect;
    this.acknowledged = [];
    this.stopped = false;
    this.run = this.send();
  }

  async send() {
    const name = `break-${Date.now().toString(36)}`;
    for (let i = 0; !this.stopped; i++) {
      const id = `${name}-${i}`;
      const body = JSON.stringify({ event: 'break_watched', message_id: id, user_id: 'u_break', timestamp: new Date().toISOString() });
      while (!(await this.post(body))) {
        if (this.stopped) return;
        await delay(50);
      }
      this.acknowledged.push(id);
      await delay(50);
    }
  }

  async post(body) {
    try {
      const headers = { authorization: 'Bearer demo', 'content-type': 'application/json' };
      const response = await fetch(new URL('/v1/events', this.collect), { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) });
      await response.text();
      return response.status === 200;
    } catch {
      return false;
    }
  }

  async stop() {
    this.stopped = true;
    await this.run;
    return this.acknowledged;
  }
}

const counted = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`;

const journalIds = (data) => {
  const path = join(data, 'replay-journal.ndjson');
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line).id);
};

// Waits until new processes answer; says how many events waited meanwhile.
async function recovered(binary, data, before, killedAt) {
  let waiting = 0;
  let last = '';
  while (Date.now() - killedAt < GIVE_UP_MS) {
    await delay(20);
    try {
      const state = runningDemo(data);
      if (!state) throw new Error('the demo ended');
      const answer = await health(state);
      for (const stage of answer.stages ?? []) waiting = Math.max(waiting, stage.lag_events ?? 0);
      const stores = childrenOf(state.up, 'store');
      const isNew = stores.length > 0 && stores.every((pid) => !before.includes(pid));
      if (isNew && answer.status === 'ready') {
        await query(binary, data, 'SELECT 1 AS one');
        return { seconds: (Date.now() - killedAt) / 1000, waiting };
      }
      last = isNew ? JSON.stringify(answer) : `store processes ${stores.join(' ') || 'none'}`;
    } catch (error) {
      if (error.message === 'the demo ended') throw error;
      last = error.message;
    }
  }
  throw new Error(`not back within ${GIVE_UP_MS / 1000} s (${last}); ${join(data, 'up.log')} has the program's words`);
}

// Ids that sluice.events does not have, and those it has more than once. Asked again until nothing is missing or time is up:
// an acknowledged event is durable at once, and queryable a moment later.
async function compare(binary, data, ids) {
  const wanted = new Set(ids);
  for (const end = Date.now() + 30_000; ;) {
    const rows = await query(binary, data, "SELECT message_id, count() AS n FROM sluice.events WHERE source NOT IN ('history', 'archive') GROUP BY message_id");
    const counts = new Map(rows.map((row) => [row.message_id, Number(row.n)]));
    const lost = [...wanted].filter((id) => !counts.has(id));
    const doubled = [...wanted].filter((id) => counts.get(id) > 1);
    if (lost.length === 0 || Date.now() > end) return { lost, doubled };
    await delay(250);
  }
}

export async function breakDemo(binary, data, what, print = console.log) {
  const state = runningDemo(data);
  if (!state) throw new Error(`no demo runs on ${data}. Start one, then give the line that it prints in another terminal.`);
  const stores = childrenOf(state.up, 'store');
  if (stores.length === 0) throw new Error(`no store runs under process ${state.up}; wait until the page shows numbers, then try again.`);
  const sender = new Sender(state.collect);
  await delay(1000);
  const victims = what === 'all' ? [state.up, ...stores] : stores;
  const killedAt = Date.now();
  for (const pid of victims) process.kill(pid, 'SIGKILL');
  print(`kill -9 ${victims.join(' ')}: ${what === 'all' ? 'the whole program' : 'the store'} is gone; 20 events a second go on being sent. Look at the page.`);
  let back;
  try {
    back = await recovered(binary, data, stores, killedAt);
    await delay(1000);
  } finally {
    await sender.stop();
  }
  const ids = [...sender.acknowledged, ...journalIds(data)];
  const { lost, doubled } = await compare(binary, data, ids);
  print(`up to ${counted(back.waiting, 'event')} waited in the log. ${counted(ids.length, 'acknowledged id')} looked up in sluice.events:`);
  const result = `${lost.length} lost, ${doubled.length} doubled, back in ${back.seconds.toFixed(1)} s`;
  print(result);
  note(data, 'kill -9 ', `of ${what === 'all' ? 'everything' : 'the store'} at ${new Date(killedAt).toISOString().slice(11, 19)} UTC: ${result}, by the sender's own journal of ${counted(ids.length, 'id')}.`);
  if (lost.length > 0) print(`lost: ${lost.slice(0, 20).join(' ')}`);
  if (doubled.length > 0) print(`doubled: ${doubled.slice(0, 20).join(' ')}`);
  return lost.length === 0 && doubled.length === 0;
}
