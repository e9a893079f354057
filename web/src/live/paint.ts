// How a component and the board meet: `usePaint` for what changes often (straight into the DOM, once per frame, only in sight),
// `useBoard` for rare facts that change what is on the page.

import {createContext, useCallback, useContext, useLayoutEffect, useReducer, useRef, useSyncExternalStore, type RefObject} from 'react';

import {Board, type Painter, type Topic} from './board';

export const BoardContext = createContext<Board>(new Board());
export const useTheBoard = () => useContext(BoardContext);

// Runs `paint` after each render, and in the frame after one of `topics` changed while `root` is in or near sight.
export function usePaint(topics: readonly Topic[], root: RefObject<Element | null>, paint: () => void): void {
  const board = useTheBoard();
  const latest = useRef(paint);
  const names = topics.join(' ');

  useLayoutEffect(() => {
    latest.current = paint;
    paint();
  });

  useLayoutEffect(() => {
    const painter: Painter = {topics: names.split(' ') as Topic[], visible: true, paint: () => latest.current()};
    const remove = board.add(painter);
    const element = root.current;
    if (!element || typeof IntersectionObserver === 'undefined') return remove;
    const observer = new IntersectionObserver(
      (entries) => board.see(painter, entries.some((entry) => entry.isIntersecting)),
      {rootMargin: '200px'},
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      remove();
    };
  }, [board, names, root]);
}

// `select` must return the same value while nothing changed: text, number, boolean, or an object that the board keeps.
export function useBoard<T>(topics: readonly Topic[], select: (board: Board) => T): T {
  const board = useTheBoard();
  const names = topics.join(' ');
  const subscribe = useCallback(
    (notify: () => void) => board.add({topics: names.split(' ') as Topic[], visible: true, paint: notify}),
    [board, names],
  );
  return useSyncExternalStore(subscribe, () => select(board));
}

// For panels that come whole and seldom: drawn by React, while `root` is in or near sight. `select` as above.
export function useSeen<T>(topics: readonly Topic[], root: RefObject<Element | null>, select: (board: Board) => T): T {
  const board = useTheBoard();
  const [, again] = useReducer((times: number) => times + 1, 0);
  const now = select(board);
  const drawn = useRef(now);
  usePaint(topics, root, () => {
    const next = select(board);
    if (next === drawn.current) return;
    drawn.current = next;
    again();
  });
  return now;
}

// Text in place: nothing is touched when nothing changed.
export function setText(element: Element | null, text: string): boolean {
  if (!element || element.textContent === text) return false;
  element.textContent = text;
  return true;
}

export function setData(element: HTMLElement | null, values: Record<string, string | number | null | undefined>): void {
  if (!element) return;
  for (const [name, value] of Object.entries(values)) {
    const attribute = `data-${name}`;
    if (value === null || value === undefined) element.removeAttribute(attribute);
    else if (element.getAttribute(attribute) !== String(value)) element.setAttribute(attribute, String(value));
  }
}

const still = () => typeof matchMedia === 'function' && matchMedia('(prefers-reduced-motion: reduce)').matches;

// A short fade that says "this changed" without moving anything.
export function flash(element: Element | null): void {
  if (element && typeof element.animate === 'function' && !still()) {
    element.animate([{opacity: 0.65}, {opacity: 1}], {duration: 150, easing: 'ease'});
  }
}

// A list of elements that follows a list of items: kept by key, moved only when the order changed.
export function keyed<T>(
  parent: Element, items: readonly T[], key: (item: T) => string,
  create: (item: T) => HTMLElement, update: (element: HTMLElement, item: T) => void,
): void {
  const wanted = new Set(items.map(key));
  const old = new Map<string, HTMLElement>();
  for (const child of Array.from(parent.children) as HTMLElement[]) {
    const id = child.dataset['item'] ?? '';
    if (wanted.has(id)) old.set(id, child);
    else child.remove();
  }
  let next = parent.firstElementChild;
  for (const item of items) {
    const id = key(item);
    let element = old.get(id);
    if (!element) {
      element = create(item);
      element.dataset['item'] = id;
    }
    update(element, item);
    if (element === next) next = next.nextElementSibling;
    else parent.insertBefore(element, next);
  }
}
