import {describe, expect, it} from 'vitest';

import {compare, grouped, isDecimal, short, tick} from './decimal';

describe('decimal text', () => {
  it('keeps_every_digit_of_numbers_larger_than_a_double_holds', () => {
    expect(grouped('12345678901234567890.123456789')).toBe('12,345,678,901,234,567,890.123456789');
    expect(grouped('9007199254740993')).toBe('9,007,199,254,740,993');
  });
  it('drops_trailing_zeros_and_writes_a_real_minus', () => {
    expect(grouped('-1234.500000000')).toBe('−1,234.5');
    expect(grouped('100')).toBe('100');
    expect(grouped('-0.000')).toBe('0');
  });
  it('leaves_text_that_is_no_number_alone', () => {
    expect(grouped('fmt')).toBe('fmt');
    expect(grouped('1e5')).toBe('1e5');
    expect(isDecimal('')).toBe(false);
    expect(isDecimal(null)).toBe(false);
  });
  it('shortens_half_up_away_from_zero', () => {
    expect(short('118.335')).toBe('118.34');
    expect(short('118.334999999')).toBe('118.33');
    expect(short('-2.675')).toBe('−2.68');
    expect(short('999999.999')).toBe('1,000,000');
    expect(short('0.000123456')).toBe('0.000123');
    expect(short('0.9996')).toBe('1');
    expect(short('1873')).toBe('1,873');
  });
  it('compares_without_rounding', () => {
    expect(compare('9007199254740993', '9007199254740992')).toBeGreaterThan(0);
    expect(compare('0.10', '0.1')).toBe(0);
    expect(compare('-2', '-10')).toBeGreaterThan(0);
    expect(compare('-1', '1')).toBeLessThan(0);
    expect(compare('1.2', '1.19')).toBeGreaterThan(0);
    expect(compare(null, '-5')).toBeLessThan(0);
  });
  it('labels_axis_ticks_briefly', () => {
    expect([0, 2500, 1_500_000, -2_000_000_000].map(tick)).toEqual(['0', '2,500', '1.5 M', '−2 G']);
  });
});
