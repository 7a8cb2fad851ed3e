import type { EvaluatedClip, FoldProbabilities } from './evaluation-input.js';
import type { Split } from './split.js';

/** Formats a field according to RFC 4180: quoted if it contains a comma, a quote or a line break. */
function field(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Characters that a spreadsheet treats as the start of a formula, after any apostrophes. The last four are full-width
 * forms of the first four.
 */
const FORMULA = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/**
 * Formats a field that contains text from the data. An apostrophe is prepended to text that a spreadsheet would run as
 * a formula, and to text that already looks prefixed, so that removing one apostrophe restores the text.
 */
export function textField(text: string): string {
  return field(FORMULA.test(text) ? `'${text}` : text);
}

/**
 * Yields out-of-fold.csv in chunks, one per split. The columns are `clip,group,label,repeat,fold` and `model:class` for
 * every model and class (the name of a model starts with a letter or digit, so a column name is never a formula). There
 * is one row per test clip of every split, in the order of the splits. Lines end in LF. Numbers are the shortest text
 * that parses to the same float64. The fields of a missing fold are empty.
 * @param probabilities per model, as returned by `evaluateRun`; other values of the same form become columns too, such
 * as `svm.decision` for decision values
 */
export function* outOfFoldCsv(input: {
  classes: readonly string[];
  clips: readonly EvaluatedClip[];
  splits: readonly Split[];
  probabilities: ReadonlyMap<string, FoldProbabilities>;
}): Generator<string> {
  const { classes, clips, splits } = input;
  const models = [...input.probabilities];
  const columns = models.flatMap(([name]) => classes.map((label) => field(`${name}:${label}`)));
  yield `${['clip', 'group', 'label', 'repeat', 'fold', ...columns].join(',')}\n`;
  const starts = clips.map(
    ({ id, group, label }) => `${textField(id)},${textField(group)},${textField(classes[label])}`,
  );
  const empty = ','.repeat(classes.length);
  for (const [s, { repeat, fold, test }] of splits.entries()) {
    let text = '';
    for (let row = 0; row < test.length; row++) {
      text += `${starts[test[row]]},${repeat},${fold}`;
      for (const [, folds] of models) {
        const matrix = folds[s];
        if (matrix) for (let c = 0; c < classes.length; c++) text += `,${matrix[row * classes.length + c]}`;
        else text += empty;
      }
      text += '\n';
    }
    yield text;
  }
}
