import { CryfoldError, deriveSeed, type SvmParameters } from '@cryfold/core';
import type { DistanceMatrix, PixelMoments } from './distances.js';
import { rbfKernel, resolveGamma, submatrix } from './kernel.js';
import { solveWithMlSvm } from './ml-svm.js';
import { fitSigmoid, type Sigmoid, sigmoidProbability } from './platt.js';
import { type BinarySolution, solveBinary } from './smo.js';

/** One fold: which rows of the corpus train, which are predicted, and how. */
export interface SvmProblem {
  distances: DistanceMatrix;
  moments: PixelMoments;
  /** Columns of the images */
  columns: number;
  /** Class of each row of the corpus, 0 to classCount - 1 */
  labels: Int32Array;
  classCount: number;
  train: Int32Array;
  test: Int32Array;
  /** Inner fold 0, 1, ... of each training row: Platt scaling is fitted on decisions for held-out rows. */
  innerFolds: Int32Array;
  parameters: SvmParameters;
  /** Only ml-svm draws random numbers. */
  seed: number;
  /** Called after each solved two-class problem. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * A class that no training row has can't be learnt: its probability is 0, its decision -Infinity, its counts 0.
 */
export interface SvmResult {
  /** test x classes, rows sum to 1 */
  probabilities: Float64Array;
  /** test x classes, one-vs-rest decision values; their argmax is scikit-learn's prediction */
  decisions: Float64Array;
  /** For pixels in [0, 1] */
  gamma: number;
  /** Per class */
  supportVectors: number[];
  iterations: number[];
  /** Dual objective, per class */
  objective: number[];
}

/** LIBSVM's and scikit-learn's default */
const TOLERANCE = 1e-3;

/** One of the two-class problems of a fold, as the training rows see it. */
interface Task {
  signs: Int8Array;
  /** Decisions for the training rows, each by a machine that was not trained on its inner fold */
  heldOut: Float64Array;
}

/**
 * Trains one-vs-rest machines on one fold and predicts its test rows. Equal inputs give equal bytes.
 * Probabilities are each class's Platt sigmoid, divided by their sum, as in scikit-learn's OneVsRestClassifier.
 * @throws CryfoldError SVM_ONE_CLASS, SVM_NOT_FINITE, SVM_NOT_CONVERGED
 */
export function fitPredictSvm(problem: SvmProblem): SvmResult {
  const { distances, train, test, labels, classCount, innerFolds, onProgress } = problem;
  const gamma = resolveGamma(problem.parameters.gamma, problem.moments, problem.columns, train);
  const n = train.length;
  const tasks = makeTasks(problem);
  const folds = Math.max(...innerFolds) + 1;
  const total = tasks.filter(Boolean).length * (folds + 1);
  let done = 0;
  const solve = (kernel: Float64Array, signs: Int8Array, purpose: string): BinarySolution => {
    const solution = solveEngine(problem, kernel, signs, purpose);
    onProgress?.(++done, total);
    return solution;
  };

  const kernel = rbfKernel(distances, gamma, train, train);
  const solutions = tasks.map((task, k) => task && solve(kernel, task.signs, `class ${k}`));
  for (let fold = 0; fold < folds; fold++) {
    const keep = indicesWhere(innerFolds, (inner) => inner !== fold);
    const held = indicesWhere(innerFolds, (inner) => inner === fold);
    const inner = submatrix(kernel, n, keep);
    tasks.forEach((task, k) => {
      if (!task) return;
      const signs = Int8Array.from(keep, (t) => task.signs[t]);
      const solution = hasBoth(signs) ? solve(inner, signs, `class ${k} inner fold ${fold}`) : undefined;
      if (!solution) onProgress?.(++done, total);
      for (const row of held) {
        // LIBSVM's convention where the remaining rows are of one class: its sign is the decision.
        let decision = solution ? solution.bias : (signs[0] ?? 0);
        if (solution) {
          for (let t = 0; t < keep.length; t++) {
            if (solution.alpha[t] > 0) decision += solution.alpha[t] * signs[t] * kernel[row * n + keep[t]];
          }
        }
        task.heldOut[row] = decision;
      }
    });
  }

  const sigmoids = tasks.map((task) => task && fitSigmoid(task.heldOut, task.signs));
  const decisions = decide(rbfKernel(distances, gamma, test, train), tasks, solutions, test.length);
  return {
    probabilities: calibrate(decisions, sigmoids, classCount),
    decisions,
    gamma,
    supportVectors: solutions.map((s) => s?.alpha.reduce((count, a) => count + (a > 0 ? 1 : 0), 0) ?? 0),
    iterations: solutions.map((s) => s?.iterations ?? 0),
    objective: solutions.map((s) => s?.objective ?? 0),
  };

  function makeTasks({ train }: SvmProblem): (Task | undefined)[] {
    const present = new Set(Array.from(train, (row) => labels[row]));
    if (present.size < 2) {
      throw new CryfoldError('SVM_ONE_CLASS', `the ${n} training rows hold ${present.size} class(es)`, {
        context: { rows: n },
        hint: 'Use fewer folds, stratified folds, or more clips of each class.',
      });
    }
    return Array.from({ length: classCount }, (_, k) =>
      present.has(k)
        ? { signs: Int8Array.from(train, (row) => (labels[row] === k ? 1 : -1)), heldOut: new Float64Array(n) }
        : undefined,
    );
  }
}

function solveEngine(
  { parameters, seed }: SvmProblem,
  kernel: Float64Array,
  signs: Int8Array,
  purpose: string,
): BinarySolution {
  const binary = {
    kernel,
    signs,
    upper: new Float64Array(signs.length).fill(parameters.C),
    tolerance: TOLERANCE,
  };
  return parameters.engine === 'ml-svm' ? solveWithMlSvm(binary, deriveSeed(seed, purpose)) : solveBinary(binary);
}

function hasBoth(signs: Int8Array): boolean {
  return signs.includes(1) && signs.includes(-1);
}

function indicesWhere(values: Int32Array, wanted: (value: number) => boolean): Int32Array {
  return Int32Array.from(Array.from(values.keys()).filter((index) => wanted(values[index])));
}

/** Decisions, count x classes, from the kernel of count rows with the training rows. */
function decide(
  kernel: Float64Array,
  tasks: (Task | undefined)[],
  solutions: (BinarySolution | undefined)[],
  count: number,
): Float64Array {
  const classes = tasks.length;
  const out = new Float64Array(count * classes).fill(-Infinity);
  solutions.forEach((solution, k) => {
    const task = tasks[k];
    if (!solution || !task) return;
    const n = task.signs.length;
    const weights = solution.alpha.map((alpha, t) => alpha * task.signs[t]);
    for (let i = 0; i < count; i++) {
      let sum = solution.bias;
      for (let t = 0; t < n; t++) sum += weights[t] * kernel[i * n + t];
      out[i * classes + k] = sum;
    }
  });
  return out;
}

/** Each class's sigmoid, normalised per row; equal shares where every sigmoid underflows to 0. */
function calibrate(decisions: Float64Array, sigmoids: (Sigmoid | undefined)[], classes: number): Float64Array {
  const out = new Float64Array(decisions.length);
  const present = sigmoids.filter(Boolean).length;
  for (let start = 0; start < out.length; start += classes) {
    let sum = 0;
    sigmoids.forEach((sigmoid, k) => {
      if (sigmoid) sum += out[start + k] = sigmoidProbability(sigmoid, decisions[start + k]);
    });
    sigmoids.forEach((sigmoid, k) => {
      if (sigmoid) out[start + k] = sum > 0 ? out[start + k] / sum : 1 / present;
    });
  }
  return out;
}
