/** Represents weights (features x classes) as weighted sums of the training rows. */
interface Point {
  /** Coefficients, rows x classes */
  coefficients: Float64Array;
  /** Inner products of all rows with the weights, rows x classes */
  scores: Float64Array;
  /** Intercepts, one per class */
  intercepts: Float64Array;
}

export interface MultinomialProblem {
  /** Inner products of the training rows relative to their mean, rows x rows */
  products: Float64Array;
  /** Class of each row, 0 to classes - 1 */
  labels: Int32Array;
  classes: number;
  /** Inverse of the penalty's strength */
  C: number;
}

export interface MultinomialFit {
  /**
   * rows x classes; the weights are the sum of all rows, taken relative to their mean and multiplied by these
   * coefficients
   */
  coefficients: Float64Array;
  /** Intercepts for rows relative to the mean of the training rows */
  intercepts: Float64Array;
  iterations: number;
  converged: boolean;
}

const HISTORY = 20;
const MOST_ITERATIONS = 2000;
/**
 * Gradient norm, relative to the first one, at which the search stops. Probabilities are then accurate to about 1e-6
 */
const TOLERANCE = 1e-7;
/**
 * Used instead of `TOLERANCE` if rounding prevents further descent. A larger gradient means that the line search failed
 */
const ROUNDING_TOLERANCE = 1e-5;

/**
 * Minimises |weights|^2 / 2 + C * the negative log-likelihood of softmax(weights * row + intercept), as does
 * scikit-learn's LogisticRegression. Intercepts are not penalised. Uses L-BFGS (Nocedal and Wright, "Numerical
 * Optimization", algorithm 7.5), and represents each vector by coefficients of the training rows. The minimum and all
 * gradients are sums of these rows, so an iteration costs rows^2 instead of rows x pixels, and line searches cost very
 * little.
 */
export function fitMultinomial({ products, C, ...problem }: MultinomialProblem): MultinomialFit {
  // Scales the problem to rows of unit size, so that intercepts and weights have similar sizes regardless of the units
  // of the columns.
  const size = meanSquare(products, problem.labels.length) || 1;
  const fit = fitScaled({ ...problem, products: products.map((one) => one / size), C: C * size });
  return { ...fit, coefficients: fit.coefficients.map((one) => one / size) };
}

/** Root mean square of the norms of the rows */
function meanSquare(products: Float64Array, rows: number): number {
  let sum = 0;
  for (let i = 0; i < rows; i++) sum += products[i * (rows + 1)] / rows;
  return sum;
}

function fitScaled(problem: MultinomialProblem): MultinomialFit {
  const { labels, classes } = problem;
  const size = labels.length * classes;
  // For two classes, scikit-learn has a single vector, which is the difference between these two vectors. Half of that
  // vector's penalty equals the penalty of both vectors together.
  const penalty = (classes === 2 ? 2 : 1) / problem.C;
  const objective = new Objective(problem, penalty);
  const at = zero(size, classes);
  let gradient = objective.gradient(at);
  const norm = () => Math.sqrt(dot(gradient, gradient));
  const first = norm();
  const pairs: Pair[] = [];
  let iterations = 0;
  let converged = first === 0;
  for (; !converged && iterations < MOST_ITERATIONS; iterations++) {
    const direction = descend(gradient, pairs);
    const step = objective.lineSearch(at, direction, pairs.length === 0);
    if (step === 0) {
      converged = norm() <= ROUNDING_TOLERANCE * first;
      break;
    }
    add(at, direction, step);
    const next = objective.gradient(at);
    const change = combined(next, gradient, -1);
    const curvature = step * dot(direction, change);
    if (curvature > 0) {
      pairs.push({ step: combined(zero(size, classes), direction, step), change, curvature });
      if (pairs.length > HISTORY) pairs.shift();
    }
    gradient = next;
    converged = norm() <= TOLERANCE * first;
  }
  const { coefficients, intercepts } = at;
  return { coefficients, intercepts, iterations, converged };
}

interface Pair {
  step: Point;
  change: Point;
  curvature: number;
}

class Objective {
  readonly #problem: MultinomialProblem;
  readonly #penalty: number;

  constructor(problem: MultinomialProblem, penalty: number) {
    this.#problem = problem;
    this.#penalty = penalty;
  }

  gradient({ coefficients, scores, intercepts }: Point): Point {
    const { classes } = this.#problem;
    const errors = this.#errors(scores, intercepts);
    const out = { coefficients: errors, scores: this.#product(errors), intercepts: new Float64Array(classes) };
    for (let i = 0; i < errors.length; i++) out.intercepts[i % classes] += errors[i];
    for (let i = 0; i < errors.length; i++) {
      out.coefficients[i] += this.#penalty * coefficients[i];
      out.scores[i] += this.#penalty * scores[i];
    }
    return out;
  }

  /**
   * Applies Newton's method to the slope, which increases along the line since the objective is convex.
   * @param unscaled whether the length of `along` says nothing about the step size, as for a raw gradient
   * @returns 0 if no step is an improvement
   */
  lineSearch(at: Point, along: Point, unscaled: boolean): number {
    const { classes } = this.#problem;
    const penalties = [product(at.coefficients, along.scores), product(along.coefficients, along.scores)];
    const line = along.scores.map((score, i) => score + along.intercepts[i % classes]);
    const slopeAt = (step: number): [number, number] => {
      const scores = at.scores.map((score, i) => score + step * along.scores[i]);
      const probabilities = softmaxRows(
        scores,
        at.intercepts.map((one, k) => one + step * along.intercepts[k]),
      );
      const slope = this.#penalty * (penalties[0] + step * penalties[1]);
      return this.#slope(probabilities, line, [slope, this.#penalty * penalties[1]]);
    };
    const [start, bend] = slopeAt(0);
    if (!(start < 0)) return 0;
    let [low, high, step] = [0, Number.POSITIVE_INFINITY, unscaled && bend > 0 ? -start / bend : 1];
    for (let trial = 0; trial < 30; trial++) {
      const [slope, curvature] = slopeAt(step);
      if (Math.abs(slope) <= 0.1 * -start) return step;
      if (slope < 0) low = step;
      else high = step;
      const newton = step - slope / curvature;
      const inside = newton > low && newton < high;
      step = inside ? newton : high === Number.POSITIVE_INFINITY ? 2 * step : (low + high) / 2;
    }
    return low;
  }

  /** Returns the first and second derivatives along a line; `penalty` contains those of the penalty. */
  #slope(probabilities: Float64Array, line: Float64Array, penalty: [number, number]): [number, number] {
    const { labels, classes } = this.#problem;
    let [slope, curvature] = penalty;
    for (let i = 0, p = 0; i < labels.length; i++, p += classes) {
      let [mean, squares] = [0, 0];
      for (let k = 0; k < classes; k++) {
        mean += probabilities[p + k] * line[p + k];
        squares += probabilities[p + k] * line[p + k] ** 2;
      }
      slope += mean - line[p + labels[i]];
      curvature += squares - mean ** 2;
    }
    return [slope, curvature];
  }

  /** Returns the probabilities of each row, reduced by 1 for the class of the row */
  #errors(scores: Float64Array, intercepts: Float64Array): Float64Array {
    const { labels, classes } = this.#problem;
    const errors = softmaxRows(scores, intercepts);
    labels.forEach((label, i) => {
      errors[i * classes + label] -= 1;
    });
    return errors;
  }

  #product(right: Float64Array): Float64Array {
    const { products, labels, classes } = this.#problem;
    const n = labels.length;
    const out = new Float64Array(n * classes);
    const column = new Float64Array(n);
    for (let k = 0; k < classes; k++) {
      for (let j = 0; j < n; j++) column[j] = right[j * classes + k];
      for (let i = 0, p = 0; i < n; i++) {
        // Four independent sums can be computed in parallel.
        let [a, b, c, d] = [0, 0, 0, 0];
        let j = 0;
        for (; j + 4 <= n; j += 4, p += 4) {
          a += products[p] * column[j];
          b += products[p + 1] * column[j + 1];
          c += products[p + 2] * column[j + 2];
          d += products[p + 3] * column[j + 3];
        }
        for (; j < n; j++, p++) a += products[p] * column[j];
        out[i * classes + k] = a + b + (c + d);
      }
    }
    return out;
  }
}

/** Returns the softmax of each row of scores (rows x intercepts.length) after adding the intercept of each column. */
export function softmaxRows(scores: Float64Array, intercepts: Float64Array): Float64Array {
  const classes = intercepts.length;
  const out = new Float64Array(scores.length);
  for (let start = 0; start < scores.length; start += classes) {
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) {
      out[start + k] = scores[start + k] + intercepts[k];
      if (out[start + k] > most) most = out[start + k];
    }
    let sum = 0;
    for (let k = 0; k < classes; k++) {
      out[start + k] = Math.exp(out[start + k] - most);
      sum += out[start + k];
    }
    for (let k = 0; k < classes; k++) out[start + k] /= sum;
  }
  return out;
}

/** The two-loop recursion of L-BFGS. */
function descend(gradient: Point, pairs: readonly Pair[]): Point {
  const direction = combined(zero(gradient.coefficients.length, gradient.intercepts.length), gradient, -1);
  const factors = new Array<number>(pairs.length);
  for (let i = pairs.length - 1; i >= 0; i--) {
    factors[i] = dot(pairs[i].step, direction) / pairs[i].curvature;
    add(direction, pairs[i].change, -factors[i]);
  }
  const last = pairs.at(-1);
  const scale = last ? last.curvature / dot(last.change, last.change) : 1;
  for (const part of [direction.coefficients, direction.scores, direction.intercepts]) {
    for (let i = 0; i < part.length; i++) part[i] *= scale;
  }
  pairs.forEach(({ step, change, curvature }, i) => {
    add(direction, step, factors[i] - dot(change, direction) / curvature);
  });
  return direction;
}

function zero(size: number, classes: number): Point {
  const [coefficients, scores] = [new Float64Array(size), new Float64Array(size)];
  return { coefficients, scores, intercepts: new Float64Array(classes) };
}

function add(to: Point, other: Point, factor: number): void {
  for (const part of ['coefficients', 'scores', 'intercepts'] as const) {
    const [left, right] = [to[part], other[part]];
    for (let i = 0; i < left.length; i++) left[i] += factor * right[i];
  }
}

function combined({ coefficients, scores, intercepts }: Point, other: Point, factor: number): Point {
  const out = { coefficients: coefficients.slice(), scores: scores.slice(), intercepts: intercepts.slice() };
  add(out, other, factor);
  return out;
}

/** Returns the inner product of the weight and intercept vectors of two points. */
function dot(a: Point, b: Point): number {
  return product(a.coefficients, b.scores) + product(a.intercepts, b.intercepts);
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
