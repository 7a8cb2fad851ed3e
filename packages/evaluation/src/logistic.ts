/** Multinomial logistic regression. Each class has one weight per feature, followed by the intercept. */
export interface LogisticModel {
  classes: number;
  /** classes x (columns + 1) */
  weights: Float64Array;
}

/** Returns the softmax of each row's scores, row-major, rows x classes. */
export function applyLogistic({ classes, weights }: LogisticModel, features: Float64Array): Float64Array {
  const columns = weights.length / classes - 1;
  const rows = features.length / columns;
  const out = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    let top = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) {
      const start = c * (columns + 1);
      let score = weights[start + columns];
      for (let f = 0; f < columns; f++) score += weights[start + f] * features[row * columns + f];
      out[row * classes + c] = score;
      top = Math.max(top, score);
    }
    let total = 0;
    for (let i = row * classes; i < (row + 1) * classes; i++) total += out[i] = Math.exp(out[i] - top);
    for (let i = row * classes; i < (row + 1) * classes; i++) out[i] /= total;
  }
  return out;
}

/**
 * Solves A x = b for a symmetric positive definite A by Cholesky decomposition. A is row-major, and its lower triangle
 * is overwritten.
 */
function solve(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const x = b.slice();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j];
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] -= a[i * n + k] * x[k];
    x[i] /= a[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] -= a[k * n + i] * x[k];
    x[i] /= a[i * n + i];
  }
  return x;
}

/**
 * Adding a constant to all intercepts has no effect, so the Hessian is singular in that direction; this term
 * regularises it.
 */
const RIDGE = 1e-10;

/**
 * Minimises the objective of scikit-learn's `LogisticRegression(C=1)` by Newton's method: mean log-loss + |weights|^2 /
 * (2 rows), without a penalty on the intercepts. For two classes, this function uses two columns of weights where
 * scikit-learn uses one, which is equivalent to scikit-learn's C=2.
 * @param features row-major, rows x columns
 * @param labels class indices
 */
export function fitLogistic(features: Float64Array, labels: ArrayLike<number>, classes: number): LogisticModel {
  const rows = labels.length;
  const width = features.length / rows + 1;
  const size = width * classes;
  const isPenalised = (i: number) => i % width !== width - 1;
  const x = new Float64Array(width).fill(1);

  const lossOf = (weights: Float64Array, p: Float64Array) => {
    let loss = 0;
    for (let i = 0; i < size; i++) if (isPenalised(i)) loss += (weights[i] * weights[i]) / 2;
    for (let row = 0; row < rows; row++) loss -= Math.log(Math.max(p[row * classes + labels[row]], Number.MIN_VALUE));
    return loss / rows;
  };

  let weights = new Float64Array(size);
  let p = applyLogistic({ classes, weights }, features);
  let loss = lossOf(weights, p);
  // the objective is convex and smooth, and 5 to 10 steps are typical
  for (let iteration = 0; iteration < 100; iteration++) {
    const gradient = weights.map((weight, i) => (isPenalised(i) ? weight / rows : 0));
    // only the lower triangle is computed
    const hessian = new Float64Array(size * size);
    for (let i = 0; i < size; i++) hessian[i * size + i] = (isPenalised(i) ? 1 / rows : 0) + RIDGE;
    for (let row = 0; row < rows; row++) {
      x.set(features.subarray(row * (width - 1), (row + 1) * (width - 1)));
      for (let c = 0; c < classes; c++) {
        const own = p[row * classes + c];
        const residual = (own - (labels[row] === c ? 1 : 0)) / rows;
        for (let f = 0; f < width; f++) gradient[c * width + f] += residual * x[f];
        for (let d = 0; d <= c; d++) {
          const curvature = (own * ((c === d ? 1 : 0) - p[row * classes + d])) / rows;
          for (let f = 0; f < width; f++) {
            const start = (c * width + f) * size + d * width;
            const scaled = curvature * x[f];
            for (let g = 0; g < width; g++) hessian[start + g] += scaled * x[g];
          }
        }
      }
    }
    const step = solve(hessian, gradient);
    let decrement = 0;
    for (let i = 0; i < size; i++) decrement += step[i] * gradient[i];
    let scale = 1;
    let next = weights;
    let nextLoss = loss;
    for (; scale > 1e-6; scale /= 2) {
      next = weights.map((weight, i) => weight - scale * step[i]);
      p = applyLogistic({ classes, weights: next }, features);
      nextLoss = lossOf(next, p);
      if (nextLoss <= loss - 1e-4 * scale * decrement || decrement < 1e-12) break;
    }
    weights = next;
    loss = nextLoss;
    if (decrement < 1e-18) break;
  }
  return { classes, weights };
}
