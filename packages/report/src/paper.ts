import type { ModelResults, RunResults } from '@cryfold/evaluation';

/** Accuracies in percent that the paper (Le, Kabir, Ji, Basodi, Pan; Table II and text) gives for Baby Chillanto. */
const MEANS: Readonly<Record<string, number>> = { 'small-cnn': 87.03, 'tl-resnet50': 90.8, svm: 90.1 };
const COMBINED_MAXIMUM = 91.1;

/** The paper's figure for a model of this kind, if it has one, and what it is. */
export function paperFigure(
  model: ModelResults,
  models: readonly ModelResults[],
): { percent: number; is: 'mean' | 'maximum' } | undefined {
  if (model.kind === 'estimator') {
    const mean = MEANS[model.method];
    return mean === undefined ? undefined : { percent: mean, is: 'mean' };
  }
  const methods = model.members?.map((name) => models.find((other) => other.name === name)?.method).sort();
  const isPapers = model.method === 'mean' && methods?.join() === 'svm,tl-resnet50';
  return isPapers ? { percent: COMBINED_MAXIMUM, is: 'maximum' } : undefined;
}

/** The mean accuracy of the majority baseline over the folds that a model has. */
export function majorityOn(model: ModelResults, { baselines }: RunResults): number {
  const own = baselines.majority.folds.filter(({ repeat, fold }) =>
    model.folds.some((other) => other.repeat === repeat && other.fold === fold),
  );
  return own.reduce((total, { accuracy }) => total + accuracy, 0) / own.length;
}

/** Names of the models whose mean accuracy is no higher than the majority baseline's on the same folds. */
export function notBeatingMajority(results: RunResults): string[] {
  return results.models
    .filter((model) => model.accuracy && model.accuracy.mean - majorityOn(model, results) <= 1e-9)
    .map((model) => model.name);
}
