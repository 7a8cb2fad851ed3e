import { printable } from '@cryfold/core';
import { leakHeadline, type RunResults } from '@cryfold/evaluation';
import { notBeatingMajority, paperFigure } from './paper.js';
import { optimismWarning } from './search-table.js';
import { alignColumns, paint, percent, type TextOptions, type TextTable } from './text.js';

/** How many missing folds are named one by one. */
const MISSING_SHOWN = 10;

/** What must be read before any figure: leaks, models that don't beat the majority class, and missing folds. */
export function headlines(results: RunResults): { warnings: string[]; missing: string[] } {
  const warnings: string[] = [];
  const missing: string[] = [];
  const leaks = leakHeadline(results.leaks);
  if (leaks) warnings.push(leaks);
  const useless = notBeatingMajority(results);
  const { label, accuracy } = results.baselines.majority;
  if (useless.length > 0) {
    const who = useless.length === results.models.length ? 'No model beats' : `${useless.join(', ')}: not better than`;
    const share = percent(accuracy?.mean ?? null);
    warnings.push(`${who} always answering the majority class, "${printable(label)}" (${share} %).`);
  }
  const optimism = optimismWarning(results);
  if (optimism) warnings.push(optimism);
  if (results.status === 'incomplete') {
    const { majority, shuffled = [] } = results.baselines;
    const fusions = new Set(results.models.flatMap(({ kind, name }) => (kind === 'fusion' ? [name] : [])));
    const estimators = results.models.length - fusions.size;
    const all = estimators * majority.folds.length + shuffled.length * shuffledFolds(results);
    // As `cryfold status` counts: folds that are trained. What a fusion misses follows from them.
    const untrained = results.missing.filter(({ model }) => !fusions.has(model));
    const told = untrained.length > 0 ? untrained : results.missing;
    warnings.push(
      untrained.length > 0
        ? `INCOMPLETE: ${untrained.length} of ${all} folds are missing; figures of their models, and of fusions of these, cover the rest.`
        : `INCOMPLETE: all folds are trained, but ${told.length} cannot be fused; figures of their fusions cover the rest.`,
    );
    for (const { model, repeat, fold, code, reason } of told.slice(0, MISSING_SHOWN)) {
      missing.push(`${model}, repeat ${repeat}, fold ${fold}: ${code ? `${code}: ` : ''}${printable(reason)}`);
    }
    if (told.length > MISSING_SHOWN) missing.push(`and ${told.length - MISSING_SHOWN} more`);
  }
  return { warnings, missing };
}

/** What was evaluated, in a line. */
export function subject({ protocol, dataset }: RunResults): string {
  const folds = `${protocol.repeats} ${protocol.repeats === 1 ? 'repeat' : 'repeats'} x ${protocol.folds} folds`;
  return `${printable(dataset.name)}, ${dataset.clips} clips, ${folds}`;
}

/** Mean, standard deviation, minimum and maximum in percent. */
function figures(accuracy: RunResults['models'][number]['accuracy']): string[] {
  const { mean = null, standardDeviation = null, minimum = null, maximum = null } = accuracy ?? {};
  return [mean, standardDeviation, minimum, maximum].map(percent);
}

/** How many folds on shuffled labels each estimator was to have. */
function shuffledFolds({ spec, baselines }: RunResults): number {
  return Number(spec.nulls ?? 0) * baselines.majority.folds.filter(({ repeat }) => repeat === 0).length;
}

/** The figures of Table II in percent: a row per model, and the majority baseline's. */
export function tableTwoRows(results: RunResults): TextTable {
  const { models, baselines } = results;
  const planned = baselines.majority.folds.length;
  const rows = [['model', 'mean', 'sd', 'min', 'max', 'folds', 'paper']];
  const notes = new Set<string>();
  const add = (name: string, accuracy: (typeof models)[number]['accuracy'], paper: string) => {
    rows.push([name, ...figures(accuracy), `${accuracy?.count ?? 0}/${planned}`, paper]);
  };
  for (const model of models) {
    const figure = paperFigure(model, models);
    // one character either way keeps the decimal points in line
    const paper = figure ? `${figure.percent.toFixed(2)}${figure.is === 'maximum' ? '*' : ' '}` : '- ';
    add(model.name, model.accuracy, paper);
    if (model.probabilityAccuracy) {
      add(`  ${model.name} by probability`, model.probabilityAccuracy, '- ');
      notes.add(
        `${model.name} predicts by its decision values, as scikit-learn's does; fusion takes its probabilities`,
      );
    }
    if (figure?.is === 'maximum') notes.add("* the paper's maximum, not a mean: compare it with the max column");
  }
  add('(majority class)', baselines.majority.accuracy, '- ');
  const shuffles = shuffledFolds(results);
  for (const { model, accuracy } of baselines.shuffled ?? []) {
    rows.push([`(${model} on shuffled labels)`, ...figures(accuracy), `${accuracy?.count ?? 0}/${shuffles}`, '- ']);
  }
  notes.add("sd: sample standard deviation over folds; paper: the paper's accuracy on Baby Chillanto, random folds");
  return { rows, notes: [...notes] };
}

/**
 * The paper's Table II for a run: per model the mean, standard deviation, minimum and maximum of accuracy over folds, in
 * percent, beside the paper's figure, and the majority baseline. Models that don't beat it are named in the first line.
 * @returns lines of text joined by LF, without a final one
 */
export function tableTwo(results: RunResults, { color = false }: TextOptions = {}): string {
  const { protocol } = results;
  const { warnings, missing } = headlines(results);
  const { rows, notes } = tableTwoRows(results);
  const [head, ...body] = alignColumns(rows);
  return [
    ...warnings.map((line) => paint(line, 'red', color)),
    ...missing.map((line) => `  ${line}`),
    ...(warnings.length > 0 ? [''] : []),
    `Accuracy in percent over test folds: ${subject(results)}`,
    paint(protocol.label, protocol.groupsSpanning > 0 ? 'yellow' : 'bold', color),
    '',
    paint(head, 'bold', color),
    ...body,
    '',
    ...notes,
  ].join('\n');
}
