import type { EvaluatedClip, FoldProbabilities } from './evaluation-input.js';
import type { Split } from './split.js';

/** A field of RFC 4180: quoted where it holds a comma, a quote or a line end. */
function field(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What a spreadsheet takes for a formula, after any apostrophes; the last four are full-width forms of the first. */
const FORMULA = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/**
 * A field with text of the data. One that a spreadsheet would run as a formula gets an apostrophe before it; so does one
 * that looks as if it had got one, so that taking one away gives the text back.
 */
export function textField(text: string): string {
  return field(FORMULA.test(text) ? `'${text}` : text);
}

/**
 * out-of-fold.csv in chunks, one per split: `clip,group,label,repeat,fold` and a column `model:class` for every model
 * and class (a model's name begins with a letter or digit, so no column is a formula); a row per test clip of every split, in the splits' order. Lines end in LF. Numbers are the shortest text
 * that reads back as the same float64; the fields of a missing fold are empty.
 * @param probabilities per model, as `evaluateRun` returns them; other values of the same form are columns too, such as
 *   `svm.decision` for decision values
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
