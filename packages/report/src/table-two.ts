import { printable } from '@cryfold/core';
import { groupsKnown, labelOf, leakHeadline, type RunResults } from '@cryfold/evaluation';
import { fusionWarning } from './fusion-warning.js';
import { named } from './names.js';
import { notBeatingMajority, type PaperFigure, paperFigures, paperNotes } from './paper.js';
import { optimismWarning } from './search-table.js';
import { alignColumns, paint, percent, type TextOptions, type TextTable } from './text.js';

/** How many missing folds are named one by one. */
const MISSING_SHOWN = 10;

/** What must be read before any figure: leaks, models that don't beat the majority class, and missing folds. */
export function headlines(results: RunResults): { warnings: string[]; missing: string[] } {
  const warnings: string[] = [];
  const missing: string[] = [];
  const leaks = leakHeadline(results.leaks, groupsKnown(results.dataset));
  if (leaks) warnings.push(leaks);
  const useless = notBeatingMajority(results);
  const { label, accuracy } = results.baselines.majority;
  if (useless.length > 0) {
    const who = useless.length === results.models.length ? 'No model beats' : `${useless.join(', ')}: not better than`;
    const share = percent(accuracy?.mean ?? null);
    warnings.push(`${who} always answering the majority class, "${printable(label)}" (${share} %).`);
  }
  warnings.push(...(results.notes ?? []).map(printable));
  for (const warning of [optimismWarning(results), fusionWarning(results)]) if (warning) warnings.push(warning);
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
        : `INCOMPLETE: every estimator has all folds, but ${told.length} cannot be fused; figures of their fusions cover the rest.`,
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
  return `${printable(dataset.name)}, ${dataset.clips} clips, ${extent(protocol)}`;
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

/** How many folds a protocol has, in words. */
export function extent({ repeats, folds, testSize }: RunResults['protocol']): string {
  if (testSize === undefined) return `${counted(repeats, 'repeat')} x ${counted(folds, 'fold')}`;
  return `${counted(repeats, 'split')} that ${repeats === 1 ? 'tests' : 'test'} ${+(100 * testSize).toFixed(2)} % of the clips`;
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

/** The paper's figure in a cell; one character either way keeps the decimal points in line. */
function paperCell(figure: PaperFigure | undefined): string {
  return figure ? `${figure.percent.toFixed(2)}${figure.is === 'maximum' ? '*' : ' '}` : '- ';
}

/**
 * The figures of Table II in percent: a row per model, and the majority baseline's. The paper's figures are beside them
 * where the run is the paper's, see `paperFigures`.
 * @param results under the names that are shown
 */
export function tableTwoRows(results: RunResults): TextTable {
  const { models, baselines } = results;
  const planned = baselines.majority.folds.length;
  const papers = paperFigures(results);
  const beside = papers.some((figure) => figure !== undefined);
  const rows = [['model', 'mean', 'sd', 'min', 'max', 'folds', ...(beside ? ['paper'] : [])]];
  const add = (
    name: string,
    accuracy: (typeof models)[number]['accuracy'],
    paper?: PaperFigure,
    folds: number = planned,
  ) => {
    rows.push([name, ...figures(accuracy), `${accuracy?.count ?? 0}/${folds}`, ...(beside ? [paperCell(paper)] : [])]);
  };
  const notes = new Set<string>();
  for (const [m, model] of models.entries()) {
    add(model.name, model.accuracy, papers[m]);
    if (model.probabilityAccuracy) {
      add(`  ${model.name} by probability`, model.probabilityAccuracy);
      notes.add(
        `${model.name} predicts by its decision values, as scikit-learn's does; fusion takes its probabilities`,
      );
    }
    if (papers[m]?.is === 'maximum') notes.add("* the paper's maximum, not a mean: compare it with the max column");
  }
  add('(majority class)', baselines.majority.accuracy);
  const shuffles = shuffledFolds(results);
  for (const { model, accuracy } of baselines.shuffled ?? []) {
    add(`(${model} on shuffled labels)`, accuracy, undefined, shuffles);
  }
  for (const note of paperNotes(results)) notes.add(note);
  const paper = beside ? "; paper: the paper's accuracy on Baby Chillanto, random folds" : '';
  notes.add(`sd: sample standard deviation over folds${paper}`);
  return { rows, notes: [...notes] };
}

/**
 * The paper's Table II for a run: per model the mean, standard deviation, minimum and maximum of accuracy over folds, in
 * percent, and the majority baseline. Models that don't beat it are named in the first line.
 * @returns lines of text joined by LF, without a final one
 */
export function tableTwo(stored: RunResults, { color = false }: TextOptions = {}): string {
  const results = named(stored);
  const { protocol } = results;
  const { warnings, missing } = headlines(results);
  const { rows, notes } = tableTwoRows(results);
  const [head, ...body] = alignColumns(rows);
  return [
    ...warnings.map((line) => paint(line, 'red', color)),
    ...missing.map((line) => `  ${line}`),
    ...(warnings.length > 0 ? [''] : []),
    `Accuracy in percent over test folds: ${subject(results)}`,
    paint(labelOf(results), protocol.groupsSpanning > 0 ? 'yellow' : 'bold', color),
    '',
    paint(head, 'bold', color),
    ...body,
    '',
    ...notes,
  ].join('\n');
}
