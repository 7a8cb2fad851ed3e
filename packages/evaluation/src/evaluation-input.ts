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

/** Per split, in the splits' order: row-major probabilities, test clips x classes, or null where the fold is missing. */
export type FoldProbabilities = readonly (Float64Array | null)[];

/** A split of an outer fold's training clips. */
export interface InnerSplit extends Split {
  /** Index of the outer fold into the splits */
  outer: number;
}

export interface EvaluationInput {
  classes: readonly string[];
  clips: readonly EvaluatedClip[];
  splits: readonly Split[];
  /** How the clips' groups are known; absent where nobody stated it */
  groupSource?: GroupSource | undefined;
  /** Whether the data names the folds */
  predefined?: boolean;
  /** As in the spec; tables show models in this order. */
  estimators: Readonly<Record<string, { kind: string }>>;
  fusion: Readonly<Record<string, { rule: FusionRule; members: readonly string[]; nested?: boolean }>>;
  probabilities: ReadonlyMap<string, FoldProbabilities>;
  /** One-vs-rest decision values of the estimators that predict by them; in the same form, and -Infinity is allowed. */
  decisions?: ReadonlyMap<string, FoldProbabilities>;
  /** What models are compared by; accuracy by default */
  metric?: MetricName;
  /** What members of nested fusions predicted inside the outer folds, in the order of these splits */
  inner?: { splits: readonly InnerSplit[]; probabilities: ReadonlyMap<string, FoldProbabilities> };
  /** Folds of estimators that were trained on shuffled labels. */
  shuffled?: readonly ShuffledFold[];
  /** Why folds are missing, where that is known. */
  failures?: readonly { model: string; repeat: number; fold: number; code: string; message: string }[];
}

/** A fold of an estimator that was trained on shuffled labels, and is tested on the true ones. */
export interface ShuffledFold {
  model: string;
  shuffle: number;
  /** Index into the splits. */
  split: number;
  /** Test clips x classes; absent where the fold is missing */
  probabilities?: Float64Array;
  /** What it predicts by, in the same form */
  scores?: Float64Array;
}
