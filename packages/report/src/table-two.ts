import type { RunResults } from '@cryfold/evaluation';
import { notBeatingMajority, paperFigure } from './paper.js';
import { alignColumns, paint, percent, printable, type TextOptions } from './text.js';

/** How many missing folds are named one by one. */
const MISSING_SHOWN = 10;

function warnings(results: RunResults, color: boolean): string[] {
  const lines: string[] = [];
  const useless = notBeatingMajority(results);
  const { label, accuracy } = results.baselines.majority;
  if (useless.length > 0) {
    const who = useless.length === results.models.length ? 'No model beats' : `${useless.join(', ')}: not better than`;
    const share = percent(accuracy?.mean ?? null);
    lines.push(paint(`${who} always answering the majority class, "${printable(label)}" (${share} %).`, 'red', color));
  }
  if (results.status === 'incomplete') {
    const all = results.models.length * results.baselines.majority.folds.length;
    const lost = `INCOMPLETE: ${results.missing.length} of ${all} folds are missing; their models' figures cover the rest.`;
    lines.push(paint(lost, 'red', color));
    for (const { model, repeat, fold, code, reason } of results.missing.slice(0, MISSING_SHOWN)) {
      lines.push(`  ${model}, repeat ${repeat}, fold ${fold}: ${code ? `${code}: ` : ''}${printable(reason)}`);
    }
    if (results.missing.length > MISSING_SHOWN) lines.push(`  and ${results.missing.length - MISSING_SHOWN} more`);
  }
  return lines.length > 0 ? [...lines, ''] : [];
}

/**
 * The paper's Table II for a run: per model the mean, standard deviation, minimum and maximum of accuracy over folds, in
 * percent, beside the paper's figure, and the majority baseline. Models that don't beat it are named in the first line.
 * @returns lines of text joined by LF, without a final one
 */
export function tableTwo(results: RunResults, { color = false }: TextOptions = {}): string {
  const { models, protocol, dataset, baselines } = results;
  const planned = baselines.majority.folds.length;
  const rows = [['model', 'mean', 'sd', 'min', 'max', 'folds', 'paper']];
  const notes = new Set<string>();
  const add = (name: string, accuracy: (typeof models)[number]['accuracy'], paper: string) => {
    rows.push([
      name,
      percent(accuracy?.mean ?? null),
      percent(accuracy?.standardDeviation ?? null),
      percent(accuracy?.minimum ?? null),
      percent(accuracy?.maximum ?? null),
      `${accuracy?.count ?? 0}/${planned}`,
      paper,
    ]);
  };
  for (const model of models) {
    const figure = paperFigure(model, models);
    // one character either way keeps the decimal points in line
    add(
      model.name,
      model.accuracy,
      figure ? `${figure.percent.toFixed(2)}${figure.is === 'maximum' ? '*' : ' '}` : '- ',
    );
    if (model.probabilityAccuracy) {
      add(`  ${model.name} by probability`, model.probabilityAccuracy, '- ');
      notes.add(
        `${model.name} predicts by its decision values, as scikit-learn's does; fusion takes its probabilities`,
      );
    }
    if (figure?.is === 'maximum') notes.add("* the paper's maximum, not a mean: compare it with the max column");
  }
  add('(majority class)', baselines.majority.accuracy, '- ');

  const [head, ...body] = alignColumns(rows);
  const folds = `${protocol.repeats} ${protocol.repeats === 1 ? 'repeat' : 'repeats'} x ${protocol.folds} folds`;
  return [
    ...warnings(results, color),
    `Accuracy in percent over test folds: ${printable(dataset.name)}, ${dataset.clips} clips, ${folds}`,
    paint(protocol.label, protocol.groupsSpanning > 0 ? 'yellow' : 'bold', color),
    '',
    paint(head, 'bold', color),
    ...body,
    '',
    ...notes,
    "sd: sample standard deviation over folds; paper: the paper's accuracy on Baby Chillanto, random folds",
  ].join('\n');
}
