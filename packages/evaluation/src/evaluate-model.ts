import { studentCritical } from './distributions.js';
import type { EvaluationInput, FoldProbabilities } from './evaluation-input.js';
import {
  accuracy,
  argmaxRows,
  balancedAccuracy,
  brier,
  cohenKappa,
  confusionMatrix,
  ece,
  logLoss,
  macroF1,
  matthews,
  precision,
  recall,
  reliabilityCurve,
  rowNormalise,
  summarise,
} from './metrics.js';
import type { ModelResults } from './results.js';
import { addTallies, jackknifeError, leaveOneOut, metricOfTally, type Tally, tallyGroups } from './tallies.js';

type Data = Pick<EvaluationInput, 'classes' | 'clips' | 'splits'>;

const nullIfUndefined = (value: number) => (Number.isNaN(value) ? null : value);

/** Test clips of one or more folds: their classes, and the predictions of a model (clips x classes). */
interface TestedRows {
  labels: ArrayLike<number>;
  probabilities: Float64Array;
  /** The values by which the predicted class is chosen */
  scores: Float64Array;
}

/** Computes the confusion matrix of some clips, and the four metrics that are computed for every fold. */
export function score({ labels, probabilities, scores }: TestedRows, classes: number) {
  const confusion = confusionMatrix(labels, argmaxRows(scores, classes), classes);
  return {
    confusion,
    metrics: {
      accuracy: accuracy(confusion),
      balancedAccuracy: balancedAccuracy(confusion),
      macroF1: macroF1(confusion),
      logLoss: logLoss(labels, probabilities, classes),
    },
  };
}

/**
 * Collects the labels and probabilities of the test clips of the given splits, in order. `scores` are the values by
 * which the class is chosen: decision values if the model has them, otherwise probabilities.
 */
function pool(
  { splits, clips, classes }: Data,
  model: FoldProbabilities,
  indices: readonly number[],
  decisions: FoldProbabilities = model,
) {
  const rows = indices.reduce((total, s) => total + splits[s].test.length, 0);
  const labels = new Int32Array(rows);
  const probabilities = new Float64Array(rows * classes.length);
  const scores = new Float64Array(rows * classes.length);
  let row = 0;
  for (const s of indices) {
    probabilities.set(model[s]!, row * classes.length);
    scores.set(decisions[s]!, row * classes.length);
    labels.set(
      splits[s].test.map((clip) => clips[clip].label),
      row,
    );
    row += splits[s].test.length;
  }
  return { labels, probabilities, scores };
}

type FoldFigures = ReturnType<typeof score>['metrics'];

/** Summarises each metric over folds. */
export function summaries(folds: readonly FoldFigures[]) {
  return {
    accuracy: summarise(folds.map((fold) => fold.accuracy)),
    balancedAccuracy: summarise(folds.map((fold) => fold.balancedAccuracy)),
    macroF1: summarise(folds.map((fold) => fold.macroF1)),
    logLoss: summarise(folds.map((fold) => fold.logLoss)),
  };
}

/** Computes all figures of one model from its out-of-fold probabilities. */
export function evaluateModel(
  data: Data,
  model: FoldProbabilities,
  about: Pick<ModelResults, 'name' | 'kind' | 'method' | 'members' | 'nested'>,
  decisions?: FoldProbabilities,
): ModelResults {
  const { classes, splits } = data;
  const present = splits.flatMap((_, s) => (model[s] ? [s] : []));
  // Metrics are undefined for a fold without test clips, which plans of earlier versions may contain.
  const measured = present.filter((s) => splits[s].test.length > 0);
  const folds = measured.map((s) => {
    const { repeat, fold, test } = splits[s];
    return {
      repeat,
      fold,
      testCount: test.length,
      ...score(pool(data, model, [s], decisions), classes.length).metrics,
    };
  });
  const repeats = [...new Set(splits.map((split) => split.repeat))].flatMap((repeat) => {
    const own = splits.flatMap((split, s) => (split.repeat === repeat ? [s] : []));
    if (own.some((s) => !model[s]) || own.every((s) => splits[s].test.length === 0)) return [];
    return [{ repeat, ...score(pool(data, model, own, decisions), classes.length).metrics }];
  });
  const byProbability = (s: number) => score(pool(data, model, [s]), classes.length).metrics.accuracy;
  return {
    ...about,
    predictedBy: decisions ? 'decisions' : 'probabilities',
    complete: present.length === splits.length,
    folds,
    ...summaries(folds),
    ...(decisions ? { probabilityAccuracy: summarise(measured.map(byProbability)) } : {}),
    repeats,
    pooled: measured.length === 0 ? null : evaluatePooled(data, model, measured, decisions),
  };
}

function evaluatePooled(
  data: Data,
  model: FoldProbabilities,
  present: number[],
  decisions?: FoldProbabilities,
): ModelResults['pooled'] {
  const { classes } = data;
  const pooled = pool(data, model, present, decisions);
  const { labels, probabilities } = pooled;
  const { confusion, metrics } = score(pooled, classes.length);
  const [recalls, precisions] = [recall(confusion), precision(confusion)];
  return {
    clips: labels.length,
    ...metrics,
    kappa: nullIfUndefined(cohenKappa(confusion)),
    matthews: matthews(confusion),
    brier: brier(labels, probabilities, classes.length),
    ece: ece(labels, probabilities, classes.length),
    confusion,
    rowNormalised: rowNormalise(confusion),
    perClass: classes.map((label, c) => ({
      label,
      recall: nullIfUndefined(recalls[c]),
      precision: nullIfUndefined(precisions[c]),
    })),
    intervals: intervals(
      tallyGroups(data, { probabilities: model, scores: decisions ?? model }, present),
      classes.length,
    ),
    reliability: reliabilityCurve(labels, probabilities, classes.length).map((bin) => ({
      ...bin,
      confidence: nullIfUndefined(bin.confidence),
      accuracy: nullIfUndefined(bin.accuracy),
    })),
  };
}

const LEVEL = 0.95;

/**
 * Computes intervals of pooled shares by leaving out one group at a time. Uses Student's t on the log-odds scale, so
 * that intervals stay within 0 and 1 and extend further towards 0.5 than away from it. Returns null for a single group.
 */
function intervals(tallies: readonly Tally[], classes: number): NonNullable<ModelResults['pooled']>['intervals'] {
  if (tallies.length < 2) return null;
  const sum = addTallies(tallies);
  const critical = studentCritical(1 - LEVEL, tallies.length - 1);
  const interval = (metric: 'accuracy' | 'balancedAccuracy' | 'macroF1') => {
    const statistic = (tally: Tally) => metricOfTally(metric, tally, classes);
    const value = statistic(sum);
    const error = jackknifeError(leaveOneOut(tallies, statistic));
    // If all clips are right, all are wrong, or all groups are equal, there is no information about how much the next
    // group could differ.
    if (!(value > 0 && value < 1 && error > 1e-12)) return null;
    const logOdds = Math.log(value / (1 - value));
    const reach = (critical * error) / (value * (1 - value));
    const share = (x: number) => 1 / (1 + Math.exp(-x));
    return { low: share(logOdds - reach), high: share(logOdds + reach) };
  };
  return {
    groups: tallies.length,
    method: 'jackknife',
    level: LEVEL,
    accuracy: interval('accuracy'),
    balancedAccuracy: interval('balancedAccuracy'),
    macroF1: interval('macroF1'),
  };
}
