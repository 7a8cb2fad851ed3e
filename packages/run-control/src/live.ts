import { METRIC_NAMES, type Metric, type TrialRow } from '@cryfold/evaluation';
import type { SweepPicture } from '@cryfold/hyperparameter-search';
import type { FoldFailure, RunPlan, SearchSpec } from '@cryfold/plan';
import { z } from 'zod';
import { foldDetailSchema } from './fold-detail.js';
import { runFactsSchema } from './run-facts.js';
import type { ClusterStatus, RunStatus } from './status.js';

/** Data that a server sends to the live page. Server and page share these types, so that they always agree. */

export const sessionSchema = z.object({
  /** Role of the client; null if not logged in */
  role: z.enum(['read', 'operate']).nullable(),
  /** Whether the server requires no token */
  open: z.boolean(),
});
export type Session = z.infer<typeof sessionSchema>;

/** A fold with the worker that is training it. `since` is in milliseconds since 1970 by the worker's clock */
export const watchedFoldSchema = foldDetailSchema.extend({
  training: z.object({ host: z.string(), pid: z.int(), since: z.number(), fraction: z.number() }).nullable(),
});
export type WatchedFold = z.infer<typeof watchedFoldSchema>;

/** Queues, workers and runs. Updates only contain runs that changed. */
export interface ClusterView extends Pick<ClusterStatus, 'queues' | 'workers'> {
  runs: RunStatus[];
}

/** Waiting, training, done, failed. States are encoded as numbers, because a grid may have ten thousand cells. */
export type CellPhase = 0 | 1 | 2 | 3;

/** The state of a fold, its training progress, the run's metric on its test clips, and its duration in seconds. */
export type Cell = [phase: CellPhase, fraction: number, value: number | null, seconds: number | null];

/** Why a fold failed. */
export type Reason = Pick<FoldFailure['error'], 'code' | 'message' | 'hint'>;

/** The reason for a failure, with the indices of all cells that failed for this reason. */
export type Failure = Reason & { cells: number[] };

/** The part of a run's status that changes while its grid is shown. */
export type GridStatus = Pick<
  RunStatus,
  'run' | 'name' | 'state' | 'total' | 'done' | 'failed' | 'etaSeconds' | 'scheduling' | 'givenBack'
>;

/** What the page needs to label, format and rank a metric. */
export type Figure = Pick<Metric, 'title' | 'sign' | 'share'>;

/** The trials of a sweep. */
export interface GridSearch {
  metric: SearchSpec['metric'];
  figure: Figure;
  /** Whether trials differ in their number of epochs, in which case each row shows the number */
  byEpochs: boolean;
  /** `bases` are the estimators whose parameters are searched, and `fixed` are all others */
  bases: string[];
  fixed: string[];
  trials: TrialRow[];
  /** What the charts show, by estimator */
  pictures: SweepPicture[];
}

/** A fusion of the spec. Its scores are unknown until the run has ended. */
export interface GridFusion {
  name: string;
  rule: string;
  members: string[];
}

/** The part of a finished run's results that the page shows. */
export interface GridOutcome {
  /** The verdict of the report, one sentence per entry */
  verdict: string[];
  warnings: string[];
  /** Each fusion with the mean of the run's metric over its folds */
  fusions: { name: string; mean: number | null; folds: number }[];
}

/** A version of a final model, for the list of the live page. */
const listedVersionSchema = z.object({
  name: z.string(),
  version: z.string(),
  champion: z.boolean(),
  created: z.string(),
  dataset: z.string(),
  clips: z.int(),
  /** The estimator or fusion that was refitted, with a caveat if there is one */
  of: z.string(),
  /**
   * Protocol of the run that the version comes from, in the same form as in lists of runs; null if the model card
   * contains no evaluation
   */
  protocol: runFactsSchema.shape.protocol.unwrap().nullable(),
  /** Main score of the run that the version comes from */
  score: z.object({ metric: z.enum(METRIC_NAMES), mean: z.number(), inflated: z.boolean() }).nullable(),
  /** Version of cryfold that trained the model */
  cryfold: z.string(),
});
export type ListedVersion = z.infer<typeof listedVersionSchema>;

export const listedModelsSchema = z.object({
  versions: z.array(listedVersionSchema),
  /** Unreadable records, each with the name of its model */
  damaged: z.array(z.object({ name: z.string(), code: z.string(), message: z.string(), hint: z.string().optional() })),
});
export type ListedModels = z.infer<typeof listedModelsSchema>;

/** The folds of a run as cells, in the order of the plan's jobs. */
export interface FoldGrid {
  dataset: Pick<RunPlan['dataset'], 'name' | 'clips' | 'classes'>;
  protocol: RunPlan['spec']['protocol'];
  /** `title` is the name with any caveat, such as one about random weights */
  trials: { name: string; title: string; parameters: RunPlan['spec']['estimators'][string] }[];
  /** Trial, repeat, fold and shuffle of each cell */
  places: [trial: number, repeat: number, fold: number, shuffle: number | null][];
  cells: Cell[];
  /** Metric that the cells show */
  figure: Figure;
  failures: Failure[];
}

export interface Grid extends FoldGrid {
  status: GridStatus;
  /** Warning about the scores, if there is one */
  warning: string | null;
  /** Null if the run is not a sweep */
  search: GridSearch | null;
  fusions: GridFusion[];
  /** Null until the run has ended */
  outcome: GridOutcome | null;
}

export interface GridChange {
  status: GridStatus;
  cells: [index: number, ...cell: Cell][];
  /** All failures, if any have changed */
  failures?: Failure[];
  /** Changed trials of a sweep, and updated charts of their estimators */
  search?: TrialRow[];
  pictures?: SweepPicture[];
  /** The outcome, if it has changed */
  outcome?: GridOutcome | null;
}
