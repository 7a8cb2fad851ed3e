import type { MetricName } from './metric.js';
import { accuracy, balancedAccuracy, type Confusion, macroF1, logLoss as meanLogLoss } from './metrics.js';
import { RandomState } from './random-state.js';

/** What a model predicted for some rows, each a test of a clip. */
export interface Predicted {
  /** The class of each row */
  winners: ArrayLike<number>;
  /** Rows x classes, row-major; each row adds to 1 */
  probabilities: Float64Array;
}

export interface PairedRows {
  classes: number;
  /** True class of each row */
  labels: ArrayLike<number>;
  /** What each row must stay together with, such as an infant, or the clip itself */
  groups: readonly string[];
  a: Predicted;
  b: Predicted;
}

/** Two models on the same rows, tested over groups. */
export interface GroupTest {
  groups: number;
  /** The metric over all rows of each model */
  a: number;
  b: number;
  /** Two-sided */
  pValue: number;
}

/** Sums that decide a metric, as a flat vector: a confusion matrix, or the sum of losses and the number of rows. */
interface Sums {
  size: number;
  /** Adds a row's part to the sums. */
  add(sums: Float64Array, model: Predicted, row: number): void;
  value(sums: Float64Array): number;
}

const OF_CONFUSION: Record<Exclude<MetricName, 'logLoss'>, (confusion: Confusion) => number> = {
  ...{ accuracy, balancedAccuracy, macroF1 },
};

function sumsOf(metric: MetricName, { labels, classes }: PairedRows): Sums {
  if (metric === 'logLoss') {
    return {
      size: 2,
      add(sums, { probabilities }, row) {
        sums[0] += meanLogLoss([labels[row]], probabilities.subarray(row * classes, (row + 1) * classes), classes);
        sums[1]++;
      },
      value: ([loss, rows]) => loss / rows,
    };
  }
  const of = OF_CONFUSION[metric];
  // Filled again for each value: thousands are asked for.
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  return {
    size: classes * classes,
    add(sums, { winners }, row) {
      sums[labels[row] * classes + winners[row]]++;
    },
    value(sums) {
      for (let cell = 0; cell < sums.length; cell++) {
        confusion[Math.floor(cell / classes)][cell % classes] = sums[cell];
      }
      return of(confusion);
    },
  };
}

/** Where exchanging a group's predictions changes the sums of model a, and by how much. */
function exchanges(sums: Sums, { groups, a, b }: PairedRows): { cells: number[]; changes: number[] }[] {
  const changes = new Map<string, Float64Array>();
  for (const [row, group] of groups.entries()) {
    const change = changes.get(group) ?? new Float64Array(sums.size);
    changes.set(group, change);
    const own = new Float64Array(sums.size);
    sums.add(own, a, row);
    sums.add(change, b, row);
    own.forEach((value, cell) => {
      change[cell] -= value;
    });
  }
  return Array.from(changes.values(), (change) => {
    const cells = [...change.keys()].filter((cell) => change[cell] !== 0);
    return { cells, changes: cells.map((cell) => change[cell]) };
  });
}

/**
 * Paired randomisation test over groups: if two models are equally good, exchanging their predictions for any group
 * changes nothing, so the observed difference is compared with those of random exchanges. All rows of a group are
 * exchanged together, since the clips of one infant, and the repeats of one clip, are no independent evidence. For the
 * accuracy it is the sign-flip test of the groups' differences. Source: Yeh, "More accurate tests for the statistical
 * significance of result differences" (2000); Phipson and Smyth, "Permutation p-values should never be zero" (2010).
 * @param samples random exchanges; the smallest p-value is 1 / (samples + 1)
 */
export function pairedGroupTest(
  rows: PairedRows,
  metric: MetricName,
  { samples = 9999, seed = 0 }: { samples?: number; seed?: number } = {},
): GroupTest {
  const sums = sumsOf(metric, rows);
  const totalOf = (model: Predicted) => {
    const total = new Float64Array(sums.size);
    for (let row = 0; row < rows.groups.length; row++) sums.add(total, model, row);
    return total;
  };
  const [ofA, ofB] = [totalOf(rows.a), totalOf(rows.b)];
  const [a, b] = [sums.value(ofA), sums.value(ofB)];
  const groups = exchanges(sums, rows);
  // Groups for which both models give the same sums change nothing.
  const differing = groups.filter(({ cells }) => cells.length > 0);
  // Rounding must not make an equal difference look smaller.
  const observed = Math.abs(a - b) * (1 - 1e-12);
  const random = new RandomState(seed);
  const [left, right] = [new Float64Array(sums.size), new Float64Array(sums.size)];
  let reached = 0;
  for (let sample = 0; sample < samples; sample++) {
    left.set(ofA);
    right.set(ofB);
    let bits = 0;
    for (const [g, { cells, changes }] of differing.entries()) {
      bits = g % 32 === 0 ? random.uint32() : bits >>> 1;
      if ((bits & 1) === 0) continue;
      for (let i = 0; i < cells.length; i++) {
        left[cells[i]] += changes[i];
        right[cells[i]] -= changes[i];
      }
    }
    if (Math.abs(sums.value(left) - sums.value(right)) >= observed - 1e-12) reached++;
  }
  return { groups: groups.length, a, b, pValue: (reached + 1) / (samples + 1) };
}
