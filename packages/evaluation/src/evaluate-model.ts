import { bootstrapGroups } from './comparisons.js';
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

type Data = Pick<EvaluationInput, 'classes' | 'clips' | 'splits'>;

const nullIfUndefined = (value: number) => (Number.isNaN(value) ? null : value);

function score({ labels, probabilities, scores }: ReturnType<typeof pool>, classes: number) {
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
 * The test clips, labels and probabilities of the given splits, one after the other; `scores` are what classes are
 * predicted by, decision values where the model has them.
 */
export function pool(
  { splits, clips, classes }: Data,
  model: FoldProbabilities,
  indices: readonly number[],
  decisions: FoldProbabilities = model,
) {
  const rows = indices.reduce((total, s) => total + splits[s].test.length, 0);
  const tested = new Int32Array(rows);
  const probabilities = new Float64Array(rows * classes.length);
  const scores = new Float64Array(rows * classes.length);
  let row = 0;
  for (const s of indices) {
    probabilities.set(model[s]!, row * classes.length);
    scores.set(decisions[s]!, row * classes.length);
    tested.set(splits[s].test, row);
    row += splits[s].test.length;
  }
  return { tested, labels: tested.map((i) => clips[i].label), probabilities, scores };
}

/** Every figure of one model from its out-of-fold probabilities. */
export function evaluateModel(
  data: Data,
  model: FoldProbabilities,
  about: Pick<ModelResults, 'name' | 'kind' | 'method' | 'members' | 'nested'>,
  decisions?: FoldProbabilities,
): ModelResults {
  const { classes, splits } = data;
  const present = splits.flatMap((_, s) => (model[s] ? [s] : []));
  const folds = present.map((s) => {
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
    if (own.some((s) => !model[s])) return [];
    return [{ repeat, ...score(pool(data, model, own, decisions), classes.length).metrics }];
  });
  const byProbability = (s: number) => score(pool(data, model, [s]), classes.length).metrics.accuracy;
  return {
    ...about,
    predictedBy: decisions ? 'decisions' : 'probabilities',
    complete: present.length === splits.length,
    folds,
    accuracy: summarise(folds.map((fold) => fold.accuracy)),
    balancedAccuracy: summarise(folds.map((fold) => fold.balancedAccuracy)),
    macroF1: summarise(folds.map((fold) => fold.macroF1)),
    logLoss: summarise(folds.map((fold) => fold.logLoss)),
    ...(decisions ? { probabilityAccuracy: summarise(present.map(byProbability)) } : {}),
    repeats,
    pooled: present.length === 0 ? null : evaluatePooled(data, model, present, decisions),
  };
}

function evaluatePooled(
  data: Data,
  model: FoldProbabilities,
  present: number[],
  decisions?: FoldProbabilities,
): ModelResults['pooled'] {
  const { classes, clips } = data;
  const pooled = pool(data, model, present, decisions);
  const { tested, labels, probabilities } = pooled;
  const { confusion, metrics } = score(pooled, classes.length);
  const predicted = argmaxRows(pooled.scores, classes.length);
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
      Array.from(tested, (i) => clips[i].group),
      labels,
      predicted,
      classes.length,
    ),
    reliability: reliabilityCurve(labels, probabilities, classes.length).map((bin) => ({
      ...bin,
      confidence: nullIfUndefined(bin.confidence),
      accuracy: nullIfUndefined(bin.accuracy),
    })),
  };
}

const BOOTSTRAP = { samples: 1000, seed: 0, level: 0.95 };

/** Bootstrap intervals over groups, in order of their first appearance; null for a single group. */
function intervals(
  groups: readonly string[],
  labels: Int32Array,
  predicted: Int32Array,
  classes: number,
): NonNullable<ModelResults['pooled']>['intervals'] {
  const rows = new Map<string, number[]>();
  for (const [row, group] of groups.entries()) {
    const own = rows.get(group);
    if (own) own.push(row);
    else rows.set(group, [row]);
  }
  if (rows.size < 2) return null;
  const confusions = Array.from(rows.values(), (own) =>
    confusionMatrix(
      own.map((row) => labels[row]),
      own.map((row) => predicted[row]),
      classes,
    ),
  );
  return {
    groups: rows.size,
    ...BOOTSTRAP,
    ...bootstrapGroups(confusions, { accuracy, balancedAccuracy, macroF1 }, BOOTSTRAP),
  };
}
