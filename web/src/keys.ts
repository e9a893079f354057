// Single keys, as on the list that `?` shows. They rest while somebody types, while another modifier is held, and when switched off.

import {useEffect, useRef} from 'react';

const kName = 'sluice-keys';
const kPrefixMs = 1_200;

export type Actions = Record<string, () => void>;  // "?", "g l", "t"

export function keysOn(): boolean {
  try {
    return localStorage.getItem(kName) !== 'off';
  } catch {
    return true;
  }
}

export function setKeysOn(on: boolean): void {
  try {
    localStorage.setItem(kName, on ? 'on' : 'off');
  } catch {
    // nothing to keep it in: it holds until the page is loaded again
  }
}

export function typing(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return element?.tagName === 'INPUT' || element?.tagName === 'TEXTAREA' || element?.tagName === 'SELECT' ||
    element?.isContentEditable === true;
}

export function useKeys(actions: Actions): void {
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    let prefix: string | null = null;
    let prefixAt = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') {
        latest.current['Escape']?.();
        return;
      }
      if (!keysOn() || typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      const known = prefix !== null && event.timeStamp - prefixAt < kPrefixMs ? `${prefix} ${event.key}` : event.key;
      prefix = null;
      if (event.key === 'g' && known === 'g') {
        prefix = 'g';
        prefixAt = event.timeStamp;
        return;
      }
      const action = latest.current[known];
      if (!action) return;
      event.preventDefault();
      action();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

// The panel that `t` and `c` mean: the one under the pointer or with the focus, else the first of its kind.
let current: string | null = null;
export const setCurrentPanel = (id: string | null): void => { current = id; };
export const currentPanel = (): string | null => current;
