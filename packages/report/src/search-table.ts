import { counted } from '@cryfold/core';
import { begunTrials, METRICS, type RunResults, type SearchResults, type TrialRow } from '@cryfold/evaluation';
import { importanceTable } from './importance-table.js';
import { metricText, valueText } from './metric-text.js';
import { plainName } from './names.js';
import { alignColumns, paint, shorten, type TextOptions, type TextTable } from './text.js';

/** Maximum number of trials to show per estimator. */
const SHOWN = 60;

const plain = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

/** Formats parameters, such as `C 100, gamma scale`. */
function parameterText(parameters: Readonly<Record<string, unknown>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name} ${plain(value)}`)
    .join(', ');
}

/** With few folds, a t-interval may exceed the range of the metric, so it is clipped. */
function intervalText(metric: SearchResults['metric'], low: number | null, high: number | null): string {
  if (low === null || high === null) return '-';
  const most = METRICS[metric].share ? 1 : Number.POSITIVE_INFINITY;
  return `${metricText(metric, Math.max(0, low))} to ${metricText(metric, Math.min(most, high))}`;
}

/** One row per trial, in the order of the results. The last cell contains the parameters. */
function trialRows(trials: readonly TrialRow[], metric: SearchResults['metric']): string[][] {
  const shown = new Map<string, number>();
  const byEpochs = trials.some(({ epochs }) => epochs);
  const rows = trials.flatMap(({ trial, base, state, folds, planned, epochs, mean, low, high, parameters, reason }) => {
    const count = (shown.get(base) ?? 0) + 1;
    shown.set(base, count);
    if (count > SHOWN) return [];
    const why = state === 'FAILED' ? `: ${reason}` : '';
    const trained = epochs ? `${epochs.trained}/${epochs.planned}` : '-';
    const resources = [`${folds}/${planned}`, ...(byEpochs ? [trained] : [])];
    const figures = [...resources, metricText(metric, mean), intervalText(metric, low, high)];
    return [[trial, state, ...figures, shorten(parameterText(parameters) + why, 80)]];
  });
  const resources = byEpochs ? ['folds', 'epochs'] : ['folds'];
  return [['trial', 'state', ...resources, METRICS[metric].title, '95 % interval', 'parameters'], ...rows];
}

const TRIAL_INTERVALS =
  '95 % interval: for the mean over folds, corrected for shared training clips. It accounts neither for clips of the same group nor for the selection among trials.';

/** A text table of trials in the order of the results. */
export function trialTable(
  trials: readonly TrialRow[],
  metric: SearchResults['metric'],
  { color = false }: TextOptions = {},
): string {
  const rows = trialRows(trials, metric);
  // The last column is text, so it is not right-aligned.
  const lines = alignColumns(rows.map((row) => row.slice(0, -1))).map((line, i) => `${line}  ${rows[i].at(-1)}`);
  const more = trials.length - lines.length + 1;
  return [paint(lines[0], 'bold', color), ...lines.slice(1), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

/** The trials of a sweep with notes on the winners; only a header for other runs. */
export function searchRows(results: Pick<RunResults, 'search'>): TextTable {
  const { search } = results;
  const notes = search ? [TRIAL_INTERVALS, ...winnerNotes(results)] : [];
  return { rows: trialRows(search?.trials ?? [], search?.metric ?? 'accuracy'), notes };
}

/** One note per winner on how reliable its figures are. */
export function winnerNotes({ search }: Pick<RunResults, 'search'>): string[] {
  if (!search) return [];
  const { metric, nested, winners } = search;
  const { title } = METRICS[metric];
  return winners.map((winner) => {
    const { base, trial, among, nestedMean, inside } = winner;
    if (trial === null) return `${base}: all trials failed, so there is no winner.`;
    const begun = begunTrials(search, plainName(base)).length;
    const complete = among < begun ? ` (${among} of them complete)` : '';
    const chosen =
      `${base}: ${trial} was selected among ${begun} trials${complete} by its mean ${title} over folds of ` +
      `${valueText(metric, winner.plain)}. ${correctionText(search, winner)}`;
    if (!nested) return chosen;
    const distinct = new Set(inside.map((one) => parameterText(one.parameters))).size;
    return `${chosen} Nested cross-validation of the search gives a mean of ${valueText(metric, nestedMean)} over folds; it selected ${distinct} different settings in ${inside.length} outer folds.`;
  });
}

/**
 * States by how much the selection inflates a winner's figure: the difference between its uncorrected and its
 * corrected score, both pooled over clips.
 */
function correctionText({ metric, nested }: SearchResults, winner: SearchResults['winners'][number]): string {
  const { pooled, corrected } = winner;
  const advice = nested ? '' : ' Use search.nested for an unbiased figure (docs/sweeps.md).';
  if (pooled === undefined) {
    return `This is optimistic; an earlier version of cryfold did not store the figures needed for a correction.${advice}`;
  }
  if (pooled === null || !corrected) {
    const why = 'trials had different numbers of folds or epochs, or there is only one group';
    return `This is optimistic by an unknown amount: no correction is possible because ${why}.${advice}`;
  }
  const { low, high, mean } = corrected;
  const gap = METRICS[metric].sign * (pooled - mean);
  const size = METRICS[metric].share ? `${(100 * gap).toFixed(2)} points` : gap.toFixed(4);
  const verdict = gap > 0 ? `optimistic by about ${size}` : 'there is no measurable optimism';
  return (
    `Pooled over all test clips it is ${valueText(metric, pooled)}; corrected for the selection ${valueText(metric, mean)} ` +
    `(95 % of bootstrap samples: ${metricText(metric, low)} to ${metricText(metric, high)}), so ${verdict}.`
  );
}

/** Warning about the figures of a sweep without nested cross-validation. */
export function optimismWarning({ search, models }: Pick<RunResults, 'search' | 'models'>): string | undefined {
  if (!search || search.nested) return undefined;
  const chosen = new Set(
    search.winners.flatMap(({ base }) => (begunTrials(search, plainName(base)).length > 1 ? [base] : [])),
  );
  const affected = models.filter(({ name, members = [] }) => [name, ...members].some((one) => chosen.has(one)));
  if (affected.length === 0) return undefined;
  const names = affected.map(({ name }) => name).join(', ');
  return `OPTIMISTIC: ${names}: selected on the same folds that these figures come from. See the notes on the search.`;
}

/** The trials and winners of a sweep; empty for other runs. */
export function searchTable(results: RunResults, options: TextOptions = {}): string {
  const { search } = results;
  if (!search) return '';
  const count = (state: TrialRow['state']) => search.trials.filter((trial) => trial.state === state).length;
  const counts = `${count('COMPLETE')} complete, ${count('PRUNED')} pruned, ${count('FAILED')} failed`;
  const title = `Search (${search.algorithm}, by ${METRICS[search.metric].title}): ${counted(search.trials.length, 'trial')}, ${counts}`;
  return [
    paint(title, 'bold', options.color),
    trialTable(search.trials, search.metric, options),
    TRIAL_INTERVALS,
    '',
    importanceTable(search, options),
    '',
    ...winnerNotes(results),
  ].join('\n');
}
