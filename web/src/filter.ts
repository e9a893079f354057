// The one filter of a page: a text that a key must contain, or, in double quotes, be.

import {keyText} from './live/panel-data';
import type {Key} from './live/contract';

export function exact(text: string): string {
  return `"${text}"`;
}

export function matches(text: string, filter: string): boolean {
  if (filter === '') return true;
  if (filter.length > 2 && filter.startsWith('"') && filter.endsWith('"')) return text === filter.slice(1, -1);
  return text.toLowerCase().includes(filter.toLowerCase());
}

export function keyMatches(key: Key, filter: string): boolean {
  return matches(keyText(key), filter) || key.some((part) => matches(keyText([part]), filter));
}
