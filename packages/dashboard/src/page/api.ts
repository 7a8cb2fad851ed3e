/** What the page reads of the API's answers: docs/api.md, packages/server. */
export interface RunSummary {
  run: string;
  name: string;
  state: string;
  total: number;
  done: number;
  failed: number;
  etaSeconds: number | null;
}

export interface Worker {
  id: string;
  host: string;
  pid: number;
  queues: string[];
  doing: { run: string; trial: string; repeat?: number; fold?: number; fraction: number; since: number }[];
}

export interface Cluster {
  queues: Record<string, Record<string, number>> | null;
  workers: Worker[];
  runs: RunSummary[];
}

/** State, share of the fold behind it, accuracy, seconds. */
export type Cell = [state: number, fraction: number, accuracy: number | null, seconds: number | null];

/** A trial of a sweep: packages/evaluation, results.ts. */
export interface TrialRow {
  trial: string;
  base: string;
  state: 'RUNNING' | 'COMPLETE' | 'PRUNED' | 'FAILED';
  reason: string;
  parameters: Record<string, unknown>;
  folds: number;
  planned: number;
  mean: number | null;
  low: number | null;
  high: number | null;
}

export interface Search {
  metric: string;
  /** Estimators that are searched, and those that are evaluated as they are */
  bases: string[];
  fixed: string[];
  trials: TrialRow[];
}

export interface Grid {
  status: RunSummary;
  dataset: { name: string; clips: number; classes: string[] };
  protocol: { splitter: string; folds: number; repeats: number };
  trials: { name: string; parameters: Record<string, unknown> }[];
  /** Null for a run that is no sweep */
  search: Search | null;
  /** Trial, repeat, fold, shuffle of each cell */
  places: [trial: number, repeat: number, fold: number, shuffle: number | null][];
  cells: Cell[];
}

export interface GridChange {
  status: RunSummary;
  cells: [index: number, ...cell: Cell][];
  /** Trials of a sweep that are not as they were */
  search?: TrialRow[];
}

export interface FoldDetail {
  trial: string;
  repeat: number;
  fold: number;
  key: string;
  committed: { attempt: string; host: string; seconds: number; curve: Epoch[]; log?: string } | null;
  failed: { attempt: string; log: string }[];
  accuracy: number | null;
  confusion: { classes: string[]; counts: number[][] } | null;
  failure: { code: string; message: string; hint?: string } | null;
  environment: Record<string, string>;
  started: string | null;
  artifacts: string[];
}

export interface Epoch {
  epoch: number;
  loss: number;
  accuracy: number;
  testLoss: number;
  testAccuracy: number;
}

export interface Session {
  role: 'read' | 'operate' | null;
  open: boolean;
}

const BASE = '/api/v1';

/** Asks the API; what it says went wrong is the error's message. */
export async function ask<T>(path: string, method = 'GET', body?: unknown): Promise<T> {
  const init: RequestInit = { method };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { 'content-type': 'application/json' };
  }
  const response = await fetch(BASE + path, init);
  const answer = await response.json().catch(() => undefined);
  if (response.ok) return answer as T;
  const { code, message, hint } = answer?.error ?? { code: String(response.status), message: 'no coded answer' };
  throw new Error(`${code}: ${message}${hint ? ` ${hint}` : ''}`);
}

/**
 * Hears a stream of events until ended. The browser comes back by itself after a disconnect, and tells the last event's
 * id, so that the server sends what was missed.
 */
export function listen<S, C>(
  path: string,
  heard: { snapshot: (state: S) => void; change: (change: C) => void; connected: (is: boolean) => void },
): () => void {
  const source = new EventSource(BASE + path);
  source.addEventListener('open', () => heard.connected(true));
  source.addEventListener('error', () => heard.connected(false));
  source.addEventListener('snapshot', ({ data }) => heard.snapshot(JSON.parse(data)));
  source.addEventListener('change', ({ data }) => heard.change(JSON.parse(data)));
  return () => source.close();
}
