import { METRICS, type MetricName, type ModelResults, metricOf, type RunResults, scoreOf } from '@cryfold/evaluation';

/** What needs no model, as a sentence has it: its classes are the majority's, its probabilities the classes' shares. */
export function baselineName(metric: MetricName): string {
  return METRICS[metric].share
    ? 'always answering the majority class'
    : 'always giving each class its share of the training clips';
}

/** The same in a table's first column. */
export function baselineRow(metric: MetricName): string {
  return METRICS[metric].share ? '(majority class)' : '(shares of the classes)';
}

/** The baseline's mean over the folds that a model has; undefined where an earlier version did not compute this metric. */
export function baselineOn(
  { folds }: ModelResults,
  { baselines }: Pick<RunResults, 'baselines'>,
  metric: MetricName,
): number | undefined {
  const own = new Set(folds.map(({ repeat, fold }) => `${repeat}/${fold}`));
  const values = baselines.majority.folds.flatMap((fold) =>
    own.has(`${fold.repeat}/${fold.fold}`) ? [fold[metric]] : [],
  );
  let total = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    total += value;
  }
  return values.length === 0 ? undefined : total / values.length;
}

/** Names of the models whose mean, by the run's metric, is no better than the baseline's on the same folds. */
export function notBeatingMajority(results: RunResults): string[] {
  const metric = metricOf(results);
  return results.models
    .filter((model) => {
      const baseline = baselineOn(model, results, metric);
      const own = model[metric];
      return own && baseline !== undefined && scoreOf(metric, own.mean) - scoreOf(metric, baseline) <= 1e-9;
    })
    .map(({ name }) => name);
}
