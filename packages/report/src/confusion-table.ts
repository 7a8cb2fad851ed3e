import { printable } from '@cryfold/core';
import { alignColumns, paint, percent, shorten, type TextOptions } from './text.js';

const ROW_LABEL = 24;
const COLUMN_LABEL = 10;

/**
 * A row-normalised confusion matrix in percent: rows are true classes, columns are predicted classes.
 * @param labels names of the classes, in the order of the matrix
 * @param matrix shares in [0, 1], `[true][predicted]`
 */
export function confusionTable(
  labels: readonly string[],
  matrix: readonly (readonly number[])[],
  { color = false }: TextOptions = {},
): string {
  const names = labels.map(printable);
  const [head, ...body] = alignColumns([
    ['true \\ predicted', ...names.map((name) => shorten(name, COLUMN_LABEL))],
    ...matrix.map((row, i) => [shorten(names[i], ROW_LABEL), ...row.map(percent)]),
  ]);
  return [paint(head, 'bold', color), ...body].join('\n');
}
