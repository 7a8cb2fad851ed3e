import { argmaxRows, type MetricName, metricOfCounts, RandomState, scoreOf } from '@cryfold/evaluation';

/** A trial's predictions for the test clips of one split. */
export interface TestedFold {
  test: ArrayLike<number>;
  /** Test clips x classes, row-major */
  probabilities: Float64Array;
  /**
   * The values that determine the predicted class: decision values if the model has any, otherwise the probabilities
   */
  scores: Float64Array;
}

/** The out-of-fold predictions of a trial by clip, averaged over the repeats that tested the clip. */
export interface TrialAnswers {
  /** Clips x classes: the share of repeats that predicted the class; zeros for clips that were never tested */
  answers: Float64Array;
  /** -ln(probability of the true class) by clip */
  losses: Float64Array;
}

/** @param labels class of each clip of the corpus */
export function trialAnswers(folds: Iterable<TestedFold>, labels: ArrayLike<number>, classes: number): TrialAnswers {
  const answers = new Float64Array(labels.length * classes);
  const losses = new Float64Array(labels.length);
  const counts = new Float64Array(labels.length);
  for (const { test, probabilities, scores } of folds) {
    const predicted = argmaxRows(scores, classes);
    for (let row = 0; row < test.length; row++) {
      const clip = test[row];
      answers[clip * classes + predicted[row]]++;
      losses[clip] -= Math.log(Math.max(probabilities[row * classes + labels[clip]], Number.EPSILON));
      counts[clip]++;
    }
  }
  const mean = (sum: number, count: number) => (count === 0 ? 0 : sum / count);
  return {
    answers: answers.map((sum, i) => mean(sum, counts[Math.floor(i / classes)])),
    losses: losses.map((sum, clip) => mean(sum, counts[clip])),
  };
}

/**
 * Computes the metric of weighted clips from sums: a flat confusion matrix, or the sum and the weight of the log-loss.
 */
function metricOf(metric: MetricName, totals: Float64Array, classes: number): number {
  return metric === 'logLoss' ? totals[0] / totals[1] : metricOfCounts(metric, totals, classes);
}

/**
 * The values that groups contribute to the sums from which `metricOf` computes the metric. Each value has a group, and
 * a cell that specifies the sum to which the value is added.
 */
interface Parts {
  group: Int32Array;
  cell: Int32Array;
  value: Float64Array;
}

function partsOf(metric: MetricName, trial: TrialAnswers, labels: ArrayLike<number>, groupOf: Int32Array): Parts {
  const classes = trial.answers.length / labels.length;
  const parts: [group: number, cell: number, value: number][] = [];
  for (let clip = 0; clip < labels.length; clip++) {
    if (!isTested(trial, clip, classes)) continue;
    if (metric === 'logLoss') parts.push([groupOf[clip], 0, trial.losses[clip]], [groupOf[clip], 1, 1]);
    else {
      for (let c = 0; c < classes; c++) {
        const value = trial.answers[clip * classes + c];
        if (value > 0) parts.push([groupOf[clip], labels[clip] * classes + c, value]);
      }
    }
  }
  return {
    group: Int32Array.from(parts, ([group]) => group),
    cell: Int32Array.from(parts, ([, cell]) => cell),
    value: Float64Array.from(parts, ([, , value]) => value),
  };
}

function isTested({ answers }: TrialAnswers, clip: number, classes: number): boolean {
  return answers.subarray(clip * classes, (clip + 1) * classes).some((share) => share > 0);
}

function addParts(totals: Float64Array, { group, cell, value }: Parts, weights: ArrayLike<number>): Float64Array {
  for (let i = 0; i < value.length; i++) totals[cell[i]] += weights[group[i]] * value[i];
  return totals;
}

/**
 * Returns the metric of a trial pooled over all tested clips, which differs from the mean over folds.
 * @param labels class of each clip
 */
export function pooledScore(metric: MetricName, trial: TrialAnswers, labels: ArrayLike<number>): number {
  const classes = trial.answers.length / labels.length;
  const parts = partsOf(metric, trial, labels, new Int32Array(labels.length));
  return metricOf(metric, addParts(new Float64Array(classes * classes), parts, [1]), classes);
}

export interface SelectionInput {
  metric: MetricName;
  /** Every trial that was started, not only the fully evaluated ones */
  trials: readonly TrialAnswers[];
  /** Class of each clip */
  labels: ArrayLike<number>;
  /** Group of each clip; whole groups are drawn */
  groups: readonly string[];
}

export interface CorrectedScore {
  /** The expected score of the selected trial on new clips, pooled over clips. A log-loss is positive */
  mean: number;
  /** 95 % percentile interval */
  low: number;
  high: number;
  samples: number;
}

/**
 * Computes the bootstrap bias-corrected score of the best of several trials, selected by their out-of-fold predictions.
 * Groups are drawn with replacement; the trial that is best on the drawn groups is selected, and scored on the other
 * groups. Nothing is trained. Each clip is counted once, with its average prediction over the draws that left its group
 * out. A single trial therefore gets exactly its own `pooledScore`, and so do trials with equal predictions. Source:
 * Tsamardinos, Greasidou, Borboudakis, "Bootstrapping the out-of-sample predictions for efficient and accurate
 * cross-validation", Machine Learning 107 (2018), algorithm BBC-CV.
 * @returns null for fewer than two groups, or if the trials were not tested on the same clips: the score of a trial
 * that was stopped after a fold or two depends more on chance than the bootstrap can reproduce
 */
export function correctedScore(
  { metric, trials, labels, groups }: SelectionInput,
  { samples = 1000, seed = 0 } = {},
): CorrectedScore | null {
  if (trials.length === 0 || !testedAlike(trials, labels.length)) return null;
  const classes = trials[0].answers.length / labels.length;
  // Some protocols test only part of the clips. A group without tested clips is not drawn.
  const names = [...new Set(groups.filter((_, clip) => isTested(trials[0], clip, classes)))];
  if (names.length < 2) return null;
  const index = new Map(names.map((name, g) => [name, g]));
  const groupOf = Int32Array.from(groups, (name) => index.get(name) ?? 0);
  const parts = trials.map((trial) => partsOf(metric, trial, labels, groupOf));
  // A log-loss needs two sums; other metrics need one for each pair of classes.
  const sums = () => new Float64Array(Math.max(2, classes * classes));
  const random = new RandomState(seed);
  const scores: number[] = [];
  const left = new Float64Array(names.length);
  /** For each trial and group, how often the trial was selected in a draw that left the group out */
  const judged = parts.map(() => new Float64Array(names.length));
  while (scores.length < samples) {
    const drawn = new Int32Array(names.length);
    for (let draw = 0; draw < names.length; draw++) drawn[random.randint(names.length)]++;
    // If every group is drawn, no group is left to score on.
    if (drawn.every((times) => times > 0)) continue;
    let best = 0;
    let most = Number.NEGATIVE_INFINITY;
    for (const [trial, own] of parts.entries()) {
      const inside = scoreOf(metric, metricOf(metric, addParts(sums(), own, drawn), classes));
      if (inside > most) [best, most] = [trial, inside];
    }
    const outside = drawn.map((times) => (times === 0 ? 1 : 0));
    scores.push(metricOf(metric, addParts(sums(), parts[best], outside), classes));
    for (const [group, times] of outside.entries()) {
      left[group] += times;
      judged[best][group] += times;
    }
  }
  const all = sums();
  for (const [trial, own] of parts.entries()) {
    const shares = judged[trial].map((times, group) => (left[group] === 0 ? 0 : times / left[group]));
    addParts(all, own, shares);
  }
  const sorted = scores.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (samples - 1))];
  return { mean: metricOf(metric, all, classes), low: at(0.025), high: at(0.975), samples };
}

function testedAlike(trials: readonly TrialAnswers[], clips: number): boolean {
  const classes = trials[0].answers.length / clips;
  return Array.from({ length: clips }, (_, clip) => clip).every((clip) => {
    const tested = isTested(trials[0], clip, classes);
    return trials.every((trial) => isTested(trial, clip, classes) === tested);
  });
}
