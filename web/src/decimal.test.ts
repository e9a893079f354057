import {describe, expect, it} from 'vitest';

import {change, compare, fraction, grouped, isDecimal, percent, short, tick} from './decimal';

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

describe('shares and changes', () => {
  it('of_counts_are_to_a_tenth_of_a_percent_half_up', () => {
    expect([percent('1', '3'), percent('2', '3'), percent('1', '8'), percent('1', '2000'), percent('5', '5'), percent('0', '7'), percent('12', '1')])
      .toEqual(['33.3 %', '66.7 %', '12.5 %', '0.1 %', '100 %', '0 %', '1,200 %']);
    expect(percent('9007199254740993', '9007199254740993')).toBe('100 %');
    expect([percent('1', '0'), percent('x', '2')]).toEqual(['–', '–']);
    expect([fraction('1', '4'), fraction('5', '4'), fraction('-1', '4'), fraction(null, '0')]).toEqual([0.25, 1, 0, 0]);
  });
  it('say_how_much_more_or_less_and_nothing_where_that_is_nothing', () => {
    expect([change('110', '100'), change('97', '100'), change('5', '5.0'), change('350', '100'), change('1000001', '1000000')])
      .toEqual(['+10 %', '−3 %', 'unchanged', '+250 %', 'less than ±0.1 %']);
    expect([change('-5', '-10'), change('5', '0'), change(null, '1'), change('1', null)]).toEqual(['+50 %', '', '', '']);
  });
});
