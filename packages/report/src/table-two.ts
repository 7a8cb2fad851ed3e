import { counted, printable } from '@cryfold/core';
import {
  groupsKnown,
  labelOf,
  leakHeadline,
  METRICS,
  type MetricName,
  metricOf,
  type RunResults,
} from '@cryfold/evaluation';
import { baselineName, baselineRow, notBeatingMajority } from './baseline.js';
import { fusionWarning } from './fusion-warning.js';
import { capitalTitle, metricText, valueText } from './metric-text.js';
import { named } from './names.js';
import { type PaperFigure, paperFigures, paperNotes } from './paper.js';
import { perfectWarning } from './perfect-warning.js';
import { optimismWarning } from './search-table.js';
import { alignColumns, paint, type TextOptions, type TextTable } from './text.js';

/** Maximum number of missing folds to list individually. */
const MISSING_SHOWN = 10;

/** Warnings that precede all figures: leaks, models that do not beat the majority class, and missing folds. */
export function headlines(results: RunResults): { warnings: string[]; missing: string[] } {
  const warnings: string[] = [];
  const missing: string[] = [];
  const leaks = leakHeadline(results.leaks, groupsKnown(results.dataset));
  if (leaks) warnings.push(leaks);
  const useless = notBeatingMajority(results);
  const { majority } = results.baselines;
  const metric = metricOf(results);
  if (useless.length > 0) {
    const who = useless.length === results.models.length ? 'No model beats' : `${useless.join(', ')}: not better than`;
    const label = METRICS[metric].share ? `, "${printable(majority.label)}"` : '';
    const figure = `${METRICS[metric].title} ${valueText(metric, majority[metric]?.mean ?? null)}`;
    warnings.push(`${who} ${baselineName(metric)}${label} (${figure}).`);
  }
  const perfect = perfectWarning(results);
  if (perfect) warnings.push(perfect);
  warnings.push(...(results.notes ?? []).map(printable));
  for (const warning of [optimismWarning(results), fusionWarning(results)]) if (warning) warnings.push(warning);
  if (results.status === 'incomplete') {
    const { shuffled = [] } = results.baselines;
    const fusions = new Set(results.models.flatMap(({ kind, name }) => (kind === 'fusion' ? [name] : [])));
    const estimators = results.models.length - fusions.size;
    const all = estimators * majority.folds.length + shuffled.length * shuffledFolds(results);
    // Counts trained folds, as `cryfold status` does. A fold of a fusion is missing only if the same fold of one of its
    // members is missing.
    const untrained = results.missing.filter(({ model }) => !fusions.has(model));
    const listed = untrained.length > 0 ? untrained : results.missing;
    warnings.push(
      untrained.length > 0
        ? `INCOMPLETE: ${untrained.length} of ${all} folds are missing; figures of these models and their fusions cover only the other folds.`
        : `INCOMPLETE: every estimator has all folds, but ${listed.length} cannot be fused; figures of these fusions cover only the other folds.`,
    );
    for (const { model, repeat, fold, code, reason } of listed.slice(0, MISSING_SHOWN)) {
      missing.push(`${model}, repeat ${repeat}, fold ${fold}: ${code ? `${code}: ` : ''}${printable(reason)}`);
    }
    if (listed.length > MISSING_SHOWN) missing.push(`and ${listed.length - MISSING_SHOWN} more`);
  }
  return { warnings, missing };
}

/**
 * Returns the warnings of `headlines` for use outside of tables.
 * @param of if set, only warnings about this model and its members are returned, for example for the model's card
 */
export function warningsOf(stored: RunResults, of?: string): string[] {
  if (of === undefined) return headlines(named(stored)).warnings;
  const members = stored.models.find(({ name }) => name === of)?.members ?? [];
  const concerned = new Set([of, ...members]);
  const missing = stored.missing.filter(({ model }) => concerned.has(model));
  const models = stored.models.filter(({ name }) => concerned.has(name));
  const status = missing.length > 0 ? 'incomplete' : 'complete';
  return headlines(named({ ...stored, models, missing, status })).warnings;
}

/** Describes in one line what was evaluated. */
export function subject({ protocol, dataset }: RunResults): string {
  return `${printable(dataset.name)}, ${counted(dataset.clips, 'clip')}, ${extent(protocol)}`;
}

/** Describes the number of folds and repeats of a protocol, or of its splits. */
export function extent({ repeats, folds, testSize }: RunResults['protocol']): string {
  if (testSize === undefined) return `${counted(repeats, 'repeat')} x ${counted(folds, 'fold')}`;
  return `${counted(repeats, 'split')} that ${repeats === 1 ? 'tests' : 'test'} ${+(100 * testSize).toFixed(2)} % of the clips`;
}

type Summary = RunResults['models'][number]['accuracy'];

/** Mean, standard deviation, minimum and maximum. */
function figures(metric: MetricName, summary: Summary | undefined): string[] {
  const { mean = null, standardDeviation = null, minimum = null, maximum = null } = summary ?? {};
  return [mean, standardDeviation, minimum, maximum].map((value) => metricText(metric, value));
}

/** Returns the planned number of folds on shuffled labels for each estimator. */
function shuffledFolds({ spec, baselines }: RunResults): number {
  return Number(spec.nulls ?? 0) * baselines.majority.folds.filter(({ repeat }) => repeat === 0).length;
}

/**
 * The paper's figure in a table cell. Every cell ends in exactly one extra character, so that the decimal points are
 * aligned.
 */
function paperCell(figure: PaperFigure | undefined): string {
  return figure ? `${figure.percent.toFixed(2)}${figure.is === 'maximum' ? '*' : ' '}` : '- ';
}

/**
 * The figures of Table II in the run's metric: one row per model and one for the baseline. Adds the paper's figures if
 * they apply (see `paperFigures`).
 * @param results with display names
 */
export function tableTwoRows(results: RunResults): TextTable {
  const { models, baselines } = results;
  const metric = metricOf(results);
  const planned = baselines.majority.folds.length;
  const papers = paperFigures(results);
  const beside = papers.some((figure) => figure !== undefined);
  const rows = [['model', 'mean', 'sd', 'min', 'max', 'folds', ...(beside ? ['paper'] : [])]];
  const add = (
    name: string,
    summary: Summary | undefined,
    { paper, folds = planned }: { paper?: PaperFigure | undefined; folds?: number } = {},
  ) => {
    const cells = [...figures(metric, summary), `${summary?.count ?? 0}/${folds}`];
    rows.push([name, ...cells, ...(beside ? [paperCell(paper)] : [])]);
  };
  const notes = new Set<string>();
  for (const [m, model] of models.entries()) {
    add(model.name, model[metric], { paper: papers[m] });
    if (model.probabilityAccuracy && METRICS[metric].share) {
      if (metric === 'accuracy') add(`  ${model.name} by probability`, model.probabilityAccuracy);
      notes.add(
        `${model.name} predicts the class with the largest decision value, like scikit-learn; its calibrated probabilities, which fusions use, may prefer another class`,
      );
    }
    if (papers[m]?.is === 'maximum')
      notes.add(
        '* the maximum over the test sets of such splits in the paper, not a mean: expect lower values for a single split',
      );
  }
  add(baselineRow(metric), baselines.majority[metric]);
  const shuffles = shuffledFolds(results);
  for (const { model, [metric]: summary } of baselines.shuffled ?? []) {
    add(`(${model} on shuffled labels)`, summary, { folds: shuffles });
  }
  const sizes = new Set(models.flatMap(({ folds }) => folds.map(({ testCount }) => testCount)));
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  if (most >= 2 * least)
    notes.add(
      `mean: folds of ${least} to ${most} test clips have equal weight; pooled figures give each clip equal weight`,
    );
  for (const note of paperNotes(results)) notes.add(note);
  const paper = beside
    ? "; paper: the paper's accuracy on Baby Chillanto under this protocol, where the same infants are in train and test"
    : '';
  notes.add(`sd: sample standard deviation over folds; not a standard error, since folds share training clips${paper}`);
  return { rows, notes: [...notes] };
}

/**
 * The paper's Table II for a run: for each model and the majority baseline, the mean, standard deviation, minimum and
 * maximum of the run's metric over folds. The first line lists the models that do not beat the baseline.
 * @returns lines separated by LF, with no trailing LF
 */
export function tableTwo(stored: RunResults, { color = false }: TextOptions = {}): string {
  const results = named(stored);
  const { protocol } = results;
  const metric = metricOf(results);
  const { warnings, missing } = headlines(results);
  const { rows, notes } = tableTwoRows(results);
  const [head, ...body] = alignColumns(rows);
  return [
    ...warnings.map((line) => paint(line, 'red', color)),
    ...missing.map((line) => `  ${line}`),
    ...(warnings.length > 0 ? [''] : []),
    `${capitalTitle(metric)}${METRICS[metric].share ? ' in percent' : ''} over test folds: ${subject(results)}`,
    paint(labelOf(results), protocol.groupsSpanning > 0 ? 'yellow' : 'bold', color),
    '',
    paint(head, 'bold', color),
    ...body,
    '',
    ...notes,
  ].join('\n');
}
