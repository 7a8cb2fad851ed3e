import { METRICS, type RunResults, type SearchResults, type TrialRow } from '@cryfold/evaluation';
import { alignColumns, paint, shorten, type TextOptions, type TextTable } from './text.js';

/** Trials shown of each estimator where there are very many. */
const SHOWN = 60;

const plain = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

/** `C 100, gamma scale` */
export function parameterText(parameters: Readonly<Record<string, unknown>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name} ${plain(value)}`)
    .join(', ');
}

/** A log-loss in nats, everything else in percent. */
export function metricText(metric: SearchResults['metric'], value: number | null): string {
  if (value === null) return '-';
  return METRICS[metric].share ? (100 * value).toFixed(2) : value.toFixed(4);
}

/** Few folds give a t-interval that reaches beyond what the metric can be. */
function intervalText(metric: SearchResults['metric'], low: number | null, high: number | null): string {
  if (low === null || high === null) return '-';
  const most = METRICS[metric].share ? 1 : Number.POSITIVE_INFINITY;
  return `${metricText(metric, Math.max(0, low))} to ${metricText(metric, Math.min(most, high))}`;
}

/** Rows of trials, best first within each estimator; the last cell tells the parameters. */
function trialRows(trials: readonly TrialRow[], metric: SearchResults['metric']): string[][] {
  const shown = new Map<string, number>();
  const rows = trials.flatMap(({ trial, base, state, folds, planned, mean, low, high, parameters, reason }) => {
    const count = (shown.get(base) ?? 0) + 1;
    shown.set(base, count);
    if (count > SHOWN) return [];
    const why = state === 'FAILED' ? `: ${reason}` : '';
    const figures = [`${folds}/${planned}`, metricText(metric, mean), intervalText(metric, low, high)];
    return [[trial, state, ...figures, shorten(parameterText(parameters) + why, 80)]];
  });
  return [['trial', 'state', 'folds', metric, '95 % interval', 'parameters'], ...rows];
}

/** Trials, best first within each estimator, in a table of text. */
export function trialTable(
  trials: readonly TrialRow[],
  metric: SearchResults['metric'],
  { color = false }: TextOptions = {},
): string {
  const rows = trialRows(trials, metric);
  // The last column is text: what stands there is not aligned to the right.
  const lines = alignColumns(rows.map((row) => row.slice(0, -1))).map((line, i) => `${line}  ${rows[i].at(-1)}`);
  const more = trials.length - lines.length + 1;
  return [paint(lines[0], 'bold', color), ...lines.slice(1), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

/** Of a sweep, its trials and what the winners are worth; of other runs no rows but the head. */
export function searchRows(results: Pick<RunResults, 'search'>): TextTable {
  const { search } = results;
  return { rows: trialRows(search?.trials ?? [], search?.metric ?? 'accuracy'), notes: winnerNotes(results) };
}

/** For each winner, what its figures are worth. */
export function winnerNotes({ search }: Pick<RunResults, 'search'>): string[] {
  if (!search) return [];
  const { metric, nested, winners } = search;
  const unit = METRICS[metric].share ? ' %' : '';
  const figure = (value: number | null) => `${metricText(metric, value)}${unit}`;
  return winners.map(({ base, trial, among, plain: own, corrected, nestedMean, inside }) => {
    if (trial === null) return `${base}: every trial failed, so nothing could be chosen.`;
    const chosen = `${base}: ${trial} was chosen among ${among} complete trials by its ${metric} of ${figure(own)}`;
    const honest = corrected
      ? `; corrected for the choice ${figure(corrected.mean)} (95 % ${metricText(metric, corrected.low)} to ` +
        `${metricText(metric, corrected.high)}), so optimistic by about ${gap(metric, own, corrected.mean)}`
      : '';
    if (!nested) return `${chosen}${honest}.`;
    const distinct = new Set(inside.map((one) => parameterText(one.parameters))).size;
    return `${chosen}${honest}. By nested cross-validation the search is worth ${figure(nestedMean)}; it chose ${distinct} different settings in ${inside.length} outer folds.`;
  });
}

function gap(metric: SearchResults['metric'], own: number | null, corrected: number): string {
  if (own === null) return '-';
  return METRICS[metric].share ? `${(100 * (own - corrected)).toFixed(2)} points` : (corrected - own).toFixed(4);
}

/** What must be read before the figures of a sweep without nested cross-validation. */
export function optimismWarning({ search, models }: Pick<RunResults, 'search' | 'models'>): string | undefined {
  if (!search || search.nested) return undefined;
  const chosen = new Set(search.winners.flatMap(({ base, among }) => (among > 1 ? [base] : [])));
  const affected = models.filter(({ name, members = [] }) => [name, ...members].some((one) => chosen.has(one)));
  if (affected.length === 0) return undefined;
  const names = affected.map(({ name }) => name).join(', ');
  return `OPTIMISTIC: ${names}: chosen by the very folds that these figures are of. The search says by how much.`;
}

/** All that a sweep tried and chose; empty for other runs. */
export function searchTable(results: RunResults, options: TextOptions = {}): string {
  const { search } = results;
  if (!search) return '';
  const count = (state: TrialRow['state']) => search.trials.filter((trial) => trial.state === state).length;
  const counts = `${count('COMPLETE')} complete, ${count('PRUNED')} pruned, ${count('FAILED')} failed`;
  const title = `Search (${search.algorithm}, by ${search.metric}): ${search.trials.length} trials, ${counts}`;
  return [
    paint(title, 'bold', options.color),
    trialTable(search.trials, search.metric, options),
    '',
    ...winnerNotes(results),
  ].join('\n');
}
