import type { Comparison, ModelResults, RunResults } from '@cryfold/evaluation';
import { named } from './names.js';
import { alignColumns, paint, percent, type TextOptions, type TextTable } from './text.js';

/** Below this Holm-adjusted p-value a difference is called one. */
export const SIGNIFICANCE = 0.05;

/** A difference of shares in percentage points, with its sign. */
export function points(difference: number): string {
  const text = (100 * difference).toFixed(2);
  return difference > 0 ? `+${text}` : text;
}

export function pText(p: number): string {
  return p < 0.0001 ? '<0.0001' : p.toFixed(4);
}

/** The comparison of two models, as first minus second whichever way it is stored. */
export function oriented(
  results: RunResults,
  first: string,
  second: string,
): NonNullable<Comparison['test']> | undefined {
  const found = results.comparisons.find(({ a, b }) => (a === first && b === second) || (a === second && b === first));
  if (!found?.test || found.a === first) return found?.test ?? undefined;
  const { meanDifference, low, high, t, ...rest } = found.test;
  return { ...rest, meanDifference: -meanDifference, low: -high, high: -low, t: t === null ? null : -t };
}

/** Whether each fusion beats its best member, in a sentence each. */
function fusionVerdicts(results: RunResults): string[] {
  const mean = (model: ModelResults | undefined) => model?.accuracy?.mean ?? Number.NEGATIVE_INFINITY;
  return results.models.flatMap((fusion) => {
    if (!fusion.members) return [];
    const members = results.models.filter((model) => fusion.members?.includes(model.name));
    const best = members.reduce((a, b) => (mean(b) > mean(a) ? b : a));
    const test = oriented(results, fusion.name, best.name);
    if (!test) return [];
    const sure = test.pHolm < SIGNIFICANCE;
    const verdict = test.meanDifference > 0 ? 'better than' : test.meanDifference < 0 ? 'worse than' : 'equal to';
    const evidence = sure || test.meanDifference === 0 ? '' : ', but folds differ too much to be sure';
    const figures = `${points(test.meanDifference)} points, p ${pText(test.pHolm)}`;
    return [`${fusion.name} is ${verdict} its best member, ${best.name} (${figures})${evidence}.`];
  });
}

/** A row per tested pair of models, and whether each fusion beats its best member; only the head without a pair. */
export function comparisonRows(results: RunResults): TextTable {
  const rows = [['difference', 'points', 'from', 'to', 'p', 'p Holm', 'folds']];
  for (const { a, b, folds, test } of results.comparisons) {
    if (!test) continue;
    const figures = [points(test.meanDifference), points(test.low), points(test.high)];
    rows.push([`${a} - ${b}`, ...figures, pText(test.pValue), pText(test.pHolm), `${folds}`]);
  }
  return { rows, notes: fusionVerdicts(results) };
}

export const COMPARISON_TITLE =
  'Paired differences of accuracy, 95 % interval (corrected for folds that share training clips)';

/**
 * Every pair of models: the mean difference of accuracy in percentage points, its 95 % interval, and p-values by the
 * Nadeau-Bengio corrected t-test; then whether each fusion beats its best member. Empty without two models to compare.
 */
export function comparisonTable(results: RunResults, { color = false }: TextOptions = {}): string {
  const { rows, notes } = comparisonRows(named(results));
  if (rows.length === 1) return '';
  const [head, ...body] = alignColumns(rows);
  return [paint(COMPARISON_TITLE, 'bold', color), paint(head, 'bold', color), ...body, ...notes].join('\n');
}

/** A row per model under a head; only the head where no model has a result. */
export function pooledRows(results: RunResults): TextTable {
  const rows = results.models.flatMap(({ name, pooled }) => {
    if (!pooled) return [];
    const { intervals } = pooled;
    const range = (interval: { low: number; high: number } | undefined) =>
      interval ? `${percent(interval.low)}-${percent(interval.high)}` : '-';
    return [
      [
        name,
        percent(pooled.accuracy),
        range(intervals?.accuracy),
        percent(pooled.balancedAccuracy),
        range(intervals?.balancedAccuracy),
        percent(pooled.macroF1),
        pooled.kappa?.toFixed(3) ?? '-',
        pooled.logLoss.toFixed(3),
        pooled.ece.toFixed(3),
      ],
    ];
  });
  const head = ['model', 'accuracy', '95 %', 'balanced', '95 %', 'macro F1', 'kappa', 'log-loss', 'ECE'];
  const chance = `balanced: mean recall of the classes, ${percent(1 / results.dataset.classes.length)} by chance`;
  return { rows: [head, ...rows], notes: [chance] };
}

export const POOLED_TITLE = 'Pooled over all test predictions; intervals by resampling infants, not clips';

/** Metrics pooled over all predictions, with 95 % intervals from resampling groups, and what random guessing gets. */
export function pooledTable(results: RunResults, { color = false }: TextOptions = {}): string {
  const { rows, notes } = pooledRows(named(results));
  if (rows.length === 1) return '';
  const [head, ...body] = alignColumns(rows);
  return [paint(POOLED_TITLE, 'bold', color), paint(head, 'bold', color), ...body, ...notes].join('\n');
}
