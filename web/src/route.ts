// Where we are: the URL holds the whole state of the page, so that a link shows what its sender saw.
//
//   /d/<dashboard>?range=&compare=previous&f.<dimension>=&filter=&twin=&sort=&group=   and beside it one of explain= dropped= session=
//   /live?filter=&trace=   /person?key=   /quarantine?reason=&filter=   /sql?q=
//
// f.<dimension>: one value of a dimension, `null` for a missing one; a value that could be taken for something else is in quotes.

import {useSyncExternalStore} from 'react';

import type {KeyPart} from './live/contract';

export type Page = 'dashboard' | 'live' | 'person' | 'quarantine' | 'sql' | 'missing';

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
  const page = /^\/(live|person|quarantine|sql)\/?$/.exec(path);
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

export interface Filter {
  dimension: string;
  value: KeyPart;
}

export const kFiltersMax = 8;

function filterText(value: KeyPart): string {
  if (value === null) return 'null';
  return value === '' || value === 'null' || value.startsWith('"') ? JSON.stringify(value) : value;
}

function filterValue(text: string): KeyPart {
  if (text === 'null') return null;
  if (!text.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}

export function filtersOf(query: URLSearchParams): Filter[] {
  const found = new Map<string, Filter>();
  for (const [name, text] of query) {
    if (name.startsWith('f.') && name.length > 2 && text !== '' && found.size < kFiltersMax) {
      found.set(name, {dimension: name.slice(2), value: filterValue(text)});
    }
  }
  return [...found.values()];
}

export const isFiltered = (query: URLSearchParams, filters: Filter[]): boolean =>
  filters.length > 0 && filters.every(({dimension, value}) => query.get(`f.${dimension}`) === filterText(value));

// A click on a value: only this, or, when it was chosen already, all again.
export function toggledFilters(query: URLSearchParams, filters: Filter[]): Change {
  const on = isFiltered(query, filters);
  return Object.fromEntries(filters.map(({dimension, value}) => [`f.${dimension}`, on ? null : filterText(value)]));
}

export const noFilters = (query: URLSearchParams): Change =>
  Object.fromEntries([...query.keys()].filter((name) => name.startsWith('f.')).map((name) => [name, null]));

// What goes along from one dashboard to another: the range, the comparison and the filters.
export function carried(query: URLSearchParams): string {
  const kept = new URLSearchParams([...query].filter(([name]) => name === 'range' || name === 'compare' || name.startsWith('f.')));
  return kept.size > 0 ? `?${kept}` : '';
}

// Everything that the panel beside the numbers can show; one at a time.
export const nothingBeside: Change = {explain: null, dropped: null, session: null, trace: null};
