import type { MetricName, TrialRow } from '@cryfold/evaluation';
import type { Scheduling, TrialState } from '@cryfold/plan';

/** What one trial has behind and before it. */
export interface TrialProgress {
  total: number;
  done: number;
  failed: number;
}

/** How far a run is that a coordinator drives: its folds are trained, or its results are put together. */
export type RunPhase = 'folds' | 'aggregate';

/** Published on the run's job, for whoever watches. */
export interface RunProgress {
  run: string;
  total: number;
  done: number;
  failed: number;
  /** Fold results that were in the store before this run began */
  found: number;
  trials: Record<string, TrialProgress>;
  active: { trial: string; repeat: number; fold: number; fraction: number }[];
  /** Unfinished work that stopping workers gave back; without repeat and fold, what all folds of a trial need */
  givenBack: { trial: string; repeat?: number; fold?: number; times: number }[];
  /** Seconds to the end, or null while too little is known */
  etaSeconds: number | null;
  phase: RunPhase;
  /** How it shares the workers; in what is published */
  scheduling?: Scheduling;
  /** Why something is not done yet but tried again, such as a full disk */
  waits?: string;
  /** Of a sweep */
  search?: SearchProgress;
}

/** For whoever watches: how many trials are in each state, and the best one so far. */
export interface SearchProgress {
  states: Record<TrialState, number>;
  /** What trials are compared by; absent where a coordinator of an earlier version drives the run */
  metric?: MetricName;
  /** The best of those with the most epochs and folds: its mean of the metric over its folds */
  best: ({ trial: string; mean: number; folds: number } & Pick<TrialRow, 'epochs'>) | null;
}
