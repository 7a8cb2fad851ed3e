import type { MetricName } from '@cryfold/evaluation';
import { RandomState } from '@cryfold/evaluation';

export interface SelectionInput {
  metric: MetricName;
  /**
   * Per trial, what each clip adds to its score when it was tested, as a mean over repeats: the share of right answers,
   * or the log-loss with its sign changed; larger is better
   */
  values: readonly Float64Array[];
  /** Class of each clip */
  labels: ArrayLike<number>;
  /** What each clip's group is called: groups are drawn as wholes */
  groups: readonly string[];
}

export interface CorrectedScore {
  /** What the chosen trial is expected to score on new clips; as the metric has it, so a log-loss is positive */
  mean: number;
  /** 95 % percentile interval */
  low: number;
  high: number;
  samples: number;
}

/** Sums and counts by class, of which accuracy and balanced accuracy follow. */
class Tally {
  readonly #sums: Float64Array;
  readonly #counts: Float64Array;

  constructor(classes: number) {
    this.#sums = new Float64Array(classes);
    this.#counts = new Float64Array(classes);
  }

  add(label: number, value: number, weight: number): void {
    this.#sums[label] += weight * value;
    this.#counts[label] += weight;
  }

  score(balanced: boolean): number {
    let sum = 0;
    let count = 0;
    for (let c = 0; c < this.#sums.length; c++) {
      if (this.#counts[c] === 0) continue;
      sum += balanced ? this.#sums[c] / this.#counts[c] : this.#sums[c];
      count += balanced ? 1 : this.#counts[c];
    }
    return sum / count;
  }
}

/**
 * The bootstrap bias-corrected score of choosing the best of several trials by their out-of-fold predictions: groups
 * are drawn with replacement, the best trial on those drawn is chosen, and scored on those that were not. Nothing is
 * trained. The mean is over all clips scored in all draws, not over draws: groups differ in size, and a mean over draws
 * would give a single trial another score than its own. Source: Tsamardinos, Greasidou, Borboudakis, "Bootstrapping the out-of-sample predictions for efficient and
 * accurate cross-validation", Machine Learning 107 (2018), algorithm BBC-CV.
 * @returns null for fewer than two groups
 */
export function correctedScore(
  { metric, values, labels, groups }: SelectionInput,
  { samples = 1000, seed = 0 } = {},
): CorrectedScore | null {
  const names = [...new Set(groups)];
  const index = new Map(names.map((name, g) => [name, g]));
  const groupOf = Int32Array.from(groups, (name) => index.get(name)!);
  if (names.length < 2 || values.length === 0) return null;
  const classes = Math.max(...Array.from(labels)) + 1;
  const balanced = metric === 'balancedAccuracy';
  const random = new RandomState(seed);
  const scores: number[] = [];
  const all = new Tally(classes);
  while (scores.length < samples) {
    const drawn = new Int32Array(names.length);
    for (let draw = 0; draw < names.length; draw++) drawn[random.randint(names.length)]++;
    // Two groups may both be drawn, which leaves nothing to score on.
    if (drawn.every((times) => times > 0)) continue;
    const add = (tally: Tally, own: Float64Array, weight: (times: number) => number) => {
      for (let i = 0; i < own.length; i++) tally.add(labels[i], own[i], weight(drawn[groupOf[i]]));
      return tally;
    };
    let best = values[0];
    let most = Number.NEGATIVE_INFINITY;
    for (const own of values) {
      const inside = add(new Tally(classes), own, (times) => times).score(balanced);
      if (inside > most) [best, most] = [own, inside];
    }
    const outside = (times: number) => (times === 0 ? 1 : 0);
    scores.push(add(new Tally(classes), best, outside).score(balanced));
    add(all, best, outside);
  }
  const sign = metric === 'logLoss' ? -1 : 1;
  const sorted = scores.map((score) => sign * score).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (samples - 1))];
  return { mean: sign * all.score(balanced), low: at(0.025), high: at(0.975), samples };
}
