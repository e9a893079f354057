// The colours as numbers: contrast of text and lines on paper, and series that stay apart with the three kinds of colour blindness.
// Sources: WCAG 2.2 (relative luminance, contrast); Machado, Oliveira, Fernandes 2009 (simulation, severity 1); CIE76 difference in Lab.
import {describe, expect, it} from 'vitest';

import css from './tokens.css?raw';

type Triple = [number, number, number];

function tokens(selector: string): Map<string, string> {
  const block = css.slice(css.indexOf(selector) + selector.length);
  const body = block.slice(block.indexOf('{'), block.indexOf('}'));
  return new Map([...body.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)].map((found) => [found[1]!, found[2]!]));
}

const themes = {light: tokens(":root[data-theme='light'] "), dark: tokens(":root[data-theme='dark'] ")};

const linear = (hex: string): Triple => [1, 3, 5].map((at) => {
  const value = parseInt(hex.slice(at, at + 2), 16) / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}) as Triple;
const luminance = ([r, g, b]: Triple) => 0.2126 * r + 0.7152 * g + 0.0722 * b;

function contrast(a: string, b: string): number {
  const [x, y] = [luminance(linear(a)), luminance(linear(b))];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

const kBlindness: Record<string, Triple[]> = {
  none: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

function lab(hex: string, matrix: Triple[]): Triple {
  const rgb = linear(hex);
  const [r, g, b] = matrix.map((row) => Math.min(1, Math.max(0, row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2]))) as Triple;
  const xyz = [
    (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505, 0.2126 * r + 0.7152 * g + 0.0722 * b, (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
  ].map((t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116)) as Triple;
  return [116 * xyz[1] - 16, 500 * (xyz[0] - xyz[1]), 200 * (xyz[1] - xyz[2])];
}

const difference = (a: Triple, b: Triple) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

describe.each(Object.entries(themes))('colours of the %s theme', (_, colours) => {
  const paper = colours.get('paper')!;
  const series = Array.from({length: 8}, (_, n) => colours.get(`series-${n}`)!);

  it('give_text_a_contrast_of_at_least_4_5', () => {
    for (const name of ['text', 'secondary', 'accent', 'filling', 'final', 'revised', 'bad']) {
      expect(contrast(colours.get(name)!, paper), name).toBeGreaterThanOrEqual(4.5);
    }
    expect(contrast(colours.get('secondary')!, colours.get('raised')!)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colours.get('text')!, colours.get('mark')!)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colours.get('accent-text')!, colours.get('accent')!)).toBeGreaterThanOrEqual(4.5);
  });
  it('give_lines_a_contrast_of_at_least_3', () => {
    for (const colour of series) expect(contrast(colour, paper), colour).toBeGreaterThanOrEqual(3);
  });
  it.each(Object.entries(kBlindness))('stay_apart_with_%s', (kind, matrix) => {
    const seen = series.map((colour) => lab(colour, matrix));
    for (let a = 0; a < seen.length; a++) {
      for (let b = 0; b < a; b++) {
        const least = a < 4 ? 20 : 10;  // the first four are what most charts have
        expect(difference(seen[a]!, seen[b]!), `${series[a]} ${series[b]} with ${kind}`).toBeGreaterThanOrEqual(least);
      }
    }
  });
});

it('dark_is_the_same_whether_the_system_or_a_person_chose_it', () => {
  expect(tokens(":root:not([data-theme='light']) ")).toEqual(themes.dark);
});
