import { deriveSeed } from '@cryfold/core';
import { type Combination, combineDecisions, combineProbabilities } from './combine.js';
import { crossKernel, fillSpace, type Kernel, type KernelData, settleKernel } from './kernel.js';
import { type MachineRole, machineRoles, machineSigns, presentClasses, upperBounds } from './machines.js';
import { solveWithMlSvm } from './ml-svm.js';
import type { SvmParameters } from './parameters.js';
import { fitSigmoid } from './platt.js';
import { type BinaryProblem, type BinarySolution, solveBinary } from './smo.js';
import { solverSpace } from './solver-simd.js';
import type { SolverSpace } from './solver-space.js';
import { fitTemperature } from './temperature.js';

/** Training data and parameters. */
export interface TrainingProblem extends KernelData {
  /** Class of each row of the corpus, 0 to classCount - 1 */
  labels: Int32Array;
  classCount: number;
  /** Only needed if `parameters.classWeight` has weights by class name */
  classNames?: readonly string[];
  train: Int32Array;
  /**
   * The inner fold (0, 1, ...) of each training row. Probabilities are calibrated on the decisions for held-out rows.
   * If this is undefined, probabilities are the uncalibrated softmax of the decisions
   */
  innerFolds: Int32Array | undefined;
  parameters: SvmParameters;
  /** Only ml-svm uses random numbers. */
  seed: number;
  /** Called after each two-class problem is solved */
  onProgress?: (done: number, total: number) => void;
}

/** A trained SVM that still refers to rows of the corpus. */
export interface SvmFit {
  parameters: SvmParameters;
  kernel: Kernel;
  /** The training rows of the corpus, ordered by class and inner fold */
  rows: Int32Array;
  /** machines x rows: alpha * sign */
  weights: Float64Array[];
  biases: number[];
  combination: Combination;
  /** Per machine */
  iterations: number[];
  objective: number[];
}

/** A two-class problem: which rows belong to it, and the upper bounds of their alphas. */
export interface Machine {
  role: MachineRole;
  signs: Int8Array;
  upper: Float64Array;
}

/**
 * Trains all machines of a multi-class SVM and calibrates them. Equal inputs produce equal bytes.
 * @throws CryfoldError SVM_ONE_CLASS, SVM_NOT_FINITE, SVM_NOT_CONVERGED, SPEC_INVALID
 */
export function fitSvm(problem: TrainingProblem): SvmFit {
  const { parameters, classCount, onProgress } = problem;
  const { rows, labels, folds } = sortRows(problem);
  const present = presentClasses(labels);
  const kernel = settleKernel(parameters, problem, rows);
  const space = solverSpace(rows.length);
  fillSpace(space, problem, kernel, rows);
  const machines = makeMachines(problem, present, labels);
  const innerCount = problem.innerFolds ? folds.reduce((a, b) => Math.max(a, b), 0) + 1 : 0;
  const total = machines.length * (innerCount + 1);
  let done = 0;
  const solve = (machine: Machine, signs: Int8Array, purpose: string): BinarySolution => {
    const solution = solveEngine(
      { space, signs, upper: machine.upper, tolerance: parameters.tolerance },
      problem,
      purpose,
    );
    onProgress?.(++done, total);
    return solution;
  };

  const solutions = machines.map((machine, m) => solve(machine, machine.signs, `machine ${m}`));
  // The solver starts inner problems with all alphas at zero. Starting from the balanced alphas of the whole fold would
  // save 15 % of the iterations but no time, since the state would have to be computed first.
  const heldOut = { values: new Float64Array(rows.length * machines.length), labels };
  for (let fold = 0; fold < innerCount; fold++) {
    machines.forEach((machine, m) => {
      const signs = machine.signs.map((sign, t) => (folds[t] === fold ? 0 : sign));
      const [positive, negative] = [signs.includes(1), signs.includes(-1)];
      // If an inner problem lacks the rows of one side, the other side wins, as in LIBSVM.
      const solution = positive && negative ? solve(machine, signs, `machine ${m} inner fold ${fold}`) : undefined;
      if (!solution) onProgress?.(++done, total);
      for (let t = 0; t < rows.length; t++) {
        if (folds[t] !== fold) continue;
        const value = solution ? rowValue(space, t, solution, signs) : Number(positive) - Number(negative);
        heldOut.values[t * machines.length + m] = value;
      }
    });
  }
  const roles = machines.map(({ role }) => role);
  return {
    ...{ parameters, kernel, rows },
    weights: solutions.map(({ alpha }, m) => alpha.map((a, t) => a * machines[m].signs[t])),
    biases: solutions.map(({ bias }) => bias),
    combination: {
      ...{ classCount, present, roles },
      calibration: problem.innerFolds
        ? calibrate(parameters, { classCount, present, roles }, machines, heldOut)
        : { kind: 'temperature', scaling: { factor: 1, offsets: present.map(() => 0) } },
    },
    iterations: solutions.map(({ iterations }) => iterations),
    objective: solutions.map(({ objective }) => objective),
  };
}

/** Computes decisions and probabilities (rows x classes) for any rows of the corpus. */
export function predictFit(
  fit: SvmFit,
  data: KernelData,
  rows: Int32Array,
): { decisions: Float64Array; probabilities: Float64Array } {
  const values = machineValues(crossKernel(data, fit.kernel, rows, fit.rows), fit.weights, fit.biases);
  const decisions = combineDecisions(fit.combination, values);
  return { decisions, probabilities: combineProbabilities(fit.combination, values, decisions) };
}

/**
 * Computes the values of all machines, count x machines.
 * @param kernel count x training rows
 * @param weights machines x training rows
 */
export function machineValues(
  kernel: Float64Array,
  weights: readonly Float64Array[],
  biases: readonly number[],
): Float64Array {
  const n = weights[0].length;
  const count = kernel.length / n;
  const out = new Float64Array(count * weights.length);
  weights.forEach((machine, m) => {
    for (let i = 0; i < count; i++) {
      let sum = biases[m];
      for (let t = 0; t < n; t++) sum += machine[t] * kernel[i * n + t];
      out[i * weights.length + m] = sum;
    }
  });
  return out;
}

/**
 * Sorts rows by class and inner fold, so that the rows excluded from a two-class problem form only a few contiguous
 * ranges.
 */
function sortRows({ train, labels, innerFolds = new Int32Array(train.length) }: TrainingProblem) {
  const order = Array.from(train.keys());
  order.sort((a, b) => labels[train[a]] - labels[train[b]] || innerFolds[a] - innerFolds[b] || a - b);
  const rows = Int32Array.from(order, (t) => train[t]);
  return { rows, labels: rows.map((row) => labels[row]), folds: Int32Array.from(order, (t) => innerFolds[t]) };
}

/** Creates the machines of a problem, for training rows with the given labels. */
export function makeMachines(
  { parameters, classNames }: Pick<TrainingProblem, 'parameters' | 'classNames'>,
  present: readonly number[],
  labels: Int32Array,
): Machine[] {
  return machineRoles(parameters.strategy, present).map((role) => ({
    role,
    signs: machineSigns(role, labels),
    upper: upperBounds(parameters, role, labels, classNames),
  }));
}

function solveEngine(binary: BinaryProblem, { parameters, seed }: TrainingProblem, purpose: string): BinarySolution {
  return parameters.engine === 'ml-svm' ? solveWithMlSvm(binary, deriveSeed(seed, purpose)) : solveBinary(binary);
}

function rowValue(space: SolverSpace, row: number, { alpha, bias }: BinarySolution, signs: Int8Array): number {
  let value = bias;
  for (let t = 0; t < alpha.length; t++) {
    if (alpha[t] > 0) value += alpha[t] * signs[t] * space.kernel[row * space.stride + t];
  }
  return value;
}

/** Values of the machines for held-out training rows. Each row is held out in exactly one inner fold. */
interface HeldOut {
  /** rows x machines */
  values: Float64Array;
  /** Class of each row */
  labels: Int32Array;
}

function calibrate(
  { calibration }: SvmParameters,
  combination: Pick<Combination, 'classCount' | 'present' | 'roles'>,
  machines: Machine[],
  { values, labels }: HeldOut,
): Combination['calibration'] {
  const { present, classCount } = combination;
  if (calibration === 'temperature') {
    const decisions = combineDecisions(combination, values);
    const own = Float64Array.from({ length: labels.length * present.length }, (_, index) => {
      const t = Math.floor(index / present.length);
      return decisions[t * classCount + present[index % present.length]];
    });
    const indices = labels.map((label) => present.indexOf(label));
    return { kind: 'temperature', scaling: fitTemperature(own, indices, present.length) };
  }
  const sigmoids = machines.map(({ signs }, m) => {
    const taking = Array.from(signs.keys()).filter((t) => signs[t] !== 0);
    return fitSigmoid(
      Float64Array.from(taking, (t) => values[t * machines.length + m]),
      Int8Array.from(taking, (t) => signs[t]),
    );
  });
  return { kind: 'platt', sigmoids };
}
