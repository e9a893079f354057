// What the server says, word for word: docs/formats/live-api.md. Numbers are decimal text, instants are ms UTC.

export type State = 'filling' | 'final' | 'revised';
export type KeyPart = string | null;
export type Key = KeyPart[];

export interface Named {
  name: string;
  label: string;
  type?: string;
  additive?: boolean;  // groups may be added to a total
}

// Whatever has rows: a metric, a funnel, retention or sessions.
export interface Metric {
  name: string;
  kind?: 'windows' | 'funnel' | 'retention' | 'sessions';
  question: string;
  dimensions: Named[];
  measures: Named[];
  window: {kind: string; size_ms: number; step_ms: number; unit?: string; zone?: string};
  allowed_lateness_ms: number;
  progress: {done: number; total: number} | null;
  steps?: string[];    // of a funnel
  within_ms?: number;
  periods?: number;    // of retention
}

export interface Panel {
  id: string;
  kind: 'stat' | 'timeseries' | 'table' | 'funnel' | 'retention' | 'top' | 'band' | 'sessions';
  metric: string;
  measure?: string;
  measures?: string[];  // of a band
  by?: string[];
  columns?: string[];
  limit?: number;       // of a top
  title: string;
  over_ms: number;
}

export interface Dashboard {
  name: string;
  question: string;
  rows: Panel[][];
}

export interface DefinitionError {
  file: string;
  line: number;
  column: number;
  message: string;
  source_line: string;
}

export interface Project {
  project: string;
  version: string;
  sources: {name: string; disorder_ms: number; idle_ms: number}[];
  notes: string[];
  collect: string;
  sql: string;
  demo: boolean;
  example_event?: string | null;
  definition_error: DefinitionError | null;
  metrics: Metric[];
  dashboards: Dashboard[];
}

export interface StatData {
  value: string | null;
  state: State;
  start: number | null;  // null: no event yet
  end: number | null;
  computed_at: number;
  took_ms: number;
}

export interface Revision {
  at: number;
  old: string | null;
  new: string | null;
  cause: string;
}

export interface Point {
  s: number;
  e: number;
  v: string | null;
  state: State;
  rev?: Revision;
  removed?: boolean;
}

export interface SeriesData {
  key: Key;
  points: Point[];
  removed?: boolean;
}

export interface TimeSeriesData {
  start: number | null;
  end: number | null;
  series: SeriesData[];
  more?: number;
}

export type Top = [value: string, count: number][];  // of a topk
export type Cell = string | null | Top;

export interface TableRow {
  key: Key;
  cells: Cell[];
  state: State;
  removed?: boolean;
}

export interface TableData {
  start: number | null;
  end: number | null;
  rows: TableRow[];
  more?: number;
  computed_at?: number;
}

export interface FunnelStep {
  name: string;
  people: string;
  median_ms: string | null;  // from the first step
}

export interface FunnelGroup {
  key: Key;
  state?: State;
  steps: FunnelStep[];
}

export interface FunnelData {
  start: number | null;
  end: number | null;
  state: State;
  computed_at: number;
  took_ms: number;
  groups: FunnelGroup[];  // most people at the first step first; one with an empty key where there is no breakdown
  more?: number;
}

export interface Cohort {
  s: number;
  e: number;
  cells: ({people: string; state: State} | null)[];  // one per period, the first is the cohort's size; null: nothing known of it yet
}

export interface RetentionData {
  start: number | null;
  end: number | null;
  periods: number;
  cohorts: Cohort[];  // newest last
}

export interface TopData {
  start: number | null;
  end: number | null;
  state: State;
  rows: {key: Key; value: string | null}[];
  more?: number;
  computed_at?: number;
}

export interface Session {
  session_id: string;
  source: string;
  key: string;
  user_key: string;
  started_at: number;
  ended_at: number;
  events: string;
  duration_ms: string;
  state: State;
}

export interface SessionsData {
  start: number | null;
  end: number | null;
  rows: Session[];  // newest started first
  more?: number;
}

export interface PanelMessage {
  panel: string;
  epoch: number;
  as_of: number;
  watermark: number | null;
  data: unknown;
}

// The panel for another range or with filters, asked for by itself.
export interface PanelAnswer extends PanelMessage {
  unfiltered?: string[];  // dimensions that the definition does not have
}

// People who reached the step before and not this one.
export interface Dropped {
  step: number;
  rows: {key: string; at: number}[];  // newest entry first
  more?: number;
}

// An event as the lists of one session or one person show it.
export interface StoredEvent {
  time: number;
  received_at: number;
  event: string;
  source: string;
  user_key: string;
  message_id: string;
  place: string;
  properties: string;  // JSON text
}

export interface SessionEvents {
  session: Session | null;
  rows: StoredEvent[];
  more?: number;
}

export interface Person {
  key: string;
  first_seen: number | null;
  last_seen: number | null;
  events: string;
  rows: StoredEvent[];  // newest first
  more: boolean;
}

export interface Watermark {
  epoch: number;
  as_of: number;
  watermark: number | null;
  behind_ms: number | null;
  sources: {name: string; watermark: number | null; active: boolean}[];
}

export interface Ledger {
  received: number;
  stored: number;
  quarantined: number;
  duplicate: number;
  pending: number;
  missing: number;
  balances: boolean;
}

export interface Stage {
  name: string;
  status: string;
  lag_events: number;
  lag_seconds: number;
  why: string;
}

export interface Status {
  status: 'ready' | 'starting' | 'degraded';
  stages: Stage[];
  since: number;
  version?: string;
}

export interface Progress {
  metric: string;
  done: number;
  total: number;
  finished?: boolean;
}

export interface LiveEvent {
  time: number;
  received_at: number;
  event: string;
  source: string;
  user_key: string;
  message_id: string;
  place: string;
  verdict: string;
}

export interface QuarantineRow {
  source: string;
  received_at: number;
  reason: string;
  path: string;
  raw: string;
  raw_bytes?: number;  // where `raw` is only the beginning
  dialect: string;
  place: string;
}

export interface Quarantine {
  total: number;
  reasons: {reason: string; count: number; meaning: string}[];
  rows: QuarantineRow[];
}

export interface Explanation {
  definition: string;
  sql: string;
  view_sql: string;
  metric: string;
  version: string;
  epoch: number;
  watermark: number | null;
  file: string;
  line: number;
}

export interface VerifiedCell {
  name: string;
  shown: string | null;
  computed: string | null;
  equal: boolean;
}

export interface Verification {
  shown: string | null;
  computed: string | null;
  equal: boolean;
  epoch: number;
  took_ms: number;
  sql: string;
  compared?: number;      // of a row or a series: how many cells, and the first of them
  different?: number;
  cells?: VerifiedCell[];
}

export interface TraceCopy {
  source: string;
  place: string;
  received_at: number;
  verdict: string;
  epoch: number | null;
  event_time: number | null;
  reason: string | null;
  path: string | null;
  of: string | null;
  event?: string | null;
  user_key?: string | null;
  conflict?: boolean;  // a duplicate whose content differs from the stored one
}

export interface Trace {
  id: string;
  found: boolean;
  copies: TraceCopy[];
}

export interface SqlResult {
  columns: {name: string; type: string}[];
  rows: (string | null)[][];
  rows_read: number;
  took_ms: number;
  truncated: boolean;
}

export interface Failure {
  code: string;
  message: string;
  next: string;
}
