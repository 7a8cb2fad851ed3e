import {
  type Evidence,
  evidenceOf,
  groupsKnown,
  METRICS,
  type MetricName,
  type ModelResults,
  metricOf,
  type RunResults,
  scoreOf,
  unitWord,
  unknownGroupsNote,
} from '@cryfold/evaluation';
import { inflations } from './inflations.js';
import { differenceText } from './metric-text.js';
import { named } from './names.js';
import { alignColumns, paint, percent, type TextOptions, type TextTable } from './text.js';

/** Differences with a Holm-adjusted p-value below this value are reported as significant. */
export const SIGNIFICANCE = 0.05;

export function pText(p: number): string {
  return p < 0.0001 ? '<0.0001' : p.toFixed(4);
}

/**
 * Returns the decisive test between two models. The difference is the first model's metric minus the second's,
 * whichever order is stored.
 */
export function oriented(results: RunResults, first: string, second: string): Evidence | undefined {
  const found = results.comparisons.find(({ a, b }) => (a === first && b === second) || (a === second && b === first));
  if (!found) return undefined;
  const evidence = evidenceOf(found, results);
  if (found.a === first) return evidence;
  const turned = (value: number | null) => value && -value;
  const { difference, low, high } = evidence;
  return { ...evidence, difference: turned(difference), low: turned(high), high: turned(low) };
}

/** A difference as part of a sentence: `+1.20 points`, or `-0.0312` for a log-loss. */
function worded(metric: MetricName, difference: number | null): string {
  return `${differenceText(metric, difference)}${METRICS[metric].share ? ' points' : ''}`;
}

/** Returns the units that the test treats as independent: folds, groups, or recordings if groups are unknown. */
export function unitsOf({ dataset }: RunResults, { by }: Evidence): string {
  return by === 'groups' ? `${unitWord(dataset)}s` : by;
}

/** States, in one sentence per fusion, whether it differs from its best member. */
function fusionVerdicts(results: RunResults): string[] {
  const metric = metricOf(results);
  const score = (model: ModelResults) => scoreOf(metric, model[metric]?.mean ?? Number.NaN);
  return results.models.flatMap((fusion) => {
    if (!fusion.members) return [];
    const members = results.models.filter((model) => fusion.members?.includes(model.name) && model[metric]);
    if (members.length === 0) return [];
    const best = members.reduce((a, b) => (score(b) > score(a) ? b : a));
    const evidence = oriented(results, fusion.name, best.name);
    if (!evidence || evidence.difference === null) return [];
    const { difference, pHolm, untested } = evidence;
    const by = unitsOf(results, evidence);
    const sure = pHolm !== null && pHolm < SIGNIFICANCE;
    const direction = scoreOf(metric, difference) > 0 ? 'is better than' : 'is worse than';
    const verdict = sure ? direction : 'is not shown to differ from';
    const p = pHolm === null ? `not tested: ${untested}` : `p ${pText(pHolm)} by ${by}`;
    return [`${fusion.name} ${verdict} its best member, ${best.name} (${worded(metric, difference)}, ${p}).`];
  });
}

/**
 * Returns a header and one row per tested pair of models, with notes on whether each fusion differs from its best
 * member.
 */
export function comparisonRows(results: RunResults): TextTable {
  const metric = metricOf(results);
  const grouped = results.comparisons.some(({ byGroup }) => byGroup);
  const unit = METRICS[metric].share ? 'points' : METRICS[metric].title;
  const rows = [['difference', unit, 'from', 'to', 'p', 'p Holm', 'by', ...(grouped ? ['p by folds'] : [])]];
  for (const comparison of results.comparisons) {
    const { a, b, test } = comparison;
    const evidence = evidenceOf(comparison, results);
    const { difference, low, high, pValue, pHolm, count, untested } = evidence;
    if (difference === null) continue;
    const by = unitsOf(results, evidence);
    const figures = [difference, low, high].map((value) => differenceText(metric, value));
    const p = [pValue, pHolm].map((value) => (value === null ? '-' : pText(value)));
    const basis = untested ? `${count} ${by}: ${untested}` : `${count} ${by}`;
    rows.push([`${a} - ${b}`, ...figures, ...p, basis, ...(grouped ? [test ? pText(test.pHolm) : '-'] : [])]);
  }
  const inflated = rows.length > 1 && inflations(results).length > 0 ? [NOT_ALLOWED_FOR] : [];
  const unknown = unknownGroupsNote(results.dataset);
  const why = grouped ? [whyGroups(unitWord(results.dataset))] : [];
  return { rows, notes: [...fusionVerdicts(results), ...why, ...inflated, ...(unknown ? [unknown] : [])] };
}

/**
 * Tests do not correct the figures that they compare, so a model whose figure is too high looks better than it is.
 */
const NOT_ALLOWED_FOR =
  'The p-values and intervals do not account for the leaks and the optimism described above the first table.';

function whyGroups(unit: string): string {
  return `p is computed by ${unit}, since clips of the same ${unit} are not independent. The corrected t-test over folds, in the last column, finds differences too often if ${unit}s occur in several folds.`;
}

/** Title of the comparisons. The compared figures are either pooled and tested by group, or means over folds. */
export function comparisonTitle(results: RunResults): string {
  const { title } = METRICS[metricOf(results)];
  return results.comparisons.some(({ byGroup }) => byGroup)
    ? `Differences of ${title}, pooled over all test predictions, 95 % interval and p by ${groupsKnown(results.dataset) ? 'groups' : 'recordings, since groups are not known'}`
    : `Paired differences of ${title}, mean over folds, 95 % interval (corrected for folds that share training clips)`;
}

/**
 * Every pair of models with the difference in the run's metric, its 95 % interval, and p-values. The test is by group
 * if clips share groups, otherwise the Nadeau-Bengio corrected t-test over folds. Notes whether each fusion differs
 * from its best member. Empty if there are fewer than two models.
 */
export function comparisonTable(results: RunResults, { color = false }: TextOptions = {}): string {
  const { rows, notes } = comparisonRows(named(results));
  if (rows.length === 1) return '';
  const [head, ...body] = alignColumns(rows);
  return [paint(comparisonTitle(results), 'bold', color), paint(head, 'bold', color), ...body, ...notes].join('\n');
}

/** Returns a header, and one row for each model that has results. */
export function pooledRows(results: RunResults): TextTable {
  const rows = results.models.flatMap(({ name, pooled }) => {
    if (!pooled) return [];
    const { intervals } = pooled;
    const range = (interval: { low: number; high: number } | null | undefined) =>
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
  const chance = `balanced: mean recall over classes, ${percent(1 / results.dataset.classes.length)} by chance`;
  const unknown = unknownGroupsNote(results.dataset);
  return { rows: [head, ...rows], notes: [chance, ...(unknown ? [unknown] : [])] };
}

/** Title of the pooled figures, which states which units their intervals treat as independent. */
export function pooledTitle({ dataset }: RunResults): string {
  const units = groupsKnown(dataset) ? 'groups, not clips' : 'recordings, since groups are not known';
  return `Pooled over all test predictions, not means over folds; intervals by ${units}`;
}

/** Metrics pooled over all predictions, with 95 % intervals by group and the chance level. */
export function pooledTable(results: RunResults, { color = false }: TextOptions = {}): string {
  const { rows, notes } = pooledRows(named(results));
  if (rows.length === 1) return '';
  const [head, ...body] = alignColumns(rows);
  return [paint(pooledTitle(results), 'bold', color), paint(head, 'bold', color), ...body, ...notes].join('\n');
}
