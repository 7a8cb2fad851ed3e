import { studentCritical } from './distributions.js';
import { METRICS, type MetricName } from './metric.js';
import { RandomState } from './random-state.js';
import { addTallies, jackknifeError, leaveOneOut, metricOfTally, type Tally } from './tallies.js';

/**
 * Minimum number of groups for a test. With fewer groups, no p-value can be below 5 %: with 5 groups, the smallest
 * possible p-value is 2 / 2^5. Promoting a model requires more groups (see `CONTEST_GROUPS`).
 */
export const LEAST_GROUPS = 6;

/** If the models differ on at most this many groups, every possible exchange is tried. */
const EXACT = 13;
const SAMPLES = 10_000;

/** Reasons why there is no p-value. */
export const UNTESTED = ['too few folds', 'too few groups', 'no spread'] as const;
export type Untested = (typeof UNTESTED)[number];

/** Compares two models' predictions for the same groups. */
export interface GroupTest {
  groups: number;
  /** The first model's metric minus the second model's, each pooled over all compared predictions */
  difference: number;
  /** 95 % interval; null if there are fewer than two groups, or if leaving a group out changes nothing */
  low: number | null;
  high: number | null;
  /** Two-sided p-value; if it is null, `untested` states why */
  pValue: number | null;
  /** Whether every possible exchange of groups was tried. If not, the p-value is based on 10,000 random exchanges */
  exact: boolean;
  untested?: Untested;
}

/**
 * For a group on which the two models differ: the positions at which their tallies differ, and the differences (second
 * minus first).
 */
interface Delta {
  at: number[];
  by: number[];
}

/**
 * Tests whether two models differ on groups, such as speakers. If the models do not differ, their predictions for any
 * group are exchangeable. The p-value is the share of exchanges that result in at least the observed difference
 * (sign-flip permutation test). Clips of one group need not be independent, and repeats of a cross-validation do not
 * count as additional evidence. The interval is based on Student's t, with the standard error from leaving out one
 * group at a time. Random exchanges are numpy's `RandomState(0).randint(2, size=(10000, groups that differ))`.
 * @param tallies of each model, by group, in the same order
 */
export function testGroups(
  metric: MetricName,
  [a, b]: readonly [readonly Tally[], readonly Tally[]],
  classes: number,
): GroupTest {
  const groups = a.length;
  const [sumA, sumB] = [addTallies(a), addTallies(b)];
  const value = (tally: Tally) => metricOfTally(metric, tally, classes);
  const difference = value(sumA) - value(sumB);
  const withoutB = leaveOneOut(b, value);
  const error = groups < 2 ? 0 : jackknifeError(leaveOneOut(a, value).map((own, g) => own - withoutB[g]));
  const reach = error > 1e-12 ? studentCritical(0.05, groups - 1) * error : null;
  // If the metric is a share, two values of it cannot differ by more than 1.
  const most = METRICS[metric].share ? 1 : Number.POSITIVE_INFINITY;
  const interval =
    reach === null
      ? { low: null, high: null }
      : { low: Math.max(-most, difference - reach), high: Math.min(most, difference + reach) };

  // Only compares the values that the metric uses. For example, the accuracy depends on the predicted classes, not on
  // the probabilities.
  const cells = metric === 'logLoss' ? ([classes ** 2, classes ** 2 + 2] as const) : ([0, classes ** 2] as const);
  const deltas = a.flatMap((tally, g) => deltaOf(tally, b[g], cells) ?? []);
  const exact = deltas.length <= EXACT;
  const base = { groups, difference, ...interval, exact };
  if (groups < LEAST_GROUPS) return { ...base, pValue: null, untested: 'too few groups' };
  if (deltas.length === 0) return { ...base, pValue: null, untested: 'no spread' };
  const [ownA, ownB] = [sumA.slice(), sumB.slice()];
  let extreme = 0;
  const reached = Math.abs(difference) - 1e-9;
  for (const flips of exact ? allFlips(deltas.length) : randomFlips(deltas.length)) {
    ownA.set(sumA);
    ownB.set(sumB);
    for (let d = 0; d < flips.length; d++) if (flips[d]) exchange(ownA, ownB, deltas[d]);
    if (Math.abs(value(ownA) - value(ownB)) >= reached) extreme++;
  }
  const pValue = exact ? extreme / 2 ** deltas.length : (extreme + 1) / (SAMPLES + 1);
  return { ...base, pValue };
}

function deltaOf(a: Tally, b: Tally, [from, to]: readonly [number, number]): Delta | undefined {
  const delta: Delta = { at: [], by: [] };
  for (let i = from; i < to; i++) {
    if (a[i] === b[i]) continue;
    delta.at.push(i);
    delta.by.push(b[i] - a[i]);
  }
  return delta.at.length > 0 ? delta : undefined;
}

function exchange(a: Tally, b: Tally, { at, by }: Delta): void {
  for (let i = 0; i < at.length; i++) {
    a[at[i]] += by[i];
    b[at[i]] -= by[i];
  }
}

function* allFlips(count: number): Generator<Uint8Array> {
  const flips = new Uint8Array(count);
  for (let code = 0; code < 2 ** count; code++) {
    for (let d = 0; d < count; d++) flips[d] = (code >> d) & 1;
    yield flips;
  }
}

function* randomFlips(count: number): Generator<Uint8Array> {
  const random = new RandomState(0);
  const flips = new Uint8Array(count);
  for (let sample = 0; sample < SAMPLES; sample++) {
    for (let d = 0; d < count; d++) flips[d] = random.randint(2);
    yield flips;
  }
}
