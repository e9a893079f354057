// Light or dark: what the system says, until somebody chooses; the choice is kept in this browser.

import {useSyncExternalStore} from 'react';

export type Theme = 'light' | 'dark';

const kName = 'sluice-theme';
const listeners = new Set<() => void>();

function stored(): Theme | null {
  try {
    const value = localStorage.getItem(kName);
    return value === 'light' || value === 'dark' ? value : null;
  } catch {
    return null;  // storage may be forbidden; the system's choice then holds
  }
}

const system = () => (typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : null);

export function theme(): Theme {
  return stored() ?? (system()?.matches ? 'dark' : 'light');
}

function tell(): void {
  document.documentElement.dataset['theme'] = theme();
  for (const listener of listeners) listener();
}

export function startTheme(): void {
  tell();
  system()?.addEventListener('change', tell);
}

export function switchTheme(): void {
  try {
    localStorage.setItem(kName, theme() === 'dark' ? 'light' : 'dark');
  } catch {
    return;
  }
  tell();
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useTheme = (): Theme => useSyncExternalStore(listen, theme);
