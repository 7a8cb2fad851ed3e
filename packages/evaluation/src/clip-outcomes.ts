import type { EvaluationInput, FoldProbabilities } from './evaluation-input.js';
import { argmaxRows } from './metrics.js';

export interface Errors {
  /** Number of predictions that were counted. A model predicts each clip once per repeat, unless folds are missing. */
  predictions: number;
  wrong: number;
}

/** How well one clip was predicted, over all models and repeats. */
export interface ClipOutcome extends Errors {
  clip: string;
  group: string;
  label: string;
  /** Mean probability of the true class. */
  truth: number;
  /** The class that was most often predicted wrongly for this clip; null if every prediction was right. */
  mistakenFor: string | null;
  byModel: Record<string, Errors>;
}

/** How well the clips of one group were predicted. */
export interface GroupOutcome extends Errors {
  group: string;
  labels: string[];
  clips: number;
  byModel: Record<string, Errors>;
}

/**
 * Returns the outcomes of every tested clip, in the order of the clips.
 * @param models probabilities per model, including fusions
 * @param decisions decision values of the models that choose classes by decision value
 */
export function clipOutcomes(
  { classes, clips, splits }: Pick<EvaluationInput, 'classes' | 'clips' | 'splits'>,
  models: ReadonlyMap<string, FoldProbabilities>,
  decisions?: ReadonlyMap<string, FoldProbabilities>,
): ClipOutcome[] {
  const answers = clips.map(() => new Int32Array(classes.length));
  const outcomes = clips.map(
    ({ id, group, label }): ClipOutcome => ({
      ...{ clip: id, group, label: classes[label], predictions: 0, wrong: 0, truth: 0, mistakenFor: null },
      byModel: Object.fromEntries(Array.from(models.keys(), (name) => [name, { predictions: 0, wrong: 0 }])),
    }),
  );
  for (const [name, folds] of models) {
    for (const [s, { test }] of splits.entries()) {
      const matrix = folds[s];
      if (!matrix) continue;
      const predicted = argmaxRows(decisions?.get(name)?.[s] ?? matrix, classes.length);
      for (const [row, clip] of test.entries()) {
        const { label } = clips[clip];
        const wrong = predicted[row] === label ? 0 : 1;
        const outcome = outcomes[clip];
        outcome.predictions++;
        outcome.wrong += wrong;
        outcome.truth += matrix[row * classes.length + label];
        outcome.byModel[name].predictions++;
        outcome.byModel[name].wrong += wrong;
        if (wrong) answers[clip][predicted[row]]++;
      }
    }
  }
  for (const [clip, outcome] of outcomes.entries()) {
    outcome.truth /= outcome.predictions;
    const most = answers[clip].indexOf(Math.max(...answers[clip]));
    if (outcome.wrong > 0) outcome.mistakenFor = classes[most];
  }
  return outcomes.filter(({ predictions }) => predictions > 0);
}

/** Returns the outcomes per group, in order of first appearance. */
export function groupOutcomes(outcomes: readonly ClipOutcome[]): GroupOutcome[] {
  const groups = new Map<string, GroupOutcome>();
  for (const { group, label, predictions, wrong, byModel } of outcomes) {
    let own = groups.get(group);
    if (!own) {
      const zeros = Object.keys(byModel).map((name) => [name, { predictions: 0, wrong: 0 }]);
      own = { group, labels: [], clips: 0, predictions: 0, wrong: 0, byModel: Object.fromEntries(zeros) };
      groups.set(group, own);
    }
    own.clips++;
    own.predictions += predictions;
    own.wrong += wrong;
    if (!own.labels.includes(label)) own.labels.push(label);
    for (const [name, errors] of Object.entries(byModel)) {
      own.byModel[name].predictions += errors.predictions;
      own.byModel[name].wrong += errors.wrong;
    }
  }
  return [...groups.values()];
}
