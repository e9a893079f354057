// The one live stream of this tab: opens it for what is on screen, reads it into the board, and comes back by itself.
//
// Other definitions: the server says `bye` with that reason; what there is is asked for again at once, and nothing shows as lost.
// Errors: a lost connection shows as `reconnecting`; tries again after 0.25 s, doubling up to kRetryMax. A stream that says nothing
//   for kSilenceMax, heartbeats included, is given up and opened again.
// Why fetch and not EventSource: status codes and the server's own error text stay visible, and a resume names its epoch.

import type {Board} from './board';
import {Refused, refusedBy} from './api';
import {SseReader} from './sse';

export const kRetryMin = 250;
export const kRetryMax = 5_000;
export const kSilenceMax = 40_000;

export interface Watched {
  panels: string[];
  feeds: string[];
}

export class Feed {
  private watched: Watched | null = null;
  private generation = 0;
  private abort: AbortController | null = null;
  private epoch: string | null = null;

  // `onReturn` runs before each attempt after a lost connection: the server may have started with other definitions.
  constructor(private readonly board: Board, private readonly onReturn: () => Promise<void>) {}

  watch(next: Watched): void {
    const same = this.watched !== null && JSON.stringify(this.watched) === JSON.stringify(next);
    if (same && this.abort !== null) return;
    if (!same) this.epoch = null;  // other panels: a fresh snapshot of each
    this.stop();
    this.watched = next;
    void this.run(this.generation);
  }

  stop(): void {
    this.generation++;
    this.abort?.abort();
    this.abort = null;
  }

  resume(): void {
    if (this.watched && this.abort === null) this.watch(this.watched);
  }

  private async run(generation: number): Promise<void> {
    let wait = kRetryMin;
    let again = false;
    while (generation === this.generation) {
      const before = this.epoch;
      let why = '';
      try {
        if (again) await this.onReturn();
        again = true;
        if (generation !== this.generation) return;
        if (await this.read(generation) === 'definitions') {
          this.epoch = null;
          continue;
        }
      } catch (error) {
        // The next attempt says whether it is over; until then the page says `reconnecting`, and why, if the server said.
        if (error instanceof Refused) why = error.failure.message;
      }
      if (generation !== this.generation) return;
      this.board.connected('reconnecting', why);
      if (this.epoch !== before) wait = kRetryMin;
      await new Promise((resolve) => setTimeout(resolve, wait * (0.75 + Math.random() / 2)));
      wait = Math.min(wait * 2, kRetryMax);
    }
  }

  // Until it ends; the reason that the server gave, '' when it gave none.
  private async read(generation: number): Promise<string> {
    let reason = '';
    const abort = new AbortController();
    this.abort = abort;
    let silence = setTimeout(() => abort.abort(), kSilenceMax);
    try {
      const response = await fetch(this.url(), {signal: abort.signal, headers: {accept: 'text/event-stream'}});
      if (!response.ok || !response.body) throw await refusedBy(response);
      this.board.connected('live');
      const sse = new SseReader((message) => {
        if (generation !== this.generation) return;
        if (message.event === 'bye') reason = (JSON.parse(message.data) as {reason: string}).reason;
        this.board.apply(message);
        if (message.id) this.epoch = message.id;
      });
      const reader = response.body.getReader();
      for (;;) {
        const {done, value} = await reader.read();
        if (done || generation !== this.generation) return reason;
        clearTimeout(silence);
        silence = setTimeout(() => abort.abort(), kSilenceMax);
        sse.push(value);
      }
    } finally {
      clearTimeout(silence);
      abort.abort();
    }
  }

  private url(): string {
    const watched = this.watched!;
    const query = new URLSearchParams({panels: watched.panels.join(','), feeds: watched.feeds.join(',')});
    if (this.epoch !== null) query.set('epoch', this.epoch);
    return `/api/live?${query}`;
  }
}
