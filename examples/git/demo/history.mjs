// history.mjs - splits the git history into what is sent at once and what is replayed, with its times moved near today.
//
// Promise  The shift is a whole number of weeks, so that weekdays and hours stay; it is the largest that leaves no event in the
//          future, chosen once and kept in DATA/demo-shift.json: a demo on another day has the same events at the same times. Events
//          that lie in the future by their own clock do not count there, if anything else does not.
//          Which events are held back depends on their message id alone.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { publish } from '../../demo/program.mjs';

const WEEK_MS = 7 * 86_400_000;
// One event in 80 by the first 32 bits of its id: 620 of the file's 49,695.
const isReplayed = (id) => parseInt(id.slice(0, 8), 16) % 80 === 49;

// '2012-12-07T08:26:46-08:00' -> its wall time as if in UTC, and its zone as written.
function parts(timestamp) {
  const wall = Date.parse(`${timestamp.slice(0, 19)}Z`);
  if (Number.isNaN(wall)) throw new Error(`'${timestamp}' is not a timestamp`);
  return { wall, zone: timestamp.slice(19) };
}
const shifted = (timestamp, weeks) => {
  const { wall, zone } = parts(timestamp);
  return new Date(wall + weeks * WEEK_MS).toISOString().slice(0, 19) + zone;
};

function readEvents(path) {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
}

export function shiftOf(data) {
  const path = join(data, 'demo-shift.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
}

// Writes DATA/history.ndjson and DATA/replay.ndjson; returns {weeks, history, replay} with their numbers of lines.
export function prepareHistory(source, data, now = Date.now()) {
  const kept = shiftOf(data);
  if (kept && existsSync(join(data, 'history.ndjson')) && existsSync(join(data, 'replay.ndjson'))) return kept;
  mkdirSync(data, { recursive: true });
  const events = readEvents(source);
  const times = events.map((event) => Date.parse(event.timestamp));
  const past = times.filter((time) => time <= now);
  const last = (past.length > 0 ? past : times).reduce((newest, time) => Math.max(newest, time), -Infinity);
  const weeks = kept?.weeks ?? Math.floor((now - last) / WEEK_MS);
  const replay = events.filter((event) => isReplayed(event.messageId));
  // The file is one project after the other; by the tail of their ids the three are mixed.
  replay.sort((a, b) => (a.messageId.slice(-8) < b.messageId.slice(-8) ? -1 : 1));
  const history = events.filter((event) => !isReplayed(event.messageId));
  const lines = (list) => list.map((event) => `${JSON.stringify(event)}\n`).join('');
  publish(join(data, 'history.ndjson'), lines(history.map((event) => ({ ...event, timestamp: shifted(event.timestamp, weeks) }))));
  publish(join(data, 'replay.ndjson'), lines(replay));
  const shift = { weeks, history: history.length, replay: replay.length, chosen_at: new Date(now).toISOString() };
  publish(join(data, 'demo-shift.json'), `${JSON.stringify(shift)}\n`);
  return shift;
}
