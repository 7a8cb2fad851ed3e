import { bootstrapGroups } from './comparisons.js';
import type { EvaluationInput, FoldProbabilities } from './evaluate.js';
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

function score(labels: Int32Array, probabilities: Float64Array, classes: number) {
  const confusion = confusionMatrix(labels, argmaxRows(probabilities, classes), classes);
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

/** The test clips, labels and probabilities of the given splits, one after the other. */
export function pool({ splits, clips, classes }: Data, model: FoldProbabilities, indices: readonly number[]) {
  const rows = indices.reduce((total, s) => total + splits[s].test.length, 0);
  const tested = new Int32Array(rows);
  const probabilities = new Float64Array(rows * classes.length);
  let row = 0;
  for (const s of indices) {
    probabilities.set(model[s]!, row * classes.length);
    tested.set(splits[s].test, row);
    row += splits[s].test.length;
  }
  return { tested, labels: tested.map((i) => clips[i].label), probabilities };
}

/** Every figure of one model from its out-of-fold probabilities. */
export function evaluateModel(
  data: Data,
  model: FoldProbabilities,
  about: Pick<ModelResults, 'name' | 'kind' | 'method' | 'members'>,
): ModelResults {
  const { classes, splits } = data;
  const present = splits.flatMap((_, s) => (model[s] ? [s] : []));
  const folds = present.map((s) => {
    const { labels, probabilities } = pool(data, model, [s]);
    const { repeat, fold, test } = splits[s];
    return { repeat, fold, testCount: test.length, ...score(labels, probabilities, classes.length).metrics };
  });
  const repeats = [...new Set(splits.map((split) => split.repeat))].flatMap((repeat) => {
    const own = splits.flatMap((split, s) => (split.repeat === repeat ? [s] : []));
    if (own.some((s) => !model[s])) return [];
    const { labels, probabilities } = pool(data, model, own);
    return [{ repeat, ...score(labels, probabilities, classes.length).metrics }];
  });
  return {
    ...about,
    complete: present.length === splits.length,
    folds,
    accuracy: summarise(folds.map((fold) => fold.accuracy)),
    balancedAccuracy: summarise(folds.map((fold) => fold.balancedAccuracy)),
    macroF1: summarise(folds.map((fold) => fold.macroF1)),
    logLoss: summarise(folds.map((fold) => fold.logLoss)),
    repeats,
    pooled: present.length === 0 ? null : evaluatePooled(data, model, present),
  };
}

function evaluatePooled(data: Data, model: FoldProbabilities, present: number[]): ModelResults['pooled'] {
  const { classes, clips } = data;
  const { tested, labels, probabilities } = pool(data, model, present);
  const { confusion, metrics } = score(labels, probabilities, classes.length);
  const predicted = argmaxRows(probabilities, classes.length);
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
