/** Logits by clip and class. */
interface Logits {
  /** Row-major, clips x classes */
  values: Float64Array;
  classes: number;
}

/** Computes the logits of probabilities. A probability of 0 is replaced by 2^-52. */
function logits(probabilities: Float64Array, classes: number): Logits {
  return { values: probabilities.map((p) => Math.log(Math.max(p, Number.EPSILON))), classes };
}

/**
 * Computes the probabilities of one clip from its logits times `scale`.
 * @param start index of the clip's first class, in both the logits and `out`
 */
function softmaxRow({ values: z, classes }: Logits, start: number, scale: number, out: Float64Array): void {
  let top = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < classes; c++) top = Math.max(top, scale * z[start + c]);
  let total = 0;
  for (let c = 0; c < classes; c++) total += out[start + c] = Math.exp(scale * z[start + c] - top);
  for (let c = 0; c < classes; c++) out[start + c] /= total;
}

/** Computes the probabilities of all clips from their logits times `scale`. */
export function softmaxRows(rows: Logits, scale = 1): Float64Array {
  const out = new Float64Array(rows.values.length);
  for (let start = 0; start < out.length; start += rows.classes) softmaxRow(rows, start, scale, out);
  return out;
}

/**
 * Returns probabilities^(1/temperature), normalised by row. A temperature above 1 softens the probabilities, and a
 * temperature below 1 sharpens them. The order of a row's classes does not change, and neither does the accuracy.
 */
export function applyTemperature(probabilities: Float64Array, classes: number, temperature: number): Float64Array {
  return softmaxRows(logits(probabilities, classes), 1 / temperature);
}

/** Limit of the temperature, which matters if the likelihood has no maximum (for example if all clips are wrong). */
const LIMITS = { least: Math.exp(-10), most: Math.exp(10) };

/**
 * Finds the temperature with the lowest log-loss (Guo et al., "On Calibration of Modern Neural Networks", 2017),
 * between e^-10 and e^10 as in scikit-learn's `CalibratedClassifierCV(method='temperature')`. Fit the temperature only
 * on predictions for clips on which the model was not trained and which are not in the test fold.
 * @param labels class indices
 * @param probabilities row-major, clips x classes
 */
export function fitTemperature(labels: ArrayLike<number>, probabilities: Float64Array, classes: number): number {
  const rows = logits(probabilities, classes);
  const z = rows.values;
  const p = new Float64Array(z.length);
  /**
   * Derivative of the log-loss with respect to 1/temperature, which is the expected logit minus the logit of the true
   * class. It increases monotonically, since the loss is convex.
   */
  const slope = (scale: number) => {
    let total = 0;
    for (let i = 0, start = 0; i < labels.length; i++, start += classes) {
      softmaxRow(rows, start, scale, p);
      for (let c = 0; c < classes; c++) total += p[start + c] * z[start + c];
      total -= z[start + labels[i]];
    }
    return total;
  };
  let [low, high] = [Math.log(1 / LIMITS.most), Math.log(1 / LIMITS.least)];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (slope(Math.exp(middle)) < 0) low = middle;
    else high = middle;
  }
  return Math.exp(-(low + high) / 2);
}
