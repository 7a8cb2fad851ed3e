/**
 * Metrics equal to scikit-learn 1.9's to 1e-12. Labels and predictions are class indices; probabilities are row-major,
 * clips x classes. Values that scikit-learn leaves undefined are NaN here and null in results.json.
 */

/** Counts of clips, `[true class][predicted class]`. */
export type Confusion = readonly (readonly number[])[];

/** Returns the first class with the largest probability of each row, like numpy's argmax. */
export function argmaxRows(probabilities: ArrayLike<number>, classes: number): Int32Array {
  const rows = new Int32Array(probabilities.length / classes);
  for (let row = 0; row < rows.length; row++) {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if (probabilities[row * classes + c] > probabilities[row * classes + best]) best = c;
    }
    rows[row] = best;
  }
  return rows;
}

export function confusionMatrix(labels: ArrayLike<number>, predicted: ArrayLike<number>, classes: number): number[][] {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) confusion[labels[i]][predicted[i]]++;
  return confusion;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;
const columnSum = (confusion: Confusion, c: number) => sum(confusion.map((row) => row[c]));
const trace = (confusion: Confusion) => sum(confusion.map((row, c) => row[c]));

/**
 * Divides each row by its sum (`confusion_matrix(normalize='true')`). If a class has no clips, its row contains zeros.
 */
export function rowNormalise(confusion: Confusion): number[][] {
  return confusion.map((row) => {
    const total = sum(row);
    return row.map((count) => (total === 0 ? 0 : count / total));
  });
}

/** Share of correctly predicted clips, in [0, 1] (`accuracy_score`). */
export function accuracy(confusion: Confusion): number {
  return trace(confusion) / sum(confusion.map(sum));
}

/** For each class, the share of its clips that were predicted as this class; NaN for a class without clips. */
export function recall(confusion: Confusion): number[] {
  return confusion.map((row, c) => row[c] / sum(row));
}

/** For each class, the share of its predictions that were right; NaN for a class that was never predicted. */
export function precision(confusion: Confusion): number[] {
  return confusion.map((row, c) => row[c] / columnSum(confusion, c));
}

/** Mean recall of the classes that have clips (`balanced_accuracy_score`, also called UAR), in [0, 1]. */
export function balancedAccuracy(confusion: Confusion): number {
  return mean(recall(confusion).filter((value) => !Number.isNaN(value)));
}

/** Mean F1 of the classes that have clips or predictions (`f1_score(average='macro')`), in [0, 1]. */
export function macroF1(confusion: Confusion): number {
  const scores = confusion.map((row, c) => (2 * row[c]) / (sum(row) + columnSum(confusion, c)));
  return mean(scores.filter((value) => !Number.isNaN(value)));
}

/** Agreement beyond chance (`cohen_kappa_score`), at most 1; NaN if all labels and predictions are the same class. */
export function cohenKappa(confusion: Confusion): number {
  const total = sum(confusion.map(sum));
  const expected = sum(confusion.map((row, c) => (sum(row) * columnSum(confusion, c)) / total));
  return 1 - (total - trace(confusion)) / (total - expected);
}

/** Matthews correlation (`matthews_corrcoef`), in [-1, 1]; 0 if all labels or all predictions are the same class. */
export function matthews(confusion: Confusion): number {
  const total = sum(confusion.map(sum));
  if (total === 0) return Number.NaN;
  const rows = confusion.map(sum);
  const columns = confusion.map((_, c) => columnSum(confusion, c));
  const squares = (values: number[]) => total * total - sum(values.map((value) => value * value));
  const scale = squares(rows) * squares(columns);
  if (scale === 0) return 0;
  return (trace(confusion) * total - sum(rows.map((row, c) => row * columns[c]))) / Math.sqrt(scale);
}

/** Mean of -ln(probability of the true class), with probabilities clipped to [e, 1 - e], e = 2^-52 (`log_loss`). */
export function logLoss(labels: ArrayLike<number>, probabilities: ArrayLike<number>, classes: number): number {
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const p = probabilities[i * classes + labels[i]];
    total -= Math.log(Math.min(Math.max(p, Number.EPSILON), 1 - Number.EPSILON));
  }
  return total / labels.length;
}

/** Mean squared distance from the indicator of the true class, in [0, 2] (`brier_score_loss(scale_by_half=False)`). */
export function brier(labels: ArrayLike<number>, probabilities: ArrayLike<number>, classes: number): number {
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    for (let c = 0; c < classes; c++) total += (probabilities[i * classes + c] - (c === labels[i] ? 1 : 0)) ** 2;
  }
  return total / labels.length;
}

/** One bin of a reliability curve: the clips whose top probability is in (low, high]. */
export interface ReliabilityBin {
  low: number;
  high: number;
  count: number;
  /** Mean top probability, and share of correct predictions, of the bin's clips; NaN for an empty bin. */
  confidence: number;
  accuracy: number;
}

/** Reliability of the predicted class over bins of equal width (Guo et al., "On Calibration", 2017, section 2). */
export function reliabilityCurve(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
  bins = 15,
): ReliabilityBin[] {
  const predicted = argmaxRows(probabilities, classes);
  const count = new Float64Array(bins);
  const confidence = new Float64Array(bins);
  const right = new Float64Array(bins);
  for (let i = 0; i < labels.length; i++) {
    const top = probabilities[i * classes + predicted[i]];
    const bin = Math.min(Math.max(Math.ceil(top * bins) - 1, 0), bins - 1);
    count[bin]++;
    confidence[bin] += top;
    if (predicted[i] === labels[i]) right[bin]++;
  }
  return Array.from(count, (n, bin) => ({
    low: bin / bins,
    high: (bin + 1) / bins,
    count: n,
    confidence: confidence[bin] / n,
    accuracy: right[bin] / n,
  }));
}

/** Expected calibration error in [0, 1]: mean |accuracy - confidence| over the bins, weighted by clips (Guo et al.). */
export function ece(labels: ArrayLike<number>, probabilities: ArrayLike<number>, classes: number, bins = 15): number {
  const curve = reliabilityCurve(labels, probabilities, classes, bins).filter((bin) => bin.count > 0);
  return sum(curve.map((bin) => bin.count * Math.abs(bin.accuracy - bin.confidence))) / labels.length;
}

export interface Summary {
  mean: number;
  /** Sample standard deviation, divided by count - 1 (numpy's `ddof=1`); null for fewer than two values. */
  standardDeviation: number | null;
  minimum: number;
  maximum: number;
  count: number;
}

/**
 * Computes the mean, spread and range of one value per fold. Returns null if there are no values. The paper does not
 * specify which standard deviation it uses. Since folds are a sample of all possible folds, this is the sample
 * deviation (numpy's default divides by count).
 */
export function summarise(values: readonly number[]): Summary | null {
  if (values.length === 0) return null;
  const centre = mean(values);
  const squares = sum(values.map((value) => (value - centre) ** 2));
  return {
    mean: centre,
    standardDeviation: values.length < 2 ? null : Math.sqrt(squares / (values.length - 1)),
    minimum: Math.min(...values),
    maximum: Math.max(...values),
    count: values.length,
  };
}
