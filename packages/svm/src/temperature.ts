/** Probabilities are softmax(temperature * decision + offset) over classes. */
export interface TemperatureScaling {
  /** Inverse temperature, by which all decisions are multiplied */
  factor: number;
  /** One offset per class; their mean is 0 */
  offsets: number[];
}

/** Returns softmax(factor * decision + offset) for one row of finite decisions, which is left unchanged. */
export function softmax(decisions: Float64Array, { factor, offsets }: TemperatureScaling): Float64Array {
  const scores = decisions.map((decision, k) => factor * decision + offsets[k]);
  const top = scores.reduce((a, b) => Math.max(a, b));
  const powers = scores.map((score) => Math.exp(score - top));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/**
 * Small penalty that keeps the Hessian regular, since the likelihood does not change if all offsets increase equally.
 */
const RIDGE = 1e-6;

/**
 * The negative log-likelihood of held-out decisions as a function of x = (factor, offset per class). Decisions may have
 * any scale, so the factor in x applies to decisions that were scaled to a mean square of 1.
 */
class Likelihood {
  readonly #decisions: Float64Array;
  readonly #labels: Int32Array;
  readonly #classes: number;
  /** Rows of each class */
  readonly #counts: Float64Array;
  /** Root mean square of the decisions */
  readonly #size: number;

  /** Takes the same arguments as `fitTemperature`. */
  constructor(decisions: Float64Array, labels: Int32Array, classes: number) {
    this.#decisions = decisions;
    this.#labels = labels;
    this.#classes = classes;
    this.#counts = new Float64Array(classes);
    for (const label of labels) this.#counts[label]++;
    this.#size = Math.sqrt(decisions.reduce((sum, d) => sum + d * d, 0) / decisions.length) || 1;
  }

  scaling(x: Float64Array): TemperatureScaling {
    return { factor: x[0] / this.#size, offsets: [...x.subarray(1)] };
  }

  loss(x: Float64Array): number {
    const classes = this.#classes;
    const model = this.scaling(x);
    let sum = 0;
    for (let i = 0; i < this.#labels.length; i++) {
      const scores = this.#row(i).map((decision, k) => model.factor * decision + model.offsets[k]);
      const top = scores.reduce((a, b) => Math.max(a, b));
      const logSum = top + Math.log(scores.reduce((s, score) => s + Math.exp(score - top), 0));
      for (let k = 0; k < classes; k++) sum += this.#target(i, k) * (logSum - scores[k]);
    }
    for (let k = 1; k <= classes; k++) sum += (RIDGE / 2) * x[k] * x[k];
    return sum;
  }

  /** Gradient and Hessian of the loss, with classes + 1 and (classes + 1)^2 elements. */
  derivatives(x: Float64Array): { gradient: Float64Array; hessian: Float64Array[] } {
    const classes = this.#classes;
    const gradient = new Float64Array(classes + 1);
    const hessian = Array.from({ length: classes + 1 }, () => new Float64Array(classes + 1));
    const model = this.scaling(x);
    for (let k = 1; k <= classes; k++) {
      gradient[k] = RIDGE * x[k];
      hessian[k][k] = RIDGE;
    }
    hessian[0][0] = RIDGE;
    for (let i = 0; i < this.#labels.length; i++) {
      const d = this.#row(i).map((decision) => decision / this.#size);
      const p = softmax(this.#row(i), model);
      const mean = d.reduce((sum, value, k) => sum + p[k] * value, 0);
      for (let k = 0; k < classes; k++) {
        const error = p[k] - this.#target(i, k);
        gradient[0] += error * d[k];
        gradient[k + 1] += error;
        hessian[0][0] += p[k] * d[k] * (d[k] - mean);
        hessian[0][k + 1] += p[k] * (d[k] - mean);
        for (let l = 0; l < classes; l++) hessian[k + 1][l + 1] += p[k] * ((k === l ? 1 : 0) - p[l]);
      }
    }
    for (let k = 1; k <= classes; k++) hessian[k][0] = hessian[0][k];
    return { gradient, hessian };
  }

  #row(i: number): Float64Array {
    return this.#decisions.subarray(i * this.#classes, (i + 1) * this.#classes);
  }

  #target(i: number, k: number): number {
    const label = this.#labels[i];
    return ((label === k ? this.#counts[k] : 0) + 1) / (this.#counts[label] + this.#classes);
  }
}

/**
 * Maximum-likelihood estimate of factor and offsets by Newton's method with backtracking; the loss is convex. As in
 * Platt's method, the targets are not 1 and 0 but (count + 1) / (count + classes) and 1 / (count + classes), where
 * count is the number of rows of the true class, so that separable data have a finite solution. Source of the model:
 * Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017, section 4.2 (temperature
 * scaling), with a bias.
 * @param decisions held-out decision values, n x classes, finite
 * @param labels n, 0 to classes - 1
 */
export function fitTemperature(decisions: Float64Array, labels: Int32Array, classes: number): TemperatureScaling {
  const likelihood = new Likelihood(decisions, labels, classes);
  let x = new Float64Array(classes + 1);
  x[0] = 1;
  let value = likelihood.loss(x);
  for (let iteration = 0; iteration < 100; iteration++) {
    const { gradient, hessian } = likelihood.derivatives(x);
    if (gradient.every((g) => Math.abs(g) < 1e-7 * labels.length)) break;
    const direction = solveSymmetric(hessian, gradient);
    const descent = direction.reduce((sum, d, k) => sum - d * gradient[k], 0);
    let step = 1;
    for (; step >= 1e-10; step /= 2) {
      const next = x.map((v, k) => v - step * direction[k]);
      const nextValue = likelihood.loss(next);
      if (nextValue < value + 1e-4 * step * descent) {
        x = next;
        value = nextValue;
        break;
      }
    }
    if (step < 1e-10) break; // no descent is possible in floating point, so this is the minimum
  }
  const mean = x.subarray(1).reduce((a, b) => a + b) / classes;
  return likelihood.scaling(x.map((v, k) => (k > 0 ? v - mean : v)));
}

/** Solves a positive definite linear system with a few unknowns by Gaussian elimination with pivoting. */
function solveSymmetric(matrix: Float64Array[], right: Float64Array): Float64Array {
  const size = right.length;
  const a = matrix.map((row, i) => [...row, right[i]]);
  for (let k = 0; k < size; k++) {
    let pivot = k;
    for (let i = k + 1; i < size; i++) if (Math.abs(a[i][k]) > Math.abs(a[pivot][k])) pivot = i;
    [a[k], a[pivot]] = [a[pivot], a[k]];
    for (let i = 0; i < size; i++) {
      const factor = i === k ? 0 : a[i][k] / a[k][k];
      if (factor !== 0) for (let j = k; j <= size; j++) a[i][j] -= factor * a[k][j];
    }
  }
  return Float64Array.from(a, (row, k) => row[size] / row[k]);
}
