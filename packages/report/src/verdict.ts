import {
  bestModelOf,
  groupsKnown,
  METRICS,
  type ModelResults,
  metricOf,
  type RunResults,
  scoreOf,
} from '@cryfold/evaluation';
import { baselineName } from './baseline.js';
import { oriented, pText, SIGNIFICANCE, unitsOf } from './comparison-table.js';
import { inflations } from './inflations.js';
import { metricText, valueText } from './metric-text.js';
import { named } from './names.js';

/**
 * States in one sentence each which model is best by the run's metric, by how much, and how certain this is. The
 * verdict must be shown with the warnings of `headlines`.
 * @param results with display names
 */
export function verdict(results: RunResults): string[] {
  const best = bestModelOf(results);
  if (!best) return ['No model has a result.'];
  const inflated =
    inflations(results).length > 0 ? ['These figures are too good, for the reasons in the warnings.'] : [];
  return [bestSentence(results, best), runnerUpSentence(results, best.model), intervalSentence(results, best.model)]
    .flatMap((one) => one ?? [])
    .concat(inflated);
}

/** Returns the verdict on stored results. */
export function verdictOf(stored: RunResults): string[] {
  return verdict(named(stored));
}

type Best = NonNullable<ReturnType<typeof bestModelOf>>;

/** States the best mean over folds, compared with the baseline. */
function bestSentence(results: RunResults, { metric, model, figures }: Best): string {
  const { title, sign } = METRICS[metric];
  const majority = results.baselines.majority[metric];
  const range = `from ${metricText(metric, figures.minimum)} to ${valueText(metric, figures.maximum)} over folds`;
  const start = `The ${sign > 0 ? 'highest' : 'lowest'} mean ${title} is ${valueText(metric, figures.mean)}, of ${model} (${range})`;
  if (!majority) return `${start}.`;
  const gain = sign * (figures.mean - majority.mean);
  const better = Math.abs(gain) < 1e-9 ? 'the same' : `${size(results, gain)} ${gain > 0 ? 'worse' : 'better'}`;
  return `${start}; ${baselineName(metric)} scores ${valueText(metric, majority.mean)}, ${better}.`;
}

/** The absolute value of a difference in the run's metric, with its unit. */
function size(results: RunResults, difference: number): string {
  const metric = metricOf(results);
  return `${metricText(metric, Math.abs(difference))}${METRICS[metric].share ? ' points' : ''}`;
}

/** States whether the best model differs from the second best. */
function runnerUpSentence(results: RunResults, model: string): string | undefined {
  const metric = metricOf(results);
  const score = (one: ModelResults) => scoreOf(metric, one[metric]?.mean ?? Number.NaN);
  const others = results.models.filter((one) => one.name !== model && one[metric]);
  if (others.length === 0) return undefined;
  const second = others.reduce((a, b) => (score(b) > score(a) ? b : a));
  const evidence = oriented(results, model, second.name);
  if (!evidence || evidence.difference === null) return undefined;
  const { difference, pHolm, untested } = evidence;
  if (pHolm === null)
    return `Whether ${model} is better than ${second.name}, the next best, was not tested: ${untested}.`;
  const p = `p ${pText(pHolm)} by ${unitsOf(results, evidence)}`;
  const shown = size(results, difference);
  const direction = scoreOf(metric, difference) > 0 ? 'better' : 'worse';
  const by = Number.parseFloat(shown) === 0 ? 'no difference' : `${shown} ${direction}`;
  // The test may pool clips, whereas the ranking uses means that weight folds equally, so even the direction can
  // differ.
  return pHolm < SIGNIFICANCE
    ? `${model} is ${direction} than ${second.name}, the next best, by ${shown} (${p}).`
    : `${model} is not shown to differ from ${second.name}, the next best (${by}, ${p}).`;
}

/** States the 95 % interval of the best model's pooled metric. */
function intervalSentence(results: RunResults, model: string): string | undefined {
  const metric = metricOf(results);
  const pooled = results.models.find(({ name }) => name === model)?.pooled;
  if (!pooled || metric === 'logLoss') return undefined;
  const interval = pooled.intervals?.[metric];
  if (!interval) return undefined;
  const units = groupsKnown(results.dataset) ? 'groups' : 'recordings, since groups are not known';
  const range = `${metricText(metric, interval.low)} to ${valueText(metric, interval.high)}`;
  return `Pooled over all test predictions, its ${METRICS[metric].title} is ${valueText(metric, pooled[metric])} (95 % interval ${range}, by ${units}).`;
}
