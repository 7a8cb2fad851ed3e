import { CryfoldError } from '@cryfold/core';
import { MAX_RUNS, type SolverSpace, TAU } from './solver-space.js';

/**
 * A two-class C-SVM in its dual form: minimise 1/2 a'Qa - sum(a), Q = yy'K, subject to y'a = 0, 0 <= a <= upper, over
 * the rows of the space's kernel whose sign is not 0.
 */
export interface BinaryProblem {
  space: SolverSpace;
  /** n: +1, -1, or 0 for excluded rows */
  signs: Int8Array;
  /** Upper bounds of alpha for all n rows: C times the class weight */
  upper: Float64Array;
  /**
   * The solver stops when the largest violation of the optimality conditions is below this; LIBSVM's `eps`, which is
   * 1e-3 there.
   */
  tolerance: number;
  /** Feasible dual variables of all n rows to start from, such as the solution for a smaller C; default: zeros */
  start?: Float64Array;
  /** Default: LIBSVM's max(10^7, 100 n) */
  maxIterations?: number;
}

export interface BinarySolution {
  /** Dual variables of all n rows, 0 for excluded rows */
  alpha: Float64Array;
  /** The decision of a row is sum(alpha * sign * kernel) + bias. */
  bias: number;
  iterations: number;
  /** The dual objective, at most 0 */
  objective: number;
}

/** Minimum length of ranges of excluded rows that are skipped. Skipping shorter ones would cost more than it saves. */
const SHORTEST_GAP = 32;

/**
 * Sequential minimal optimisation with second-order working-set selection. Source: Fan, Chen, Lin, "Working set
 * selection using second order information for training SVM", JMLR 6 (2005), algorithm 2. Ties go to the last index, as
 * in LIBSVM. The state is f = sign * gradient, so that updates need no signs. There is no shrinking, because the passes
 * need contiguous rows and are already faster than LIBSVM (scripts/bench svm).
 * @throws CryfoldError SVM_ONE_CLASS, SVM_NOT_FINITE, SVM_NOT_CONVERGED
 */
export function solveBinary({ space, signs, upper, tolerance, start, maxIterations }: BinaryProblem): BinarySolution {
  const n = signs.length;
  checkProblem(signs, upper);
  const { rise, fall, kernel, stride } = space;
  const alpha = start ? start.slice() : new Float64Array(n);
  /** Stores a row's f in `rise` if its alpha * sign may rise, and in `fall` if it may fall. */
  const record = (t: number, f: number) => {
    const [below, above] = signs[t] > 0 ? [alpha[t] < upper[t], alpha[t] > 0] : [alpha[t] > 0, alpha[t] < upper[t]];
    rise[t] = below ? f : Infinity;
    fall[t] = above ? f : -Infinity;
  };
  let i = begin(space, signs, alpha, record);
  space.setRuns(findRuns(signs));

  const limit = maxIterations ?? Math.max(1e7, 100 * n);
  let iterations = 0;
  for (; rise[i] < Infinity; iterations++) {
    const low = rise[i];
    const j = space.choose(i, low);
    if (j < 0 || space.high - low < tolerance) break;
    if (iterations >= limit) throw notConverged(iterations, space.high - low, tolerance);

    // alpha_i * y_i rises and alpha_j * y_j falls by the same step. If one of them reaches a bound, it is set exactly
    // to that bound.
    const high = fall[j];
    const curvature = space.diagonal[i] + space.diagonal[j] - 2 * kernel[i * stride + j];
    const roomI = signs[i] > 0 ? upper[i] - alpha[i] : alpha[i];
    const roomJ = signs[j] > 0 ? alpha[j] : upper[j] - alpha[j];
    const step = Math.min((high - low) / Math.max(curvature, TAU), roomI, roomJ);
    alpha[i] = step === roomI ? (signs[i] > 0 ? upper[i] : 0) : alpha[i] + signs[i] * step;
    alpha[j] = step === roomJ ? (signs[j] > 0 ? 0 : upper[j]) : alpha[j] - signs[j] * step;
    record(i, low);
    record(j, high);
    i = space.update(i, j, step);
  }
  return { alpha, iterations, ...summarise(space, alpha, signs) };
}

/** Computes f for the given alpha. Returns the last row with the smallest `rise`. */
function begin(
  { rise, fall, diagonal, kernel, stride }: SolverSpace,
  signs: Int8Array,
  alpha: Float64Array,
  record: (t: number, f: number) => void,
): number {
  const n = signs.length;
  const f = Float64Array.from(signs, (sign) => -sign);
  for (let s = 0; s < n; s++) {
    if (alpha[s] === 0) continue;
    const weight = alpha[s] * signs[s];
    for (let t = 0; t < n; t++) f[t] += weight * kernel[s * stride + t];
  }
  rise.fill(Infinity);
  fall.fill(-Infinity);
  let first = -1;
  let low = Infinity;
  for (let t = 0; t < n; t++) {
    diagonal[t] = kernel[t * stride + t];
    if (signs[t] === 0) continue;
    record(t, f[t]);
    if (rise[t] <= low) {
      low = rise[t];
      first = t;
    }
  }
  return first;
}

/** Finds the ranges of included rows, extended to even bounds and joined across gaps shorter than SHORTEST_GAP. */
function findRuns(signs: Int8Array): [number, number][] {
  const runs: [number, number][] = [];
  for (let t = 0; t < signs.length; t += 2) {
    if (signs[t] === 0 && !signs[t + 1]) continue;
    const last = runs.at(-1);
    if (last && (t - last[1] < SHORTEST_GAP || runs.length === MAX_RUNS)) last[1] = t + 2;
    else runs.push([t, t + 2]);
  }
  return runs;
}

/**
 * The bias is the negative mean of f over the free rows. Without free rows, it is the middle of the interval that f
 * allows (LIBSVM's calculate_rho).
 */
function summarise(
  { rise, fall }: SolverSpace,
  alpha: Float64Array,
  signs: Int8Array,
): { bias: number; objective: number } {
  let [free, sum, above, below, objective] = [0, 0, Infinity, -Infinity, 0];
  for (let t = 0; t < alpha.length; t++) {
    if (signs[t] === 0) continue;
    const canRise = rise[t] < Infinity;
    const f = canRise ? rise[t] : fall[t];
    objective += (alpha[t] * (signs[t] * f - 1)) / 2;
    if (canRise && fall[t] > -Infinity) {
      free++;
      sum += f;
    } else if (canRise) above = Math.min(above, f);
    else below = Math.max(below, f);
  }
  const bias = -(free > 0 ? sum / free : (above + below) / 2);
  if (!Number.isFinite(objective) || !Number.isFinite(bias)) throw notFinite('the solution overflowed');
  return { bias, objective };
}

function checkProblem(signs: Int8Array, upper: Float64Array): void {
  if (!signs.includes(1) || !signs.includes(-1)) {
    throw new CryfoldError('SVM_ONE_CLASS', `all ${signs.length} training rows have the same class`, {
      hint: 'Use fewer folds, stratified folds, or more clips of each class.',
    });
  }
  if (upper.some((bound) => !(bound > 0 && bound < Infinity))) throw notFinite('C is not a positive number');
}

function notFinite(why: string): CryfoldError {
  return new CryfoldError('SVM_NOT_FINITE', `SVM: ${why}`, {
    hint: 'Check gamma, C and the kernel parameters. If the distances artifact is corrupt, delete it.',
  });
}

function notConverged(iterations: number, violation: number, tolerance: number): CryfoldError {
  return new CryfoldError(
    'SVM_NOT_CONVERGED',
    `the SVM did not converge after ${iterations} iterations (violation ${violation})`,
    {
      context: { iterations, violation, tolerance },
      hint: 'Lower C, standardise the features, or use another kernel or gamma.',
    },
  );
}
