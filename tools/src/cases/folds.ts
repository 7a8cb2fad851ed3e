import { splitterOf } from '@cryfold/evaluation';
import { ROOT } from '@cryfold/integration-tests/command';
import type { Bench } from './bench.js';
import { type Case, type CaseGroup, type CoveringTest, testsOf } from './case.js';

const usable = testsOf('packages/evaluation/test/usable-splits.test.ts');
const errors = testsOf('test/src/fold-errors.test.ts');
const empty = usable('rejects a fold without a test clip, and suggests a number of folds that works');

/** Runs the SVM. @returns one line with the number of finished folds, or with the error */
async function run(bench: Bench, data: string, ...flags: string[]): Promise<string> {
  const store = ['--store', bench.path('folds'), '--workers', '1', '--yes', '--json'];
  const answer = await bench.cryfold(['run', '--data', data, '--estimators', 'svm', ...flags, ...store]);
  if (answer.code !== 0 && !answer.stdout.startsWith('{"format"')) return bench.failure(answer);
  const { models, missing } = JSON.parse(answer.stdout) as Results;
  return `exit ${answer.code}; ${models[0].accuracy?.count ?? 0} folds; ${missing?.length ?? 0} missing`;
}

interface Results {
  models: { accuracy?: { count: number } | null }[];
  missing?: unknown[];
}

const grouped = (folds: string) => async (bench: Bench) =>
  run(bench, await bench.make('01-sgkf.py'), '--protocol', 'grouped', '--folds', folds, '--repeats', '2');

/** Compares the sizes of the test sets with those of scikit-learn's StratifiedGroupKFold, for three seeds. */
async function sizes(bench: Bench): Promise<string> {
  const printed = await bench.python('01-sklearn.py', []);
  const theirs = printed.trim().split('\n').slice(1);
  const groups = [7, 4, 1, 5, 2].flatMap((count, i) => Array<string>(count).fill(String(i + 1)));
  const labels = Int32Array.from(groups, (group) => (Number(group) > 3 ? 1 : 0));
  const ours = [0, 1, 2].map((seed) => {
    const splits = splitterOf('StratifiedGroupKFold').split({ labels, groups, folds: 5, repeats: 1, seed });
    return `${seed} [${splits.map(({ test }) => test.length).join(', ')}]`;
  });
  return ours.join() === theirs.join() ? `as scikit-learn: ${ours[0]}` : `${ours.join()} but ${theirs.join()}`;
}

async function howOften(bench: Bench): Promise<string> {
  const args = [`${ROOT}tools/dist/src/empty-folds.js`, '--corpora', '20', '--json'];
  const { stdout } = await bench.call(process.execPath, args);
  const { corpora, rows } = JSON.parse(stdout) as { corpora: number; rows: Record<string, number>[] };
  const refused = rows.reduce((sum, row) => sum + row.FOLD_EMPTY + row.FOLD_ONE_CLASS, 0);
  return `${refused} of ${corpora * rows.length} random corpora are refused before training`;
}

const TINY: [name: string, folder: string, expected: RegExp, tests: CoveringTest[]][] = [
  [
    'classes of 1, 2, 3 and 4 clips',
    'a',
    /^exit 0; 20 folds; 0 missing$/,
    errors('does not let an untrainable fold affect other folds, in any run with the same seed'),
  ],
  [
    '9 clips and 1',
    'b',
    /^FOLD_ONE_CLASS |^exit 0; 20 folds/,
    usable('rejects a fold that could train on only one class, or on nothing'),
  ],
  [
    '4 clips and 1',
    'c',
    /^FOLD_ONE_CLASS /,
    usable('rejects a fold that could train on only one class, or on nothing'),
  ],
  [
    '5 clips of two infants and 1',
    'd',
    /^FOLD_ONE_CLASS /,
    usable('rejects a fold that could train on only one class, or on nothing'),
  ],
];

export const folds: CaseGroup = {
  inputs: ['01-how-often.mjs', '01-sgkf.py', '01-sklearn.py', '24-tiny.py'],
  cases: [
    {
      name: '01 grouped folds, one for each infant',
      ...{ run: grouped('5'), expected: /^FOLD_EMPTY .*Use 4 folds/, tests: empty },
    },
    {
      name: '01 the number of folds in the hint',
      ...{ run: grouped('4'), expected: /^exit 0; 8 folds; 0 missing$/, tests: empty },
    },
    {
      name: '01 scikit-learn',
      run: sizes,
      expected: /^as scikit-learn: 0 \[/,
      tests: testsOf('packages/evaluation/test/splits.test.ts')('returns the same indices as scikit-learn for'),
    },
    { name: '01 how often', run: howOften, expected: /^[1-9]\d* of 280 /, tests: empty },
    ...TINY.map(
      ([what, folder, expected, tests]): Case => ({
        ...{ name: `24 ${what}`, expected, tests },
        run: async (bench) =>
          run(bench, `${await bench.make('24-tiny.py')}/${folder}`, '--folds', '5', '--repeats', '4'),
      }),
    ),
  ],
};
