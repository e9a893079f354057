import {describe, expect, it} from 'vitest';

import {duration, instant, per, range, span} from './dates';

const at = (text: string) => Date.parse(text);
const near = at('2026-11-17T14:22:01Z');

describe('windows in words', () => {
  it('names_the_days_a_window_covers_not_its_open_end', () => {
    expect(range(at('2026-10-18T00:00:00Z'), at('2026-11-17T00:00:00Z'), near)).toBe('18 Oct – 16 Nov');
    expect(range(at('2026-11-16T00:00:00Z'), at('2026-11-17T00:00:00Z'), near)).toBe('Mon 16 Nov');
  });
  it('says_the_year_only_where_it_differs', () => {
    expect(range(at('2025-11-17T00:00:00Z'), at('2026-11-17T00:00:00Z'), near)).toBe('17 Nov 2025 – 16 Nov');
  });
  it('says_times_for_short_windows_and_the_day_when_it_is_not_today', () => {
    expect(range(at('2026-11-17T14:20:10Z'), at('2026-11-17T14:20:20Z'), near)).toBe('14:20:10 – 14:20:20');
    expect(range(at('2026-11-16T14:00:00Z'), at('2026-11-16T15:00:00Z'), near)).toBe('16 Nov, 14:00 – 15:00');
    expect(range(at('2026-11-16T22:00:00Z'), at('2026-11-17T02:00:00Z'), near)).toBe('16 Nov, 22:00 – 17 Nov, 02:00');
  });
  it('works_before_1970', () => {
    expect(range(at('1969-12-31T00:00:00Z'), at('1970-01-01T00:00:00Z'), near)).toBe('Wed 31 Dec 1969');
  });
  it('says_how_long_in_one_unit', () => {
    expect([40, 70_000, 125_000, 7_200_000, 30 * 86_400_000, 1618 * 86_400_000].map(duration)).toEqual(['40 ms', '70 s', '2 min', '2 h', '30 days', '1,618 days']);
    expect([40, 59_000, 80_000, 3_599_900, 3_600_000, 11_100_000, 86_399_000, 86_400_000, 201_600_000, 12 * 86_400_000 + 7_200_000].map(span))
      .toEqual(['40 ms', '59 s', '1 min 20 s', '1 h', '1 h', '3 h 5 min', '1 day', '1 day', '2 days 8 h', '12 days']);
    expect([86_400_000, 3_600_000, 10_000, 604_800_000, 900_000].map(per)).toEqual(['day', 'hour', '10 seconds', 'week', '15 minutes']);
    expect(instant(at('2026-11-16T14:25:00Z'), near)).toBe('16 Nov, 14:25:00');
  });
});
