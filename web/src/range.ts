// The time range of a dashboard as the URL says it: `7d` back from the end of the data, whole days `2026-10-01..2026-10-31`, or two
// instants `2026-10-01T10:20:00Z..2026-10-01T10:30:00Z`. UTC.

export interface Range {
  from: number;
  to: number;
}

const kDay = 86_400_000;
const kLast = /^([1-9]\d{0,3})d$/;
const kDays = /^(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/;
const kInstants = /^(\d{4}-\d\d-\d\dT[\d:.]+Z)\.\.(\d{4}-\d\d-\d\dT[\d:.]+Z)$/;

export function lastDays(text: string | null): number | null {
  const found = kLast.exec(text ?? '');
  return found ? Number(found[1]) : null;
}

// Both ends; null where the text names none, or says something else.
export function parseSpan(text: string | null): Range | null {
  const days = kDays.exec(text ?? '');
  const instants = kInstants.exec(text ?? '');
  const [, first, last] = days ?? instants ?? [];
  const from = Date.parse(first ?? '');
  const to = Date.parse(last ?? '') + (days ? kDay : 0);
  return from < to ? {from, to} : null;  // false for NaN
}

export function parseRange(text: string | null, end: number): Range | null {
  const days = lastDays(text);
  if (days !== null) return {from: end - days * kDay, to: Number.MAX_SAFE_INTEGER};
  return parseSpan(text);
}

export function rangeText({from, to}: Range): string {
  const iso = (ms: number) => new Date(ms).toISOString();
  if (from % kDay === 0 && to % kDay === 0) return `${iso(from).slice(0, 10)}..${iso(to - kDay).slice(0, 10)}`;
  const short = (ms: number) => iso(ms).replace(/\.000Z$/, 'Z');
  return `${short(from)}..${short(to)}`;
}
