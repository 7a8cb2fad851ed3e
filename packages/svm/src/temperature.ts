/** Probabilities are softmax(temperature * decision + offset) over classes. */
export interface TemperatureScaling {
  /** Inverse temperature: a factor on all decisions */
  factor: number;
  /** One per class, mean 0 */
  offsets: number[];
}

/** softmax(factor * decision + offset) of one row of finite decisions; in place on a copy. */
export function softmax(decisions: Float64Array, { factor, offsets }: TemperatureScaling): Float64Array {
  const scores = decisions.map((decision, k) => factor * decision + offsets[k]);
  const top = scores.reduce((a, b) => Math.max(a, b));
  const powers = scores.map((score) => Math.exp(score - top));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** Keeps the Hessian regular: the likelihood does not change when all offsets grow alike. */
const RIDGE = 1e-6;

/**
 * Maximum likelihood of factor and offsets, by Newton's method with backtracking; the loss is convex. As in Platt's
 * method the targets are not 1 and 0 but (count + 1) / (count + classes) and 1 / (count + classes), where count is the
 * number of rows of the true class, so that separable data have a finite answer.
 * Source of the model: Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017, section 4.2
 * (temperature scaling), with a bias.
 * @param decisions held-out decision values, n x classes, finite
 * @param labels n, 0 to classes - 1
 */
export function fitTemperature(decisions: Float64Array, labels: Int32Array, classes: number): TemperatureScaling {
  const n = labels.length;
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label]++;
  const target = (i: number, k: number) => ((labels[i] === k ? counts[k] : 0) + 1) / (counts[labels[i]] + classes);
  const row = (i: number) => decisions.subarray(i * classes, (i + 1) * classes);
  // Decisions of any size: the search runs on decisions scaled to a mean square of 1.
  const size = Math.sqrt(decisions.reduce((sum, d) => sum + d * d, 0) / decisions.length) || 1;

  const scaling = (x: Float64Array): TemperatureScaling => ({ factor: x[0] / size, offsets: [...x.subarray(1)] });
  const loss = (x: Float64Array) => {
    const model = scaling(x);
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const scores = row(i).map((decision, k) => model.factor * decision + model.offsets[k]);
      const top = scores.reduce((a, b) => Math.max(a, b));
      const logSum = top + Math.log(scores.reduce((s, score) => s + Math.exp(score - top), 0));
      for (let k = 0; k < classes; k++) sum += target(i, k) * (logSum - scores[k]);
    }
    for (let k = 1; k <= classes; k++) sum += (RIDGE / 2) * x[k] * x[k];
    return sum;
  };

  let x = new Float64Array(classes + 1);
  x[0] = 1;
  let value = loss(x);
  for (let iteration = 0; iteration < 100; iteration++) {
    const { gradient, hessian } = derivatives(x);
    if (gradient.every((g) => Math.abs(g) < 1e-7 * n)) break;
    const direction = solveSymmetric(hessian, gradient);
    const descent = direction.reduce((sum, d, k) => sum - d * gradient[k], 0);
    let step = 1;
    for (; step >= 1e-10; step /= 2) {
      const next = x.map((v, k) => v - step * direction[k]);
      const nextValue = loss(next);
      if (nextValue < value + 1e-4 * step * descent) {
        x = next;
        value = nextValue;
        break;
      }
    }
    if (step < 1e-10) break; // no descent left in floating point: this is the minimum
  }
  const mean = x.subarray(1).reduce((a, b) => a + b) / classes;
  return scaling(x.map((v, k) => (k > 0 ? v - mean : v)));

  function derivatives(x: Float64Array): { gradient: Float64Array; hessian: Float64Array[] } {
    const gradient = new Float64Array(classes + 1);
    const hessian = Array.from({ length: classes + 1 }, () => new Float64Array(classes + 1));
    const model = scaling(x);
    for (let k = 1; k <= classes; k++) {
      gradient[k] = RIDGE * x[k];
      hessian[k][k] = RIDGE;
    }
    hessian[0][0] = RIDGE;
    for (let i = 0; i < n; i++) {
      const d = row(i).map((decision) => decision / size);
      const p = softmax(row(i), model);
      const mean = d.reduce((sum, value, k) => sum + p[k] * value, 0);
      for (let k = 0; k < classes; k++) {
        const error = p[k] - target(i, k);
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
}

/** Solves a positive definite system of a few unknowns by Gaussian elimination with pivoting. */
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
