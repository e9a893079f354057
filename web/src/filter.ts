// The one filter of a page: a text that a key must contain, or, in double quotes, be.

import {keyText} from './live/panel-data';
import type {Key} from './live/contract';

export function matches(text: string, filter: string): boolean {
  if (filter === '') return true;
  if (isExact(filter)) return text === filter.slice(1, -1);
  return text.toLowerCase().includes(filter.toLowerCase());
}

function isExact(filter: string): boolean {
  return filter.length > 2 && filter.startsWith('"') && filter.endsWith('"');
}

export function keyMatches(key: Key, filter: string): boolean {
  return matches(keyText(key), filter) || key.some((part) => matches(keyText([part]), filter));
}

// An exact text filters the panels that know it and leaves the others alone; any other filters everything.
export function filtered<T extends {key: Key}>(items: T[], filter: string): T[] {
  const found = items.filter((item) => keyMatches(item.key, filter));
  return found.length === 0 && isExact(filter) ? items : found;
}
