// Measures how often StratifiedGroupKFold produces folds that cannot be used on small random corpora, and whether the
// smaller number of folds that the error suggests works. Usage: tools/empty-folds [--corpora N] [--seed N] [--json]
import { parseArgs } from 'node:util';
import { CryfoldError, Random } from '@cryfold/core';
import { type SplitRequest, splitterOf, usableSplits } from '@cryfold/evaluation';
import { wholeOption } from './options.js';

/**
 * Number of infants, classes and folds in a row of the table. If there are about as many folds as infants, the greedy
 * algorithm fails.
 */
const SHAPES = [
  ...[
    [5, 2, 5],
    [6, 2, 5],
    [8, 2, 5],
    [10, 2, 5],
    [5, 3, 5],
    [6, 3, 5],
    [8, 3, 5],
    [10, 3, 5],
    [20, 3, 5],
  ],
  ...[
    [10, 2, 10],
    [10, 3, 10],
    [12, 2, 10],
    [12, 3, 10],
    [20, 3, 10],
  ],
] as const;
type Shape = (typeof SHAPES)[number];
const kind = splitterOf('StratifiedGroupKFold');

/**
 * Generates random infants, each with clips of a single class. The number of clips per infant is geometrically
 * distributed, 6 on average.
 */
function corpus([infants, classes, folds]: Shape, random: Random): SplitRequest {
  const labels: number[] = [];
  const groups: string[] = [];
  for (let infant = 0; infant < infants; infant++) {
    const label = infant < classes ? infant : random.below(classes);
    const clips = 1 + Math.floor(Math.log(1 - random.uniform()) / Math.log(1 - 1 / 6));
    for (let clip = 0; clip < clips; clip++) {
      labels.push(label);
      groups.push(`infant ${infant}`);
    }
  }
  return { labels: Int32Array.from(labels), groups, folds, repeats: 10, seed: random.below(2 ** 31) };
}

/**
 * Returns the code of the error that a corpus causes, and the number of folds that the error's hint suggests, if any.
 */
function problemOf(request: SplitRequest): { code: string; folds?: number } | undefined {
  try {
    usableSplits(kind, request);
    return undefined;
  } catch (error) {
    if (!(error instanceof CryfoldError)) throw error;
    const [, folds] = /Ask for (\d+) folds/.exec(error.hint ?? '') ?? [];
    return { code: error.code, ...(folds === undefined ? {} : { folds: Number(folds) }) };
  }
}

function measure(shape: Shape, corpora: number, seed: number) {
  const random = new Random(seed);
  const [infants, classes, folds] = shape;
  const row = { infants, classes, folds, FOLD_EMPTY: 0, FOLD_ONE_CLASS: 0, SPLIT_IMPOSSIBLE: 0, fewerWork: 0 };
  for (let i = 0; i < corpora; i++) {
    const request = corpus(shape, random);
    const problem = problemOf(request);
    if (!problem) continue;
    row[problem.code as 'FOLD_EMPTY']++;
    if (problem.folds !== undefined && !problemOf({ ...request, folds: problem.folds })) row.fewerWork++;
  }
  return row;
}

const { values } = parseArgs({
  options: {
    corpora: { type: 'string', default: '500' },
    seed: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
});
const corpora = wholeOption('corpora', values.corpora);
const seed = wholeOption('seed', values.seed, { least: 0 });
const rows = SHAPES.map((shape) => measure(shape, corpora, seed));
if (values.json) console.log(JSON.stringify({ corpora, seed, rows }));
else {
  console.log(`StratifiedGroupKFold, 10 repeats, ${corpora} corpora per row; the last four columns are in percent`);
  console.log('infants  classes  folds   empty fold   one class to train on   impossible   fewer folds work');
  for (const { infants, classes, folds, FOLD_EMPTY, FOLD_ONE_CLASS, SPLIT_IMPOSSIBLE, fewerWork } of rows) {
    const shares = [FOLD_EMPTY, FOLD_ONE_CLASS, SPLIT_IMPOSSIBLE, fewerWork].map((n) =>
      ((100 * n) / corpora).toFixed(1),
    );
    const widths = [7, 9, 7, 13, 24, 13, 19];
    const cells = [infants, classes, folds, ...shares].map((cell, i) => String(cell).padStart(widths[i]));
    console.log(cells.join(''));
  }
}
