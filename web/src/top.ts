// A topk as a table's cell: the most frequent values and how often each came, most frequent first.

import {count, grouped} from './decimal';
import type {Cell, Top} from './live/contract';

const kShown = 3;

export const isTop = (cell: Cell | undefined): cell is Top => Array.isArray(cell);

const entry = ([value, times]: Top[number]) => `${value === '' ? '(empty)' : value} ${grouped(String(times))}`;

// The first few, and how many more there are.
export function topWords(top: Top): string {
  if (top.length === 0) return '–';
  const shown = top.slice(0, kShown).map(entry).join(' · ');
  return top.length > kShown ? `${shown} · ${count(top.length - kShown, 'more', 'more')}` : shown;
}

// All of them, a line each.
export const topLines = (top: Top): string => top.map(entry).join('\n');

// As one text: what CSV holds, the server's download too.
export const cellText = (cell: Cell): string | null => (isTop(cell) ? JSON.stringify(cell) : cell);
