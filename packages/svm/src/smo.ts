import { CryfoldError } from '@cryfold/core';

/** A two-class C-SVM in its dual form: minimise 1/2 a'Qa - sum(a), Q = yy'K, subject to y'a = 0, 0 <= a <= upper. */
export interface BinaryProblem {
  /** n x n kernel values, symmetric */
  kernel: Float64Array;
  /** n labels, +1 or -1, both present */
  signs: Int8Array;
  /** n upper bounds of alpha: C, times the class weight */
  upper: Float64Array;
  /** Stop when the largest violation of the optimality conditions is below this; LIBSVM's `eps`, 1e-3 there. */
  tolerance: number;
  /** LIBSVM's max(10^7, 100 n) unless given */
  maxIterations?: number;
}

export interface BinarySolution {
  /** n dual variables */
  alpha: Float64Array;
  /** The decision of a row is sum(alpha * sign * kernel) + bias. */
  bias: number;
  iterations: number;
  /** The dual objective, at most 0 */
  objective: number;
}

/** Replaces a curvature that is not positive: duplicate rows, or a kernel that is not positive definite (LIBSVM's TAU). */
const TAU = 1e-12;

/**
 * Sequential minimal optimisation with second-order working-set selection.
 * Source: Fan, Chen, Lin, "Working set selection using second order information for training SVM", JMLR 6 (2005),
 * algorithm 2; ties go to the last index, as in LIBSVM. The state is f = y * gradient, so that an update needs no labels.
 * @throws CryfoldError SVM_NOT_FINITE, SVM_ONE_CLASS, SVM_NOT_CONVERGED
 */
export function solveBinary(problem: BinaryProblem): BinarySolution {
  const { kernel, signs, upper, tolerance } = problem;
  const n = signs.length;
  checkProblem(kernel, signs, upper);
  const alpha = new Float64Array(n);
  const f = new Float64Array(n);
  const diagonal = new Float64Array(n);
  const canRise = new Uint8Array(n); // alpha * sign may still rise: I_up
  const canFall = new Uint8Array(n); // alpha * sign may still fall: I_low
  const mark = (t: number) => {
    const [below, above] = [alpha[t] < upper[t] ? 1 : 0, alpha[t] > 0 ? 1 : 0];
    canRise[t] = signs[t] > 0 ? below : above;
    canFall[t] = signs[t] > 0 ? above : below;
  };
  let i = -1;
  let low = Infinity; // smallest f of I_up, at i
  for (let t = 0; t < n; t++) {
    diagonal[t] = kernel[t * n + t];
    f[t] = -signs[t];
    mark(t);
    if (canRise[t] === 1 && f[t] <= low) {
      low = f[t];
      i = t;
    }
  }

  const limit = problem.maxIterations ?? Math.max(1e7, 100 * n);
  let iterations = 0;
  for (; ; iterations++) {
    // Second choice: the largest decrease of the objective that a step along (i, j) promises.
    const rowI = i * n;
    let high = -Infinity; // largest f of I_low
    let j = -1;
    let best = 0;
    for (let t = 0; t < n; t++) {
      if (canFall[t] === 0) continue;
      if (f[t] > high) high = f[t];
      const gap = f[t] - low;
      if (gap > 0) {
        const curvature = diagonal[i] + diagonal[t] - 2 * kernel[rowI + t];
        const gain = (gap * gap) / (curvature > 0 ? curvature : TAU);
        if (gain >= best) {
          best = gain;
          j = t;
        }
      }
    }
    if (!(high - low >= tolerance) || j < 0) break;
    if (iterations >= limit) throw notConverged(iterations, high - low, tolerance);

    // alpha_i * y_i rises and alpha_j * y_j falls by the same step; who meets a bound is put exactly on it.
    const rowJ = j * n;
    const curvature = diagonal[i] + diagonal[j] - 2 * kernel[rowI + j];
    const roomI = signs[i] > 0 ? upper[i] - alpha[i] : alpha[i];
    const roomJ = signs[j] > 0 ? alpha[j] : upper[j] - alpha[j];
    const step = Math.min((f[j] - low) / (curvature > 0 ? curvature : TAU), roomI, roomJ);
    alpha[i] = step === roomI ? (signs[i] > 0 ? upper[i] : 0) : alpha[i] + signs[i] * step;
    alpha[j] = step === roomJ ? (signs[j] > 0 ? 0 : upper[j]) : alpha[j] - signs[j] * step;
    mark(i);
    mark(j);

    // The update, and with it the first choice of the next iteration.
    i = -1;
    low = Infinity;
    for (let t = 0; t < n; t++) {
      const value = f[t] + step * (kernel[rowI + t] - kernel[rowJ + t]);
      f[t] = value;
      if (value <= low && canRise[t] === 1) {
        low = value;
        i = t;
      }
    }
    if (i < 0) break;
  }
  return { alpha, iterations, ...summarise(alpha, f, signs, canRise, canFall) };
}

/** The bias is minus the mean of f over free rows, or else the middle of its bounds (LIBSVM's calculate_rho). */
function summarise(
  alpha: Float64Array,
  f: Float64Array,
  signs: Int8Array,
  canRise: Uint8Array,
  canFall: Uint8Array,
): { bias: number; objective: number } {
  let [free, sum, above, below, objective] = [0, 0, Infinity, -Infinity, 0];
  for (let t = 0; t < alpha.length; t++) {
    objective += (alpha[t] * (signs[t] * f[t] - 1)) / 2;
    if (canRise[t] && canFall[t]) {
      free++;
      sum += f[t];
    } else if (canRise[t]) above = Math.min(above, f[t]);
    else below = Math.max(below, f[t]);
  }
  const bias = -(free > 0 ? sum / free : (above + below) / 2);
  if (!Number.isFinite(objective) || !Number.isFinite(bias)) throw notFinite('the solution overflowed');
  return { bias, objective };
}

function checkProblem(kernel: Float64Array, signs: Int8Array, upper: Float64Array): void {
  if (!signs.includes(1) || !signs.includes(-1)) {
    throw new CryfoldError('SVM_ONE_CLASS', `all ${signs.length} training rows are of one class`, {
      hint: 'Use fewer folds, stratified folds, or more clips of each class.',
    });
  }
  if (upper.some((bound) => !(bound > 0 && bound < Infinity))) throw notFinite('C is not a positive number');
  // x - x is 0 for every finite x and NaN else, so one sum over the matrix tells.
  let check = 0;
  for (let k = 0; k < kernel.length; k++) check += kernel[k] - kernel[k];
  if (check !== 0) throw notFinite('the kernel matrix holds NaN or infinite values');
}

function notFinite(why: string): CryfoldError {
  return new CryfoldError('SVM_NOT_FINITE', `SVM: ${why}`, {
    hint: 'Check gamma, C and the kernel parameters; a corrupt distances artifact must be deleted.',
  });
}

function notConverged(iterations: number, violation: number, tolerance: number): CryfoldError {
  return new CryfoldError('SVM_NOT_CONVERGED', `SVM: violation ${violation} after ${iterations} iterations`, {
    context: { iterations, violation, tolerance },
    hint: 'Lower C, or use another kernel or gamma.',
  });
}
