// Instants and windows in the words people use. Everything is UTC; whoever prints a time of day says so once near it.

import {grouped} from './decimal';

const kDay = 86_400_000;
const kMonths = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const kWeekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

const two = (n: number) => String(n).padStart(2, '0');

export function clock(ms: number): string {
  const d = new Date(ms);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
}

export function hourMinute(ms: number): string {
  const d = new Date(ms);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
}

// 17 Nov, with the year where it is not that of `near`.
export function day(ms: number, near: number): string {
  const d = new Date(ms);
  const year = d.getUTCFullYear();
  return `${d.getUTCDate()} ${kMonths[d.getUTCMonth()]}` + (year === new Date(near).getUTCFullYear() ? '' : ` ${year}`);
}

export function weekday(ms: number, near: number): string {
  return `${kWeekdays[new Date(ms).getUTCDay()]} ${day(ms, near)}`;
}

export function month(ms: number): string {
  return kMonths[new Date(ms).getUTCMonth()]!;
}

// [start, end) as the days or times it covers: 18 Oct – 16 Nov; 14:20:10 – 14:20:20.
export function range(start: number, end: number, near: number): string {
  if (start % kDay === 0 && end % kDay === 0) {
    const last = end - kDay;
    return last <= start ? weekday(start, near) : `${day(start, near)} – ${day(last, near)}`;
  }
  const of = (ms: number) => (ms % 60_000 === 0 && end - start >= 60_000 ? hourMinute(ms) : clock(ms));
  const sameDay = Math.floor(start / kDay) === Math.floor((end - 1) / kDay);
  if (sameDay && Math.floor(start / kDay) === Math.floor(near / kDay)) return `${of(start)} – ${of(end)}`;
  if (sameDay) return `${day(start, near)}, ${of(start)} – ${of(end)}`;
  return `${day(start, near)}, ${of(start)} – ${day(end, near)}, ${of(end)}`;
}

// The time of day today, with the day before it otherwise.
export function instant(ms: number, near: number): string {
  return Math.floor(ms / kDay) === Math.floor(near / kDay) ? clock(ms) : `${day(ms, near)}, ${clock(ms)}`;
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

// How long, in the one unit that says enough: 250 ms, 70 s, 12 min, 5 h, 30 days.
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 2 * 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 2 * kDay) return `${Math.round(ms / 3_600_000)} h`;
  return `${grouped(String(Math.round(ms / kDay)))} days`;
}

// With a second unit where the first alone says too little: 1 min 20 s, 3 h 5 min, 2 days 8 h.
export function span(ms: number): string {
  const units: [number, string, string][] = [[kDay, 'day', 'days'], [3_600_000, 'h', 'h'], [60_000, 'min', 'min'], [1_000, 's', 's']];
  const at = units.findIndex(([size]) => ms >= size);
  if (at < 0 || at === units.length - 1) return duration(ms);
  const [size, one, many] = units[at]!;
  const [less, , lesser] = units[at + 1]!;
  const small = Math.round(ms / less);  // 59 min 59.9 s are an hour
  const whole = Math.floor(small * less / size);
  const rest = small - whole * size / less;
  if (at > 0 && whole * size >= units[at - 1]![0]) return span(whole * size);
  return `${grouped(String(whole))} ${whole === 1 ? one : many}` + (rest > 0 && whole < 10 ? ` ${rest} ${lesser}` : '');
}

// "day", "hour", "10 seconds": the width of a bucket after the word "per".
export function per(ms: number): string {
  const units: [number, string][] = [[7 * kDay, 'week'], [kDay, 'day'], [3_600_000, 'hour'], [60_000, 'minute'], [1000, 'second']];
  for (const [size, name] of units) {
    if (ms === size) return name;
    if (ms > size && ms % size === 0) return `${ms / size} ${name}s`;
  }
  return `${ms} ms`;
}
