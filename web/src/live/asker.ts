// Asks for panels as the page wants them where that is not as they are defined: another range, filters, the period before. Each is
// asked again when the stream says that the panel moved, no oftener than its own cost allows.
//
// Bounds: kAtOnce questions at a time, the rest wait in order; per panel one question for the numbers and one for the period before.
// Errors: what is shown stays, the reason goes beside it, and it is asked again.
// Threads: one tab.

import type {Failure, KeyPart, PanelAnswer} from './contract';
import type {Board, Slot} from './board';
import type {PanelData} from './panel-data';

export const kAtOnce = 3;            // a browser has six connections, one is the stream
export const kLeast: Record<Slot, number> = {current: 5_000, previous: 60_000};
export const kCostTimes = 20;

export interface Question {
  over: number;
  until: number | null;  // null: up to now
}

export interface Wish {
  panel: string;
  where: [string, KeyPart][];
  window: Question | null;                         // null: as it is defined
  // Whether the live numbers hold what is wanted, so that nothing need be asked.
  enough: (data: PanelData) => boolean;
  compare: boolean;
  // What is shown of the numbers at hand: the period before ends where it starts.
  shown: (data: PanelData) => {start: number; end: number} | null;
}

interface Job {
  panel: string;
  slot: Slot;
  query: URLSearchParams;
  text: string;
  seen: number;        // the live epoch that the last answer knew
  endedAt: number;
  took: number;
  busy: boolean;       // asked or in line
  abort: AbortController;
  timer: ReturnType<typeof setTimeout> | null;
}

export function questionOf(over: number, until: number | null, where: [string, KeyPart][]): URLSearchParams {
  const query = new URLSearchParams({over: String(over)});
  if (until !== null) query.set('until', String(until));
  if (where.length > 0) query.set('where', JSON.stringify(where));
  return query;
}

type Ask = (panel: string, query: URLSearchParams, signal: AbortSignal) => Promise<PanelAnswer>;

export class Asker {
  private wishes = new Map<string, Wish>();
  private overs = new Map<string, number>();
  private jobs: Record<Slot, Map<string, Job>> = {current: new Map(), previous: new Map()};
  private line: Job[] = [];
  private running = 0;
  private unlisten: () => void = () => {};

  constructor(
    private readonly board: Board, private readonly ask: Ask, private readonly failureOf: (error: unknown) => Failure,
    private readonly steady: () => number = () => performance.now(),
  ) {}

  // From now on these; `over` is each panel's own length.
  want(wishes: (Wish & {over: number})[]): void {
    this.unlisten();
    this.wishes = new Map(wishes.map((wish) => [wish.panel, wish]));
    this.overs = new Map(wishes.map((wish) => [wish.panel, wish.over]));
    for (const slot of ['current', 'previous'] as const) {
      for (const id of this.jobs[slot].keys()) if (!this.wishes.has(id)) this.drop(id, slot);
    }
    const removers = wishes.map((wish) =>
      this.board.add({topics: [`panel:${wish.panel}`], visible: true, paint: () => this.heard(wish)}));
    this.unlisten = () => { for (const remove of removers) remove(); };
    for (const wish of wishes) this.heard(wish);
  }

  stop(): void {
    this.want([]);
  }

  // The panel moved, or something else is wanted of it.
  private heard(wish: Wish): void {
    if (this.wishes.get(wish.panel) !== wish) return;
    const live = this.board.live(wish.panel);
    if (!live) return;
    const plain = wish.window === null && wish.where.length === 0;
    if (plain || (live.data !== null && wish.enough(live.data))) this.drop(wish.panel, 'current');
    else if (live.answered) {
      const {over, until} = wish.window ?? {over: this.overs.get(wish.panel)!, until: null};
      this.keep(wish, 'current', questionOf(over, until, wish.where));
    }
    const view = this.board.view(wish.panel, 'current');
    if (view?.waiting) return;  // what is shown is not yet what is wanted
    const data = this.board.panel(wish.panel)?.data;
    const shown = wish.compare && data ? wish.shown(data) : null;
    if (!wish.compare) this.drop(wish.panel, 'previous');
    else if (shown) this.keep(wish, 'previous', questionOf(shown.end - shown.start, shown.start, wish.where));
  }

  private drop(id: string, slot: Slot): void {
    const job = this.jobs[slot].get(id);
    if (!job) return;
    this.jobs[slot].delete(id);
    job.abort.abort();
    if (job.timer) clearTimeout(job.timer);
    this.board.ask(id, slot, null);
  }

  private keep(wish: Wish, slot: Slot, query: URLSearchParams): void {
    const known = this.jobs[slot].get(wish.panel);
    const text = query.toString();
    if (known?.text === text && this.board.view(wish.panel, slot)?.query === text) {
      if (known.seen !== this.epoch(known)) this.later(known);
      return;
    }
    if (known) {
      known.abort.abort();
      if (known.timer) clearTimeout(known.timer);
    }
    const job: Job = {
      panel: wish.panel, slot, query, text, seen: -1, endedAt: -Infinity, took: 0, busy: false, abort: new AbortController(), timer: null,
    };
    this.jobs[slot].set(wish.panel, job);
    this.board.ask(wish.panel, slot, text);
    this.now(job);
  }

  private epoch(job: Job): number {
    return this.board.live(job.panel)?.epoch ?? 0;
  }

  private later(job: Job): void {
    if (job.busy || job.timer) return;
    const wait = job.endedAt + Math.max(kLeast[job.slot], kCostTimes * job.took) - this.steady();
    job.timer = setTimeout(() => {
      job.timer = null;
      this.now(job);
    }, Math.max(0, wait));
  }

  private now(job: Job): void {
    job.busy = true;
    this.line.push(job);
    this.next();
  }

  private next(): void {
    while (this.running < kAtOnce) {
      const job = this.line.shift();
      if (!job) return;
      if (job.abort.signal.aborted) continue;
      this.running++;
      void this.run(job).finally(() => {
        this.running--;
        this.next();
      });
    }
  }

  private async run(job: Job): Promise<void> {
    const begun = this.steady();
    job.seen = this.epoch(job);
    let again = false;
    try {
      const answer = await this.ask(job.panel, job.query, job.abort.signal);
      if (!job.abort.signal.aborted) this.board.answered(job.panel, job.slot, job.text, answer);
    } catch (error) {
      if (job.abort.signal.aborted) return;
      again = true;
      this.board.refused(job.panel, job.slot, job.text, this.failureOf(error));
    } finally {
      job.busy = false;
      job.endedAt = this.steady();
      job.took = job.endedAt - begun;
    }
    if (again || job.seen !== this.epoch(job)) if (!job.abort.signal.aborted) this.later(job);
  }
}
