// machine.mjs - times that people were promised, on machines that others use too.
//
//   const free = await machineIsFree();          // before
//   ... what is timed ...
//   judge('the reject', ms / 1000, 1, free && await machineIsFree());   // -> words for the check's line
//
// Promise  A time is always told. Longer than promised it fails the check only if at least half of all cores had nothing to do just
//          before and just after: on a busy machine a clock measures the others.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_MS = 400;

function cores() {
  const [, user, nice, system, idle, iowait, irq, softirq, steal] = readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/\s+/).map(Number);
  const rest = idle + iowait;
  return { rest, all: user + nice + system + rest + irq + softirq + steal };
}

export async function machineIsFree() {
  const before = cores();
  await delay(LOOK_MS);
  const after = cores();
  return (after.rest - before.rest) / (after.all - before.all) >= 0.5;
}

export function judge(what, seconds, promised, fair) {
  const told = `${what} took ${seconds.toFixed(1)} s of ${promised} s`;
  if (seconds <= promised) return told;
  if (fair) throw new Error(`${told}, on a machine that is at least half free`);
  return `${told}: not judged, the machine is busy`;
}
