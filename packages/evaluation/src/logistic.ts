/** Multinomial logistic regression: `weights[f * classes + c]`, the last row of weights being the intercepts. */
export interface LogisticModel {
  classes: number;
  weights: Float64Array;
}

const HISTORY = 10;
const ITERATIONS = 1000;

const dot = (a: Float64Array, b: Float64Array) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

/** Softmax of each row's scores, row-major, rows x classes. */
export function applyLogistic({ classes, weights }: LogisticModel, features: Float64Array): Float64Array {
  const columns = weights.length / classes - 1;
  const rows = features.length / columns;
  const out = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    const scores = out.subarray(row * classes, (row + 1) * classes);
    scores.set(weights.subarray(columns * classes));
    for (let f = 0; f < columns; f++) {
      const x = features[row * columns + f];
      for (let c = 0; c < classes; c++) scores[c] += x * weights[f * classes + c];
    }
    const top = Math.max(...scores);
    let total = 0;
    for (let c = 0; c < classes; c++) total += scores[c] = Math.exp(scores[c] - top);
    for (let c = 0; c < classes; c++) scores[c] /= total;
  }
  return out;
}

/**
 * Fits by L-BFGS (Nocedal and Wright, "Numerical Optimization", algorithm 7.4) the objective of scikit-learn's
 * `LogisticRegression(C=1)`: mean log-loss + |weights|^2 / (2 rows), intercepts free. Two classes get two columns of
 * weights where scikit-learn takes one, which equals its C=2.
 * @param features row-major, rows x columns
 * @param labels class indices
 */
export function fitLogistic(features: Float64Array, labels: ArrayLike<number>, classes: number): LogisticModel {
  const rows = labels.length;
  const columns = features.length / rows;
  const penalised = columns * classes;

  const evaluate = (weights: Float64Array) => {
    const p = applyLogistic({ classes, weights }, features);
    const gradient = new Float64Array(weights.length);
    let loss = 0;
    for (let row = 0; row < rows; row++) {
      loss -= Math.log(Math.max(p[row * classes + labels[row]], Number.MIN_VALUE)) / rows;
      p[row * classes + labels[row]] -= 1;
      for (let f = 0; f <= columns; f++) {
        const x = (f < columns ? features[row * columns + f] : 1) / rows;
        for (let c = 0; c < classes; c++) gradient[f * classes + c] += x * p[row * classes + c];
      }
    }
    for (let i = 0; i < penalised; i++) {
      loss += (weights[i] * weights[i]) / (2 * rows);
      gradient[i] += weights[i] / rows;
    }
    return { weights, gradient, loss };
  };

  let point = evaluate(new Float64Array(penalised + classes));
  const history: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    if (point.gradient.every((g) => Math.abs(g) < 1e-10)) break;
    const direction = point.gradient.map((g) => -g);
    const alphas = history.map(() => 0);
    for (let h = history.length - 1; h >= 0; h--) {
      const { s, y, rho } = history[h];
      alphas[h] = rho * dot(s, direction);
      for (let i = 0; i < direction.length; i++) direction[i] -= alphas[h] * y[i];
    }
    const last = history.at(-1);
    const scale = last ? 1 / (last.rho * dot(last.y, last.y)) : 1;
    for (let i = 0; i < direction.length; i++) direction[i] *= scale;
    for (const [h, { s, y, rho }] of history.entries()) {
      const beta = alphas[h] - rho * dot(y, direction);
      for (let i = 0; i < direction.length; i++) direction[i] += beta * s[i];
    }
    const descent = dot(direction, point.gradient);
    let step = 1;
    let next = point;
    for (; step > 1e-10; step /= 2) {
      next = evaluate(point.weights.map((w, i) => w + step * direction[i]));
      if (next.loss <= point.loss + 1e-4 * step * descent) break;
    }
    // no step makes it smaller: the loss is flat to its last digit
    if (step <= 1e-10) break;
    const s = next.weights.map((w, i) => w - point.weights[i]);
    const y = next.gradient.map((g, i) => g - point.gradient[i]);
    const curvature = dot(s, y);
    if (curvature > 0) history.push({ s, y, rho: 1 / curvature });
    if (history.length > HISTORY) history.shift();
    point = next;
  }
  return { classes, weights: point.weights };
}
