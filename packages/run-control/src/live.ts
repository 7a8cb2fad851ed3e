import type { Metric, TrialRow } from '@cryfold/evaluation';
import type { FoldFailure, RunPlan, SearchSpec } from '@cryfold/plan';
import { z } from 'zod';
import { foldDetailSchema } from './fold-detail.js';
import type { ClusterStatus, RunStatus } from './status.js';

/**
 * What a server sends to the live page. The server and the page take these types from here, so that a change that only
 * one of them follows does not compile.
 */

export const sessionSchema = z.object({
  /** What the asker may do; null: nothing before a login */
  role: z.enum(['read', 'operate']).nullable(),
  /** Whether no token is asked for */
  open: z.boolean(),
});
export type Session = z.infer<typeof sessionSchema>;

/** A fold with the worker that trains it now; `since` in milliseconds since 1970 by the worker's clock */
export const watchedFoldSchema = foldDetailSchema.extend({
  training: z.object({ host: z.string(), pid: z.int(), since: z.number(), fraction: z.number() }).nullable(),
});
export type WatchedFold = z.infer<typeof watchedFoldSchema>;

/** Queues, workers and runs; a change contains only the runs that changed. */
export interface ClusterView extends Pick<ClusterStatus, 'queues' | 'workers'> {
  runs: RunStatus[];
}

/** Waiting, training, done, failed: numbers, since a grid may have ten thousand cells. */
export type CellPhase = 0 | 1 | 2 | 3;

/** Phase, share of the fold that is trained, the run's metric on its test clips, seconds. */
export type Cell = [phase: CellPhase, fraction: number, value: number | null, seconds: number | null];

/** Why a fold failed. */
export type Reason = Pick<FoldFailure['error'], 'code' | 'message' | 'hint'>;

/** One reason, with the indices of all cells that failed for it. */
export type Failure = Reason & { cells: number[] };

/** The part of a run's status that changes while its grid is shown. */
export type GridStatus = Pick<
  RunStatus,
  'run' | 'name' | 'state' | 'total' | 'done' | 'failed' | 'etaSeconds' | 'scheduling' | 'givenBack'
>;

/** What the page needs to know of a metric to name, format and rank it. */
export type Figure = Pick<Metric, 'title' | 'sign' | 'share'>;

/** The trials of a sweep. */
export interface GridSearch {
  metric: SearchSpec['metric'];
  figure: Figure;
  /** Whether trials differ in epochs, so that each row has them */
  byEpochs: boolean;
  /** Estimators that are searched, and those that are evaluated as they are */
  bases: string[];
  fixed: string[];
  trials: TrialRow[];
}

/** The folds of a run as cells, in the order of the plan's jobs. */
export interface FoldGrid {
  dataset: Pick<RunPlan['dataset'], 'name' | 'clips' | 'classes'>;
  protocol: RunPlan['spec']['protocol'];
  /** `title` is the name with what must be known beside its figures, such as that weights are random */
  trials: { name: string; title: string; parameters: RunPlan['spec']['estimators'][string] }[];
  /** Trial, repeat, fold, shuffle of each cell */
  places: [trial: number, repeat: number, fold: number, shuffle: number | null][];
  cells: Cell[];
  /** What the cells' values are of */
  figure: Figure;
  failures: Failure[];
}

export interface Grid extends FoldGrid {
  status: GridStatus;
  /** What must be read before any figure; null where nothing is to be said */
  warning: string | null;
  /** Null for a run that is not a sweep */
  search: GridSearch | null;
}

export interface GridChange {
  status: GridStatus;
  cells: [index: number, ...cell: Cell][];
  /** All failures, if they changed */
  failures?: Failure[];
  /** The rows of a sweep's trials that changed */
  search?: TrialRow[];
}
