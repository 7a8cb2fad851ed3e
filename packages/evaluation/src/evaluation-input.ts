import type { GroupSource } from '@cryfold/core';
import type { FusionRule } from './fusion.js';
import type { MetricName } from './metric.js';
import type { Split } from './split.js';

export interface EvaluatedClip {
  id: string;
  group: string;
  /** Index into `classes`. */
  label: number;
}

/** For each split, in order: row-major probabilities, test clips x classes, or null if the fold is missing. */
export type FoldProbabilities = readonly (Float64Array | null)[];

/** An inner split of an outer fold's training clips. */
export interface InnerSplit extends Split {
  /** Index of the outer fold in the list of splits */
  outer: number;
}

export interface EvaluationInput {
  classes: readonly string[];
  clips: readonly EvaluatedClip[];
  splits: readonly Split[];
  /** How the clips' groups were determined; absent if not recorded */
  groupSource?: GroupSource | undefined;
  /** Whether the data assigns clips to folds */
  predefined?: boolean;
  /** The estimators of the spec, in the order in which tables show them. */
  estimators: Readonly<Record<string, { kind: string }>>;
  fusion: Readonly<Record<string, { rule: FusionRule; members: readonly string[]; nested?: boolean }>>;
  probabilities: ReadonlyMap<string, FoldProbabilities>;
  /**
   * One-vs-rest decision values of the estimators that choose classes by decision value, in the same form as the
   * probabilities; -Infinity is allowed.
   */
  decisions?: ReadonlyMap<string, FoldProbabilities>;
  /** The metric by which models are compared; accuracy by default */
  metric?: MetricName;
  /** Predictions that the members of nested fusions made within the outer folds, in the order of the inner splits */
  inner?: { splits: readonly InnerSplit[]; probabilities: ReadonlyMap<string, FoldProbabilities> };
  /** Folds of estimators that were trained on shuffled labels. */
  shuffled?: readonly ShuffledFold[];
  /** Why folds are missing, if the reason is known. */
  failures?: readonly { model: string; repeat: number; fold: number; code: string; message: string }[];
}

/** A fold of an estimator that was trained on shuffled labels and tested on the true ones. */
export interface ShuffledFold {
  model: string;
  shuffle: number;
  /** Index in the list of splits */
  split: number;
  /** Test clips x classes; absent if the fold is missing */
  probabilities?: Float64Array;
  /** The values by which the predicted class is chosen, in the same form as `probabilities` */
  scores?: Float64Array;
}
