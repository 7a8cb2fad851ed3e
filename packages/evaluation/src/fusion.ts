import { applyLogistic, fitLogistic } from './logistic.js';
import { argmaxRows } from './metrics.js';

/**
 * How the probabilities of members are combined. `weighted` and `stacked` are fitted on predictions of the outer fold's
 * training clips; the other rules need no fitting.
 */
export const FUSION_RULES = ['mean', 'geometric', 'majority', 'weighted', 'stacked'] as const;
export type FusionRule = (typeof FUSION_RULES)[number];

export function isFitted(rule: FusionRule): boolean {
  return rule === 'weighted' || rule === 'stacked';
}

/**
 * Out-of-fold probabilities of the members for the clips that a fitted rule learns from, row-major, and the labels of
 * these clips.
 */
export interface FusionTraining {
  members: readonly Float64Array[];
  labels: ArrayLike<number>;
}

/**
 * Computes the paper's fusion: the element-wise mean of probability matrices of equal length (row-major, clips x
 * classes). Sums are computed in the given order, like `numpy.mean(matrices, axis=0)`, so with two members the result
 * is bit-identical to numpy's.
 */
export function fuseMean(matrices: readonly Float64Array[]): Float64Array {
  const fused = new Float64Array(matrices[0].length);
  for (const matrix of matrices) for (let i = 0; i < fused.length; i++) fused[i] += matrix[i];
  return fused.map((total) => total / matrices.length);
}

/**
 * Computes the geometric mean, normalised by row. A probability of 0 is replaced by 2^-52, so that no single member can
 * veto a class.
 */
function fuseGeometric(matrices: readonly Float64Array[], classes: number): Float64Array {
  const fused = fuseMean(matrices.map((matrix) => matrix.map((p) => Math.log(Math.max(p, Number.EPSILON))))).map(
    Math.exp,
  );
  for (let start = 0; start < fused.length; start += classes) {
    const row = fused.subarray(start, start + classes);
    const total = row.reduce((sum, p) => sum + p, 0);
    row.forEach((p, c) => {
      row[c] = p / total;
    });
  }
  return fused;
}

/**
 * Computes the share of members that predict each class. If several classes are equally probable for a member, the
 * first one gets its vote, and if several classes get equal shares, the first one wins.
 */
function fuseMajority(matrices: readonly Float64Array[], classes: number): Float64Array {
  const fused = new Float64Array(matrices[0].length);
  for (const matrix of matrices) {
    argmaxRows(matrix, classes).forEach((winner, row) => {
      fused[row * classes + winner] += 1 / matrices.length;
    });
  }
  return fused;
}

/**
 * Finds the non-negative weights of the members, with sum 1, that minimise the log-loss of the weighted mean of their
 * probabilities. The problem is convex and is solved by expectation maximisation for mixture proportions (Dempster,
 * Laird, Rubin 1977).
 */
export function fitWeights({ members, labels }: FusionTraining, classes: number): Float64Array {
  const given = members.map((matrix) =>
    Float64Array.from(labels, (label, i) => Math.max(matrix[i * classes + label], Number.EPSILON)),
  );
  let weights = new Float64Array(members.length).fill(1 / members.length);
  for (let iteration = 0; iteration < 2000; iteration++) {
    const next = new Float64Array(members.length);
    for (let i = 0; i < labels.length; i++) {
      let total = 0;
      for (let m = 0; m < weights.length; m++) total += weights[m] * given[m][i];
      for (let m = 0; m < weights.length; m++) next[m] += (weights[m] * given[m][i]) / (total * labels.length);
    }
    const moved = next.some((weight, m) => Math.abs(weight - weights[m]) > 1e-10);
    weights = next;
    if (!moved) break;
  }
  return weights;
}

/**
 * Places the probabilities of all members side by side, as the features of a stacked fusion: rows x (members x
 * classes).
 */
function sideBySide(matrices: readonly Float64Array[], classes: number): Float64Array {
  const columns = matrices.length * classes;
  const out = new Float64Array(matrices[0].length * matrices.length);
  matrices.forEach((matrix, m) => {
    for (let i = 0; i < matrix.length; i++) {
      out[Math.floor(i / classes) * columns + m * classes + (i % classes)] = matrix[i];
    }
  });
  return out;
}

/** A fitted fusion. It is a plain object, because it is stored in a model file. */
export interface FittedFusion {
  rule: FusionRule;
  /**
   * For `weighted`, one weight per member. For `stacked`, the weights of the logistic regression: classes x (members x
   * classes + 1), with the intercept last. Absent for rules that are not fitted.
   */
  weights?: number[];
}

/** @param training data for `weighted` and `stacked` */
export function fitFusion(rule: FusionRule, classes: number, training?: FusionTraining): FittedFusion {
  if (!isFitted(rule)) return { rule };
  if (!training) throw new TypeError(`the fusion rule ${rule} needs predictions to learn from`);
  if (rule === 'weighted') return { rule, weights: [...fitWeights(training, classes)] };
  const model = fitLogistic(sideBySide(training.members, classes), training.labels, classes);
  return { rule, weights: [...model.weights] };
}

/** @param matrices members' probabilities, each row-major, clips x classes */
export function applyFusion(
  { rule, weights = [] }: FittedFusion,
  matrices: readonly Float64Array[],
  classes: number,
): Float64Array {
  switch (rule) {
    case 'mean':
      return fuseMean(matrices);
    case 'geometric':
      return fuseGeometric(matrices, classes);
    case 'majority':
      return fuseMajority(matrices, classes);
    case 'weighted':
      return matrices[0].map((_, i) => matrices.reduce((sum, matrix, m) => sum + weights[m] * matrix[i], 0));
    case 'stacked':
      return applyLogistic({ classes, weights: Float64Array.from(weights) }, sideBySide(matrices, classes));
  }
}

/**
 * Fuses the predictions of one fold.
 * @param matrices members' probabilities of the test clips, row-major, clips x classes
 * @param training data for `weighted` and `stacked`, which must not contain clips of the test fold; `stacked` equals
 * scikit-learn's `StackingClassifier(final_estimator=LogisticRegression())`
 * @returns row-major, clips x classes, rows summing to 1
 */
export function fuse(
  rule: FusionRule,
  matrices: readonly Float64Array[],
  classes: number,
  training?: FusionTraining,
): Float64Array {
  return applyFusion(fitFusion(rule, classes, training), matrices, classes);
}
