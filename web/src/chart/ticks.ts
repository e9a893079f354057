// Round places on a UTC time axis and the words for them.

import {day, hourMinute, clock, month} from '../dates';

const kSecond = 1000;
const kMinute = 60 * kSecond;
const kHour = 60 * kMinute;
const kDay = 24 * kHour;
const kSteps = [
  kSecond, 2 * kSecond, 5 * kSecond, 10 * kSecond, 15 * kSecond, 30 * kSecond,
  kMinute, 2 * kMinute, 5 * kMinute, 10 * kMinute, 15 * kMinute, 30 * kMinute,
  kHour, 3 * kHour, 6 * kHour, 12 * kHour, kDay, 2 * kDay, 7 * kDay, 14 * kDay,
];
const kMonthSteps = [1, 2, 3, 6, 12, 24, 60, 120, 240];
const kMonday = 4 * kDay;  // 1970-01-05

export interface Ticks {
  at: number[];
  label: (ms: number) => string;
}

// At most `most` ticks in [from, to].
export function ticks(from: number, to: number, most: number): Ticks {
  const span = Math.max(1, to - from);
  const wanted = span / Math.max(1, most);
  const step = kSteps.find((one) => one >= wanted);
  if (step !== undefined) {
    const origin = step % (7 * kDay) === 0 ? kMonday : 0;
    const at: number[] = [];
    for (let t = Math.ceil((from - origin) / step) * step + origin; t <= to; t += step) at.push(t);
    if (step >= kDay) return {at, label: (ms) => day(ms, to)};
    return {at, label: (ms) => (ms % kDay === 0 ? day(ms, to) : step % kMinute === 0 ? hourMinute(ms) : clock(ms))};
  }
  const months = kMonthSteps.find((one) => one * 30.44 * kDay >= wanted) ?? kMonthSteps[kMonthSteps.length - 1]!;
  const first = new Date(from);
  const at: number[] = [];
  const start = Math.floor((first.getUTCFullYear() * 12 + first.getUTCMonth()) / months) * months;
  for (let index = start; at.length <= most + 1; index += months) {
    const t = Date.UTC(Math.floor(index / 12), index % 12, 1);
    if (t > to) break;
    if (t >= from) at.push(t);
  }
  return {at, label: (ms) => (new Date(ms).getUTCMonth() === 0 ? String(new Date(ms).getUTCFullYear()) : month(ms))};
}
