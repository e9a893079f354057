// Decimal numbers as text: grouped, shortened and compared without ever becoming a double, so that no digit is lost.

const kDecimal = /^(-?)(\d+)(?:\.(\d+))?$/;

interface Parts {
  negative: boolean;
  whole: string;
  fraction: string;
}

function parts(text: string): Parts | null {
  const found = kDecimal.exec(text);
  if (!found) return null;
  const whole = (found[2] ?? '0').replace(/^0+(?=\d)/, '');
  const fraction = (found[3] ?? '').replace(/0+$/, '');
  return {negative: found[1] === '-' && !(whole === '0' && fraction === ''), whole, fraction};
}

export function isDecimal(text: string | null | undefined): text is string {
  return typeof text === 'string' && kDecimal.test(text);
}

function join(negative: boolean, whole: string, fraction: string): string {
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return (negative ? '−' : '') + grouped + (fraction ? '.' + fraction : '');
}

// Every digit, thousands separated. Text that is no decimal number comes back unchanged.
export function grouped(text: string): string {
  const p = parts(text);
  return p ? join(p.negative, p.whole, p.fraction) : text;
}

// For reading at a glance: at most two digits behind the point from 1 on, three significant ones below; half up, away from zero.
// Whoever shows this keeps the whole text in reach (title, table, CSV).
export function short(text: string): string {
  const p = parts(text);
  if (!p) return text;
  const leading = p.whole === '0' ? /^0*/.exec(p.fraction)![0].length + 3 : 2;
  if (p.fraction.length <= leading) return join(p.negative, p.whole, p.fraction);
  const digits = BigInt(p.whole + p.fraction.slice(0, leading)) + (p.fraction.charCodeAt(leading) >= 53 ? 1n : 0n);
  const padded = digits.toString().padStart(leading + 1, '0');
  const rounded = parts(padded.slice(0, -leading) + '.' + padded.slice(-leading))!;
  return join(p.negative && digits !== 0n, rounded.whole, rounded.fraction);
}

// Negative, zero or positive, as a sort wants it. Anything that is not a number sorts below every number.
export function compare(a: string | null, b: string | null): number {
  const x = a === null ? null : parts(a);
  const y = b === null ? null : parts(b);
  if (!x || !y) return (x ? 1 : 0) - (y ? 1 : 0);
  if (x.negative !== y.negative) return x.negative ? -1 : 1;
  const sign = x.negative ? -1 : 1;
  if (x.whole.length !== y.whole.length) return sign * (x.whole.length - y.whole.length);
  if (x.whole !== y.whole) return x.whole < y.whole ? -sign : sign;
  if (x.fraction === y.fraction) return 0;
  return x.fraction < y.fraction ? -sign : sign;
}

// Axis labels: the scale is made of doubles anyway.
export function tick(value: number): string {
  const size = Math.abs(value);
  const unit = size >= 1e12 ? [1e12, ' T'] : size >= 1e9 ? [1e9, ' G'] : size >= 1e6 ? [1e6, ' M'] : [1, ''];
  const scaled = value / (unit[0] as number);
  const digits = Number.isInteger(scaled) ? String(scaled) : String(Number(scaled.toPrecision(6)));
  return isDecimal(digits) ? grouped(digits) + unit[1] : digits;
}

export function count(n: number, one: string, many = one + 's'): string {
  return grouped(String(n)) + ' ' + (n === 1 ? one : many);
}

const kWhole = /^\d+$/;

// How much of a whole a part is, to a tenth of a percent; counts only. '–' where there is no whole.
export function percent(part: string, whole: string): string {
  if (!kWhole.test(part) || !kWhole.test(whole) || BigInt(whole) === 0n) return '–';
  const tenths = (BigInt(part) * 2000n + BigInt(whole)) / (2n * BigInt(whole));
  return `${join(false, (tenths / 10n).toString(), tenths % 10n === 0n ? '' : (tenths % 10n).toString())} %`;
}

// From 0 to 1, for the length of a bar.
export function fraction(part: string | null, whole: string | null): number {
  const of = Number(part) / Number(whole);
  return Number.isFinite(of) ? Math.max(0, Math.min(1, of)) : 0;
}

// "+12.5 %", "−3 %", "unchanged"; '' where nothing can be said in percent.
export function change(now: string | null, before: string | null): string {
  if (!isDecimal(now) || !isDecimal(before)) return '';
  if (compare(now, before) === 0) return 'unchanged';
  const by = (Number(now) - Number(before)) / Math.abs(Number(before)) * 100;
  if (!Number.isFinite(by)) return '';
  const size = Math.abs(by);
  const text = size >= 100 ? grouped(String(Math.round(size))) : String(Number(size.toFixed(1)));
  return text === '0' ? 'less than ±0.1 %' : `${by < 0 ? '−' : '+'}${text} %`;
}
