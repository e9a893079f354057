// One question whose answer is kept up to date: asked at once, and again when something moved, no oftener than it may cost.
//
// Errors: what was answered stays beside the reason. A question is given up only for another one, so that one that takes longer than
//   things stand still is answered all the same.
// Threads: one tab.

import {useEffect, useRef, useState} from 'react';

import {failureOf} from './api';
import {kCostTimes, kLeast} from './asker';
import type {Failure} from './contract';

export class Question<T> {
  answer: T | null = null;
  failure: Failure | null = null;

  private readonly abort = new AbortController();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private busy = false;
  private stale = false;
  private next = -Infinity;

  constructor(
    private readonly ask: (signal: AbortSignal) => Promise<T>, private readonly changed: () => void,
    private readonly steady: () => number = () => performance.now(),
  ) {}

  moved(): void {
    this.stale = true;
    if (this.busy || this.timer || this.abort.signal.aborted) return;
    const wait = this.next - this.steady();
    if (wait <= 0) void this.run();
    else this.timer = setTimeout(() => { this.timer = null; void this.run(); }, wait);
  }

  stop(): void {
    this.abort.abort();
    if (this.timer) clearTimeout(this.timer);
  }

  private async run(): Promise<void> {
    const begun = this.steady();
    this.busy = true;
    this.stale = false;
    try {
      this.answer = await this.ask(this.abort.signal);
      this.failure = null;
    } catch (error) {
      this.failure = failureOf(error);
      this.stale = true;
    }
    this.busy = false;
    this.next = this.steady() + Math.max(kLeast.current, kCostTimes * (this.steady() - begun));
    if (this.abort.signal.aborted) return;
    this.changed();
    if (this.stale) this.moved();
  }
}

// `name` says which question it is; `moved` changes when its answer may have.
export function useAnswer<T>(name: string, ask: (signal: AbortSignal) => Promise<T>, moved: unknown): {answer: T | null; failure: Failure | null} {
  const [shown, show] = useState<{name: string; answer: T | null; failure: Failure | null} | null>(null);
  const latest = useRef(ask);
  const question = useRef<Question<T> | null>(null);
  useEffect(() => {
    latest.current = ask;
  });
  useEffect(() => {
    const one = new Question<T>((signal) => latest.current(signal), () => show({name, answer: one.answer, failure: one.failure}));
    question.current = one;
    one.moved();
    return () => one.stop();
  }, [name]);
  const seen = useRef(moved);
  useEffect(() => {
    if (seen.current !== moved) question.current?.moved();
    seen.current = moved;
  }, [moved]);
  return shown?.name === name ? shown : {answer: null, failure: null};
}
