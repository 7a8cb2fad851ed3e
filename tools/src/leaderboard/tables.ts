import { type Evidence, evidenceOf, holm, type ModelResults, type RunResults } from '@cryfold/evaluation';
import { markdownTable } from '../estimates.js';

/** The results of one spec on one corpus. */
export interface Evaluated {
  random: RunResults;
  grouped: RunResults;
}

const percent = (share: number) => (100 * share).toFixed(1);

/** Formats the mean and standard deviation over folds, or `-` if no fold has a result. */
function summaryText(summary: ModelResults['accuracy']): string {
  if (!summary) return '-';
  const { mean, standardDeviation } = summary;
  return `${percent(mean)}${standardDeviation === null ? '' : ` ± ${percent(standardDeviation)}`}`;
}

/** Formats the 95 % interval over groups for the balanced accuracy of all test clips together. */
function intervalText({ pooled }: ModelResults): string {
  const interval = pooled?.intervals?.balancedAccuracy;
  return interval ? `${percent(interval.low)} to ${percent(interval.high)}` : '-';
}

/**
 * Creates a table with one row per model, sorted by balanced accuracy on grouped folds, and one row for a model that
 * always predicts the most frequent class.
 */
export function modelTable({ random, grouped }: Evaluated): string {
  const balancedOf = ({ balancedAccuracy }: ModelResults) => balancedAccuracy?.mean ?? -1;
  const rows = grouped.models
    .toSorted((a, b) => balancedOf(b) - balancedOf(a))
    .map((model) => {
      const other = random.models.find(({ name }) => name === model.name);
      const summaries = [model.accuracy, other?.balancedAccuracy ?? null, other?.accuracy ?? null];
      return [
        ...[model.name, summaryText(model.balancedAccuracy), intervalText(model)],
        ...summaries.map((summary) => summaryText(summary)),
      ];
    });
  const [own, other] = [grouped.baselines.majority, random.baselines.majority];
  const summaries = [own.balancedAccuracy ?? null, own.accuracy, other.balancedAccuracy ?? null, other.accuracy];
  const most = summaries.map((summary) => summaryText(summary));
  const figures = ['grouped: balanced, %', '95 % over groups', 'accuracy, %', 'random: balanced, %', 'accuracy, %'];
  return markdownTable([['model', ...figures], ...rows, ['*most frequent class*', most[0], '-', ...most.slice(1)]]);
}

/** Returns the result of the decisive test on the difference A - B. @throws Error if the spec has no such models */
function evidenceFor(results: RunResults, [a, b]: readonly string[]): Evidence {
  const found = results.comparisons.find((pair) => [pair.a, pair.b].every((name) => name === a || name === b));
  if (!found) throw new Error(`--compare ${a}:${b}: the spec does not contain both of these models`);
  const evidence = evidenceOf(found, results);
  if (found.a === a) return evidence;
  const minus = (value: number | null) => (value === null ? null : -value);
  const { difference, low, high } = evidence;
  return { ...evidence, difference: minus(difference), low: minus(high), high: minus(low) };
}

const signed = (share: number | null) => (share === null ? '-' : `${share < 0 ? '' : '+'}${percent(share)}`);
const pText = (p: number) => (p < 0.001 ? '< 0.001' : p.toFixed(3));

/**
 * Creates a table with one row per pair of models and one column per corpus.
 * @param pairs names of A and B; the table shows A - B
 * @returns the table, and the number of tests for which its p-values are adjusted
 * @throws Error if a run has no such models
 */
export function comparisonTable(
  pairs: readonly (readonly string[])[],
  found: ReadonlyMap<string, Evaluated>,
): { table: string; tests: number } {
  const evidence = pairs.map((pair) => [...found.values()].map(({ grouped }) => evidenceFor(grouped, pair)));
  const tested = evidence.flat().filter(({ pValue }) => pValue !== null);
  const adjusted = holm(tested.map(({ pValue }) => pValue!));
  const cellOf = (one: Evidence) => {
    const { difference, low, high, pValue, untested } = one;
    if (difference === null) return '-';
    const interval = low === null ? '' : ` (${signed(low)} to ${signed(high)})`;
    const p = pValue === null ? `${untested}` : `p ${pText(pValue)}, adjusted ${pText(adjusted[tested.indexOf(one)])}`;
    return `${signed(difference)}${interval}; ${p}`;
  };
  const rows = evidence.map((row, i) => [pairs[i].join(' - '), ...row.map(cellOf)]);
  const table = markdownTable([['models', ...found.keys()], ...rows]);
  return { table, tests: tested.length };
}
