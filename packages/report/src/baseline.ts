import { METRICS, type MetricName, type ModelResults, metricOf, type RunResults, scoreOf } from '@cryfold/evaluation';

/** Describes the baseline in one sentence: it predicts the majority class, with the class shares as probabilities. */
export function baselineName(metric: MetricName): string {
  return METRICS[metric].share
    ? 'always predicting the majority class'
    : 'always predicting the class shares of the training clips';
}

/** Returns the text that describes the baseline in the first column of a table. */
export function baselineRow(metric: MetricName): string {
  return METRICS[metric].share ? '(majority class)' : '(class shares)';
}

/**
 * The baseline's mean over the folds of a model; undefined if the results are from an earlier version that did not
 * compute this metric.
 */
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

/**
 * Returns the names of the models that are not better than the baseline. Both are measured by the mean of the run's
 * metric over the same folds.
 */
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
