// What was refused, and why: reasons with their counts first, then each reject with its path and the broken place marked.

import {useCallback, useEffect, useRef, useState} from 'react';

import {grouped} from '../decimal';
import {instant} from '../dates';
import {matches} from '../filter';
import {locate} from '../json-place';
import {api, failureOf} from '../live/api';
import {keyed, setData, setText, useBoard, usePaint, useTheBoard} from '../live/paint';
import type {Failure, Project, QuarantineRow} from '../live/contract';
import {Problem} from '../panels/problem';
import {setQuery, useRoute} from '../route';
import {FilterField} from './filter-field';

const kAround = 160;      // characters of raw text shown before and after the marked place
const kAgainMs = 2_000;   // between two questions while rejects pour in

interface Excerpt {
  before: string;
  marked: string;
  after: string;
}

export function excerpt(raw: string, path: string): Excerpt {
  const span = locate(raw, path);
  if (!span) return {before: raw.slice(0, 3 * kAround) + (raw.length > 3 * kAround ? ' …' : ''), marked: '', after: ''};
  const from = Math.max(0, span.from - kAround);
  const to = Math.min(raw.length, span.to + kAround);
  return {
    before: (from > 0 ? '… ' : '') + raw.slice(from, span.from),
    marked: raw.slice(span.from, Math.min(span.to, span.from + 4 * kAround)),
    after: raw.slice(span.to, to) + (to < raw.length ? ' …' : ''),
  };
}

function createRow(): HTMLElement {
  const item = document.createElement('li');
  const head = document.createElement('p');
  head.className = 'reject-head';
  for (const name of ['time', 'source', 'reason', 'path']) {
    const part = document.createElement(name === 'path' ? 'code' : 'span');
    part.className = `reject-${name}`;
    head.append(part);
  }
  const raw = document.createElement('pre');
  raw.className = 'code raw';
  item.append(head, raw);
  return item;
}

function updateRow(element: HTMLElement, row: QuarantineRow, near: number): void {
  const [head, raw] = Array.from(element.children) as [HTMLElement, HTMLElement];
  const [time, source, reason, path] = Array.from(head.children) as HTMLElement[];
  setData(element, {reason: row.reason, path: row.path, place: row.place});
  setText(time!, instant(row.received_at, near));
  setText(source!, row.source);
  setText(reason!, row.reason);
  setText(path!, row.path);
  if (raw.dataset['raw'] === row.place) return;
  raw.dataset['raw'] = row.place;
  const {before, marked, after} = excerpt(row.raw, row.path);
  const cut = row.raw_bytes !== undefined && row.raw_bytes > new TextEncoder().encode(row.raw).length;
  const mark = document.createElement('mark');
  mark.textContent = marked;
  raw.replaceChildren(document.createTextNode(before), ...(marked ? [mark] : []), document.createTextNode(cut ? `${after} … ${grouped(String(row.raw_bytes))} bytes in all` : after));
}

interface Reason {
  reason: string;
  count: number;
  meaning: string;
}

function createReason(): HTMLElement {
  const item = document.createElement('li');
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'reason';
  for (const name of ['count', 'name', 'meaning']) {
    const part = document.createElement('span');
    part.className = `reason-${name}`;
    button.append(part);
  }
  item.append(button);
  return item;
}

function updateReason(element: HTMLElement, one: Reason, chosen: string): void {
  const button = element.firstElementChild as HTMLElement;
  const [count, name, meaning] = Array.from(button.children) as HTMLElement[];
  setData(element, {reason: one.reason, count: one.count});
  setText(count!, grouped(String(one.count)));
  setText(name!, one.reason);
  setText(meaning!, one.meaning);
  button.setAttribute('aria-pressed', String(one.reason === chosen));
  button.onclick = () => setQuery({reason: one.reason === chosen ? null : one.reason});
}

export function QuarantinePage({project}: {project: Project}) {
  const board = useTheBoard();
  const {query} = useRoute();
  const root = useRef<HTMLElement>(null);
  const filterInput = useRef<HTMLInputElement>(null);
  const reasons = useRef<HTMLUListElement>(null);
  const rows = useRef<HTMLOListElement>(null);
  const note = useRef<HTMLParagraphElement>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const reason = query.get('reason') ?? '';
  const filter = query.get('filter') ?? '';
  const stale = useBoard(['quarantine'], (now) => now.quarantine.stale);
  const connection = useBoard(['connection'], (now) => now.connection);

  const load = useCallback((signal: AbortSignal) => api.quarantine(reason, signal).then(
    (answer) => { setFailure(null); board.quarantineLoaded(answer); },
    (error: unknown) => { if (!signal.aborted) setFailure(failureOf(error)); },
  ), [board, reason]);

  useEffect(() => {
    document.title = `Quarantine · ${project.project}`;
  }, [project]);
  useEffect(() => {
    if (connection === 'reconnecting') return;
    const abort = new AbortController();
    void load(abort.signal);
    return () => abort.abort();
  }, [load, connection]);
  useEffect(() => {
    if (!stale) return;
    const abort = new AbortController();
    const timer = setTimeout(() => void load(abort.signal), kAgainMs);
    return () => { clearTimeout(timer); abort.abort(); };
  }, [stale, load]);

  usePaint(['quarantine'], root, () => {
    const now = board.quarantine;
    const near = board.near();
    const shown = now.rows.filter((row) => (reason === '' || row.reason === reason) &&
      [row.raw, row.path, row.source, row.reason].some((text) => matches(text, filter)));
    const ordered = [...now.reasons].sort((a, b) => b.count - a.count || a.reason.localeCompare(b.reason));
    if (reasons.current) keyed(reasons.current, ordered, (one) => one.reason, createReason, (element, one) => updateReason(element, one, reason));
    if (rows.current) keyed(rows.current, shown, (row) => row.place, createRow, (element, row) => updateRow(element, row, near));
    const all = reason === '' ? now.total : (now.reasons.find((one) => one.reason === reason)?.count ?? shown.length);
    setData(root.current, {total: now.loaded ? now.total : null});
    setText(note.current, !now.loaded ? '' : now.total === 0 ? 'Nothing was refused. An event that cannot be stored appears here with its reason.' :
      shown.length < all ? `The newest ${grouped(String(shown.length))} of ${grouped(String(all))}. All of them: SELECT * FROM sluice.quarantine` : '');
  });

  return (
    <div className="page">
      <main id="main" tabIndex={-1} className="main" ref={root} data-quarantine="">
        <div className="question">
          <h1>What was refused, and why?</h1>
          <div className="fields"><FilterField input={filterInput} label="Filter rejects" /></div>
        </div>
        {failure && <Problem failure={failure} />}
        <ul ref={reasons} className="reasons" aria-label="Reasons" />
        <ol ref={rows} className="rejects" aria-label="Rejects, newest first" />
        <p ref={note} className="secondary" />
      </main>
    </div>
  );
}
