// A series looks the same on every panel: colour and dash pattern by its dimensions and key, in the order in which the keys of those
// dimensions were first seen.
// Eight colours that stay apart with the common kinds of colour blindness; the dash pattern is a second signal.
//
// Bounds: after kKeysMax keys the oldest assignments are forgotten.

import {keyId} from '../live/panel-data';
import type {Key} from '../live/contract';

export interface Look {
  colour: number;   // --series-0 .. --series-7
  dash: number[];   // CSS pixels; empty is solid
}

export const kColours = 8;
export const kKeysMax = 512;
const kDashes: number[][] = [[], [14, 2], [6, 1.5], [10, 2, 2, 2], [18, 3], [5, 2, 2, 2], [2.5, 1.5], [18, 2, 5, 2]];

export function look(index: number): Look {
  const turn = Math.floor(index / kColours);
  return {colour: index % kColours, dash: kDashes[(index + turn * 3) % kDashes.length]!};
}

// The lines of a band share a colour: they are one thing at several places.
export const bandLook = (index: number): Look => ({colour: 0, dash: kDashes[Math.max(0, index) % kDashes.length]!});

export class Looks {
  private known = new Map<string, Look>();
  private next = new Map<string, number>();

  of(dimensions: readonly string[], key: Key): Look {
    if (key.length === 0) return look(0);
    const kind = dimensions.join();
    const id = kind + keyId(key);
    const found = this.known.get(id);
    if (found) return found;
    if (this.known.size >= kKeysMax) this.known.delete(this.known.keys().next().value!);
    if (this.next.size >= kKeysMax) this.next.clear();
    const place = this.next.get(kind) ?? 0;
    this.next.set(kind, place + 1);
    const fresh = look(place);
    this.known.set(id, fresh);
    return fresh;
  }

  find(dimensions: readonly string[], key: Key): Look | null {
    return this.known.get(dimensions.join() + keyId(key)) ?? null;
  }
}

export const looks = new Looks();

export function colour(index: number): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--series-${index}`).trim();
}

export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
