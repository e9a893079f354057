// Everything the page knows that moves: what the live stream said last. Live data goes from here straight into the DOM and the
// charts, once per frame where it can be seen, seldom where not; React draws what stands still around it.
//
// Threads: one tab. Bounds: kEventsMax events, kQuarantineMax rejects, kPanelsMax panels, kProgressMax metrics,
// kNotesMax notes.

import type {
  DefinitionError, Failure, Ledger, LiveEvent, Panel, PanelAnswer, PanelMessage, Progress, Quarantine, QuarantineRow, Status, Watermark,
} from './contract';
import {changed, type PanelData} from './panel-data';
import type {Message} from './sse';

export const kEventsMax = 200;
export const kQuarantineMax = 200;
export const kPanelsMax = 256;
export const kProgressMax = 256;
export const kNotesMax = 16;
export const kUnseenMs = 4_000;      // what is out of sight is painted at most this often,
export const kUnseenPerFrame = 4;   // and only so much of it in one frame,
const kUnseenSoonMs = 100;          // the rest soon after

export type Connection = 'connecting' | 'live' | 'reconnecting';
export type Topic =
  | `panel:${string}` | 'watermark' | 'ledger' | 'status' | 'connection' | 'progress' | 'definition' | 'events' | 'quarantine' | 'notes';

export interface PanelState {
  kind: Panel['kind'];
  about: string;      // the panel as it was defined
  data: PanelData | null;
  answered: boolean;  // a snapshot came, perhaps without data
  epoch: number;
  asOf: number | null;
  watermark: number | null;
}

// What was asked about a panel apart from the live stream: it stands in for the live numbers, or beside them as the period before.
export interface View {
  query: string;             // what was asked
  state: PanelState | null;  // until the first answer what was shown before
  waiting: boolean;          // for that first answer
  failure: Failure | null;
  unfiltered: string[];
}

export type Slot = 'current' | 'previous';

export interface QuarantineState {
  loaded: boolean;
  total: number;
  reasons: {reason: string; count: number; meaning: string}[];
  rows: QuarantineRow[];  // newest first
  stale: boolean;         // the stream left rejects out: ask again
}

export interface Painter {
  topics: readonly Topic[];
  visible: boolean;
  paint: () => void;
  paintedAt?: number;  // by flush, ms of a steady clock
}

type NextFrame = (callback: () => void) => void;

export class Board {
  connection: Connection = 'connecting';
  refusal = '';
  watermark: Watermark | null = null;
  ledger: Ledger | null = null;
  status: Status | null = null;
  definitionError: DefinitionError | null = null;
  notes: readonly string[] = [];
  progress = new Map<string, Progress>();
  events: LiveEvent[] = [];
  moreEvents = 0;  // received since the page opened and not listed
  quarantine: QuarantineState = {loaded: false, total: 0, reasons: [], rows: [], stale: false};

  private panels = new Map<string, PanelState>();
  private views: Record<Slot, Map<string, View>> = {current: new Map(), previous: new Map()};
  private painters = new Set<Painter>();
  private waiting = new Set<Painter>();  // out of sight, and something changed meanwhile
  private dirty = new Set<Topic>();
  private scheduled = false;
  private later: ReturnType<typeof setTimeout> | null = null;

  // Tests hand in their own frames and clock.
  constructor(
    private readonly nextFrame: NextFrame = (callback) => void requestAnimationFrame(callback),
    private readonly steady: () => number = () => performance.now(),
  ) {}

  // What is shown: the live numbers, or what was asked instead of them.
  panel(id: string): PanelState | null {
    const view = this.views.current.get(id);
    return view ? view.state : this.live(id);
  }

  // The panel as it is defined, from the stream.
  live(id: string): PanelState | null {
    return this.panels.get(id) ?? null;
  }

  view(id: string, slot: Slot): View | null {
    return this.views[slot].get(id) ?? null;
  }

  // `null`: back to the live numbers, or no comparison.
  ask(id: string, slot: Slot, query: string | null): void {
    const known = this.view(id, slot);
    if (!this.panels.has(id) || (known?.query ?? null) === query) return;
    if (query === null) this.views[slot].delete(id);
    else this.views[slot].set(id, {query, state: slot === 'current' ? this.panel(id) : null, waiting: true, failure: null, unfiltered: []});
    this.touch(`panel:${id}`);
  }

  answered(id: string, slot: Slot, query: string, answer: PanelAnswer): void {
    const view = this.view(id, slot);
    const live = this.live(id);
    if (!live || view?.query !== query) return;  // asked before the last change
    const data = changed(live.kind, null, answer.data);
    view.state = {...live, data, answered: true, epoch: answer.epoch, asOf: answer.as_of, watermark: answer.watermark};
    view.waiting = false;
    view.failure = null;
    view.unfiltered = answer.unfiltered ?? [];
    this.touch(`panel:${id}`);
  }

  // What is shown stays.
  refused(id: string, slot: Slot, query: string, failure: Failure): void {
    const view = this.view(id, slot);
    if (view?.query !== query) return;
    view.failure = failure;
    this.touch(`panel:${id}`);
  }

  // The newest instant any number on the page is as of.
  asOf(): number | null {
    return this.watermark?.as_of ?? null;
  }

  // What "now" means for words like "today": the server's clock as far as it is known.
  near(): number {
    return this.watermark?.as_of ?? Date.now();
  }

  // The panels on screen; numbers of other dashboards, and of panels that were defined anew, are forgotten.
  show(panels: Panel[]): void {
    const next = new Map<string, PanelState>();
    for (const panel of panels.slice(0, kPanelsMax)) {
      const about = JSON.stringify(panel);
      const known = this.panels.get(panel.id);
      next.set(panel.id, known?.about === about ? known : {
        kind: panel.kind, about, data: null, answered: false, epoch: 0, asOf: null, watermark: null,
      });
    }
    for (const views of Object.values(this.views)) {
      for (const id of views.keys()) if (next.get(id) !== this.panels.get(id)) views.delete(id);
    }
    this.panels = next;
  }

  add(painter: Painter): () => void {
    this.painters.add(painter);
    return () => {
      this.painters.delete(painter);
      this.waiting.delete(painter);
    };
  }

  // A painter that comes into sight paints what it missed.
  see(painter: Painter, visible: boolean): void {
    painter.visible = visible;
    if (visible && this.waiting.has(painter)) this.run(painter, this.steady());
  }

  // `why`: the server's own words when it refused the stream.
  connected(connection: Connection, why = ''): void {
    if (connection === this.connection && why === this.refusal) return;
    this.connection = connection;
    this.refusal = why;
    this.touch('connection');
  }

  defined(error: DefinitionError | null): void {
    this.definitionError = error;
    this.touch('definition');
  }

  noted(notes: readonly string[]): void {
    this.notes = notes.slice(0, kNotesMax);
    this.touch('notes');
  }

  progressed(progress: Progress): void {
    if (progress.finished) this.progress.delete(progress.metric);
    else if (this.progress.has(progress.metric) || this.progress.size < kProgressMax) this.progress.set(progress.metric, progress);
    this.touch('progress');
  }

  // What `/api/quarantine` answered. Rows that the stream brought meanwhile stay on top.
  quarantineLoaded(answer: Quarantine): void {
    const listed = new Set(answer.rows.map((row) => row.place));
    const newest = answer.rows[0]?.received_at ?? 0;
    const rows = this.quarantine.rows.filter((row) => row.received_at >= newest && !listed.has(row.place));
    this.quarantine = {
      loaded: true, total: answer.total, reasons: answer.reasons, stale: false,
      rows: [...rows, ...answer.rows].slice(0, kQuarantineMax),
    };
    this.touch('quarantine');
  }

  apply(message: Message): void {
    const data: unknown = JSON.parse(message.data);
    switch (message.event) {
      case 'snapshot': return this.applyPanel(data as PanelMessage, true);
      case 'patch': return this.applyPanel(data as PanelMessage, false);
      case 'watermark': this.watermark = data as Watermark; return this.touch('watermark');
      case 'ledger': this.ledger = data as Ledger; return this.touch('ledger');
      case 'status': this.status = data as Status; return this.touch('status');
      case 'progress': return this.progressed(data as Progress);
      case 'notes': return this.noted((data as {notes: string[]}).notes);
      case 'definition_error': return this.defined(data as DefinitionError | null);
      case 'events': return this.applyEvents(data as {rows: LiveEvent[]; more: number});
      case 'quarantine': return this.applyQuarantine(data as {rows: QuarantineRow[]; more: number});
      default: return;  // a newer server may say more
    }
  }

  private applyPanel(message: PanelMessage, fresh: boolean): void {
    const panel = this.panels.get(message.panel);
    if (!panel) return;  // said before the last change of page
    // The program has just started and did not compute it yet: what is shown stays, with its own instant.
    if (message.data === null && panel.data !== null) return;
    panel.data = changed(panel.kind, fresh ? null : panel.data, message.data);
    panel.answered = true;
    panel.epoch = message.epoch;
    panel.asOf = message.as_of;
    panel.watermark = message.watermark;
    this.touch(`panel:${message.panel}`);
  }

  private applyEvents(data: {rows: LiveEvent[]; more: number}): void {
    const known = new Set(this.events.map((event) => `${event.place} ${event.message_id}`));  // told again at the beginning of a stream
    const newest = data.rows.filter((event) => !known.has(`${event.place} ${event.message_id}`)).sort((a, b) => b.received_at - a.received_at);
    this.events = [...newest, ...this.events].slice(0, kEventsMax);
    this.moreEvents += data.more;
    this.touch('events');
  }

  private applyQuarantine(data: {rows: QuarantineRow[]; more: number}): void {
    const known = new Set(this.quarantine.rows.map((row) => row.place));
    const rows = data.rows.filter((row) => !known.has(row.place)).sort((a, b) => b.received_at - a.received_at);
    const reasons = this.quarantine.reasons.map((one) => ({...one}));
    for (const row of rows) {
      const reason = reasons.find((one) => one.reason === row.reason);
      if (reason) reason.count++;
      else reasons.push({reason: row.reason, count: 1, meaning: ''});
    }
    this.quarantine = {
      ...this.quarantine, reasons,
      total: this.quarantine.total + rows.length + data.more,
      rows: [...rows, ...this.quarantine.rows].slice(0, kQuarantineMax),
      stale: this.quarantine.stale || data.more > 0 || reasons.some((one) => one.meaning === ''),
    };
    this.touch('quarantine');
  }

  private run(painter: Painter, now: number): void {
    this.waiting.delete(painter);
    painter.paintedAt = now;
    try {
      painter.paint();
    } catch (error) {
      reportError(error);  // the others go on
    }
  }

  private touch(topic: Topic): void {
    this.dirty.add(topic);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.nextFrame(() => this.flush());
  }

  private flush(): void {
    this.scheduled = false;
    const dirty = this.dirty;
    this.dirty = new Set();
    const now = this.steady();
    for (const painter of this.painters) {
      if (!painter.topics.some((topic) => dirty.has(topic))) continue;
      if (painter.visible || painter.paintedAt === undefined) this.run(painter, now);
      else this.waiting.add(painter);
    }
    let unseen = 0;
    let soon = false;
    for (const painter of this.waiting) {
      if (now - painter.paintedAt! < kUnseenMs) continue;
      soon = unseen === kUnseenPerFrame;
      if (soon) break;
      this.run(painter, now);
      unseen++;
    }
    // Nothing more may come for long: what is out of sight is not forgotten.
    if (this.waiting.size > 0 && !this.later) {
      this.later = setTimeout(() => {
        this.later = null;
        this.schedule();
      }, soon ? kUnseenSoonMs : kUnseenMs);
    }
  }
}
