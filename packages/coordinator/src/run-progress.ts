import type { MetricName, TrialRow } from '@cryfold/evaluation';
import type { Scheduling, TrialState } from '@cryfold/plan';

/** Progress of one trial. */
export interface TrialProgress {
  total: number;
  done: number;
  failed: number;
}

/** Phase of a run: training folds or aggregating results. */
export type RunPhase = 'folds' | 'aggregate';

/** Progress of a run, published on its job. */
export interface RunProgress {
  run: string;
  total: number;
  done: number;
  failed: number;
  /** Results of folds that were already in the store when this run began */
  found: number;
  trials: Record<string, TrialProgress>;
  active: { trial: string; repeat: number; fold: number; fraction: number }[];
  /**
   * Unfinished work that workers returned when they stopped; an entry without repeat and fold is a prerequisite of a
   * trial
   */
  givenBack: { trial: string; repeat?: number; fold?: number; times: number }[];
  /** Estimated seconds until the end; null while unknown */
  etaSeconds: number | null;
  phase: RunPhase;
  /** How the run shares the workers; only in published progress */
  scheduling?: Scheduling;
  /** The reason why an operation is being retried, such as a full disk */
  waits?: string;
  /** Only for sweeps */
  search?: SearchProgress;
}

/** Number of trials in each state, and the best trial so far. */
export interface SearchProgress {
  states: Record<TrialState, number>;
  /** Metric of the search; absent if a coordinator of an earlier version executes the run */
  metric?: MetricName;
  /** Of the trials with the most epochs and folds, the one with the best mean of the metric over its folds */
  best: ({ trial: string; mean: number; folds: number } & Pick<TrialRow, 'epochs'>) | null;
}
