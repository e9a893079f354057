// Where we are: the URL holds the whole state of the page, so that a link shows what its sender saw.
//
//   /d/<dashboard>?range=&filter=&twin=&sort=&explain=   /live?filter=&trace=   /quarantine?reason=&filter=   /sql?q=

import {useSyncExternalStore} from 'react';

export type Page = 'dashboard' | 'live' | 'quarantine' | 'sql' | 'missing';

export interface Route {
  page: Page;
  dashboard: string | null;  // null on `/`: the first one
  path: string;
  query: URLSearchParams;
}

export function parse(path: string, search: string): Route {
  const query = new URLSearchParams(search);
  const dashboard = /^\/d\/([^/]+)\/?$/.exec(path);
  if (path === '/') return {page: 'dashboard', dashboard: null, path, query};
  if (dashboard) return {page: 'dashboard', dashboard: decode(dashboard[1]!), path, query};
  const page = /^\/(live|quarantine|sql)\/?$/.exec(path);
  return {page: page ? (page[1] as Page) : 'missing', dashboard: null, path, query};
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const listeners = new Set<() => void>();
let current: Route | null = null;

function moved(): void {
  current = null;
  for (const listener of listeners) listener();
}

if (typeof window !== 'undefined') window.addEventListener('popstate', moved);

function here(): Route {
  current ??= parse(location.pathname, location.search);
  return current;
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useRoute(): Route {
  return useSyncExternalStore(listen, here);
}

export function go(url: string): void {
  if (url === location.pathname + location.search) return;
  history.pushState(null, '', url);
  moved();
  window.scrollTo(0, 0);
}

export type Change = Record<string, string | null>;

// The present page with some of its state changed; null and '' drop a name.
export function withQuery(change: Change): string {
  const query = new URLSearchParams(here().query);
  for (const [name, value] of Object.entries(change)) {
    if (value === null || value === '') query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return here().path + (text ? '?' + text : '');
}

export function setQuery(change: Change): void {
  const url = withQuery(change);
  if (url === location.pathname + location.search) return;
  history.replaceState(null, '', url);
  moved();
}

// Lists in one value: twin=activity.1.0,activity.2.0
export function listed(query: URLSearchParams, name: string): string[] {
  return (query.get(name) ?? '').split(',').filter((one) => one !== '');
}

export function toggled(query: URLSearchParams, name: string, value: string): Change {
  const list = listed(query, name);
  const next = list.includes(value) ? list.filter((one) => one !== value) : [...list, value];
  return {[name]: next.join(',')};
}
