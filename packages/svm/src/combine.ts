import type { MachineRole } from './machines.js';
import { type Sigmoid, sigmoidProbability } from './platt.js';
import { softmax, type TemperatureScaling } from './temperature.js';

/**
 * How the values of the two-class machines are combined into decisions and class probabilities. This is plain data and
 * part of a model file.
 */
export interface Combination {
  classCount: number;
  /** The classes among the training rows, ascending. All other classes have decision -Infinity and probability 0. */
  present: number[];
  roles: MachineRole[];
  calibration: { kind: 'platt'; sigmoids: Sigmoid[] } | { kind: 'temperature'; scaling: TemperatureScaling };
}

/**
 * Computes decisions per class from the values of the machines, count x machines. For one-vs-rest, the decisions are
 * the values themselves. For one-vs-one, they are the votes plus a tie-break computed from the summed values, sum / (3
 * (|sum| + 1)), as in scikit-learn with decision_function_shape='ovr'.
 * @returns count x classes; -Infinity for classes that were not trained
 */
export function combineDecisions(
  { classCount, present, roles }: Pick<Combination, 'classCount' | 'present' | 'roles'>,
  values: Float64Array,
): Float64Array {
  const count = values.length / roles.length;
  const out = new Float64Array(count * classCount).fill(-Infinity);
  const votes = new Float64Array(classCount);
  const sums = new Float64Array(classCount);
  for (let i = 0; i < count; i++) {
    votes.fill(0);
    sums.fill(0);
    for (let m = 0; m < roles.length; m++) {
      const { positive, negative } = roles[m];
      const value = values[i * roles.length + m];
      if (negative === 'rest') {
        out[i * classCount + positive] = value;
      } else {
        sums[positive] += value;
        sums[negative] -= value;
        votes[value >= 0 ? positive : negative]++;
      }
    }
    if (roles[0].negative === 'rest') continue;
    for (const k of present) out[i * classCount + k] = votes[k] + sums[k] / (3 * (Math.abs(sums[k]) + 1));
  }
  return out;
}

/**
 * Computes probabilities per class, count x classes; rows sum to 1. Platt with one-vs-rest: the sigmoid of each class,
 * divided by the sum over classes (or equal shares if all are 0), like scikit-learn's OneVsRestClassifier. Platt with
 * one-vs-one: pairwise coupling, like LIBSVM. Temperature: the softmax of the decisions.
 */
export function combineProbabilities(
  combination: Combination,
  values: Float64Array,
  decisions: Float64Array,
): Float64Array {
  const { classCount, present, roles, calibration } = combination;
  const count = values.length / roles.length;
  const out = new Float64Array(count * classCount);
  for (let i = 0; i < count; i++) {
    const row = values.subarray(i * roles.length, (i + 1) * roles.length);
    let shares: Float64Array;
    if (calibration.kind === 'temperature') {
      shares = softmax(
        Float64Array.from(present, (k) => decisions[i * classCount + k]),
        calibration.scaling,
      );
    } else {
      const single = row.map((value, m) => sigmoidProbability(calibration.sigmoids[m], value));
      shares = roles[0].negative === 'rest' ? normalise(single) : couple(single, present.length);
    }
    present.forEach((k, index) => {
      out[i * classCount + k] = shares[index];
    });
  }
  return out;
}

function normalise(shares: Float64Array): Float64Array {
  const sum = shares.reduce((a, b) => a + b);
  return shares.map((share) => (sum > 0 ? share / sum : 1 / shares.length));
}

/**
 * Computes class probabilities from pairwise probabilities, as the p that minimises the sum over i, j of (r_ji p_i -
 * r_ij p_j)^2. Source: Wu, Lin, Weng, "Probability estimates for multi-class classification by pairwise coupling", JMLR
 * 5 (2004), algorithm 2, with LIBSVM's clipping of pairwise probabilities to [1e-7, 1 - 1e-7] and its stopping rule,
 * 0.005 / k.
 * @param pairs probability of the first class of each pair, in the order of machineRoles
 */
export function couple(pairs: Float64Array, k: number): Float64Array {
  const r = Array.from({ length: k }, () => new Float64Array(k));
  let pair = 0;
  for (let i = 0; i < k; i++) {
    for (let j = i + 1; j < k; j++) {
      r[i][j] = Math.min(Math.max(pairs[pair++], 1e-7), 1 - 1e-7);
      r[j][i] = 1 - r[i][j];
    }
  }
  const q = r.map((_, i) =>
    r.map((_, j) => (i === j ? r.reduce((sum, other) => sum + other[i] ** 2, 0) : -r[j][i] * r[i][j])),
  );
  const p = new Float64Array(k).fill(1 / k);
  for (let iteration = 0; iteration < Math.max(100, k); iteration++) {
    const qp = q.map((row) => row.reduce((sum, value, j) => sum + value * p[j], 0));
    let pqp = qp.reduce((sum, value, i) => sum + value * p[i], 0);
    if (qp.every((value) => Math.abs(value - pqp) < 0.005 / k)) break;
    for (let t = 0; t < k; t++) {
      const change = (pqp - qp[t]) / q[t][t];
      p[t] += change;
      pqp = (pqp + change * (change * q[t][t] + 2 * qp[t])) / (1 + change) ** 2;
      for (let j = 0; j < k; j++) {
        qp[j] = (qp[j] + change * q[t][j]) / (1 + change);
        p[j] /= 1 + change;
      }
    }
  }
  return p;
}
