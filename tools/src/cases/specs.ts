import { join } from 'node:path';
import type { Answer, Bench } from './bench.js';
import { type Case, type CaseGroup, type CoveringTest, testsOf } from './case.js';

const spec = testsOf('packages/plan/test/spec.test.ts');
const meant = spec('suggests what was probably meant, and reports the line');
const wrong = spec('reports the file, line and key of an error in a spec');
const encodings = testsOf('packages/cli/test/read-spec.test.ts')(
  'reads specs in UTF-8 or UTF-16 with a byte order mark; in other encodings, reports the bad line',
);

/** These files contain the paper's spec in different forms, so they all describe the same run. */
const PLANNED = /^planned paper-[0-9a-f]+, as ok\.yaml$/;

const FILES: [name: string, expected: RegExp, tests: CoveringTest[]][] = [
  ['ok', PLANNED, spec('specs/paper.yaml has the paper’s parameters')],
  ['bom', PLANNED, encodings],
  ['crlf', PLANNED, spec('reads the line endings and number formats of other editors')],
  ['dot', PLANNED, spec('reads the line endings and number formats of other editors')],
  ['utf16', PLANNED, encodings],
  ['SVM', /^SPEC_INVALID .*:39: .*there is no "SVM".*Did you mean svm\?/, meant],
  ['batchsize', /^SPEC_INVALID .*:26: .*Did you mean batchSize\?/, meant],
  ['c', /^SPEC_INVALID .*:41: .*Did you mean C\?/, meant],
  ['comma', /^SPEC_INVALID .*:25: .*"0,0001" is text, not a number.*0\.0001/, meant],
  ['dupkey', /^SPEC_INVALID .*:51: the key "protocol" occurs twice/, meant],
  ['empty', /^SPEC_INVALID .*:1: .*the spec is empty/, wrong],
  ['epoch', /^SPEC_INVALID .*:27: .*Did you mean epochs\?/, wrong],
  ['estimator', /^SPEC_INVALID .*:23: .*Did you mean estimators\?/, meant],
  ['learning_rate', /^SPEC_INVALID .*:25: .*Did you mean learningRate\?/, meant],
  ['logo', /^SPEC_INVALID .*:17: protocol\.repeats: LeaveOneGroupOut does not repeat/, meant],
  ['lr', /^SPEC_INVALID .*:25: .*Did you mean learningRate\?/, meant],
  ['name', /^SPEC_INVALID .*:24: .*use lower-case letters, digits and dashes/, meant],
  ['prob', /^SPEC_INVALID .*:41: estimators\.svm\.probability: there is no such key/, meant],
  ['quoted', /^SPEC_INVALID .*:25: "?.*is text, not a number.*without quotes/, meant],
  ['rf', /^SPEC_INVALID .*:39: .*there is no "random-forest".*Possible values: small-cnn, tl-resnet50, .*svm/, meant],
  ['splitter', /^SPEC_INVALID .*:15: .*Did you mean RepeatedKFold\?/, meant],
  ['tab', /^SPEC_INVALID .*:16: Tabs are not allowed as indentation/, wrong],
  [
    'two-unknown',
    /^SPEC_INVALID .*:51: foo: there is no such key, and 1 more/,
    testsOf('packages/plan/test/limits.test.ts')('an error counts unknown keys instead of listing them'),
  ],
  ['twodocs', /^SPEC_INVALID .*:51: a second document starts here/, meant],
  ['ver', /^SPEC_INVALID .*:5: version: /, wrong],
];

async function planned(bench: Bench, name: string): Promise<string> {
  const data = await bench.make('base.py');
  const path = join(bench.cases, '30-specs', `${name}.yaml`);
  const answer = await bench.cryfold(['plan', path, '--data', data, '--json', '--store', bench.path('30')]);
  if (answer.code !== 0) return bench.failure(answer);
  return String(/paper-[0-9a-f]+/.exec(answer.stdout)?.[0]);
}

const file = ([name, expected, tests]: (typeof FILES)[number]): Case => ({
  ...{ name: `30 ${name}`, expected, tests },
  run: async (bench) => {
    const own = await planned(bench, name);
    if (!own.startsWith('paper-')) return own;
    const ok = await bench.once('30-specs/ok.yaml', () => planned(bench, 'ok'));
    return own === ok ? `planned ${own}, as ok.yaml` : `planned ${own}, but ok.yaml is ${ok}`;
  },
});

/** Runs a sweep. @returns one line with the number of its trials and the number of its folds that existed before */
async function sweep(bench: Bench, name: 'a' | 'b' | 'c'): Promise<string> {
  const data = await bench.make('base.py');
  const store = bench.path('23');
  const flags = ['--data', data, '--store', store, '--workers', '1'];
  const path = join(bench.cases, '23-specs', `${name}.yaml`);
  const before: Answer = await bench.cryfold(['plan', path, ...flags.slice(0, 4)]);
  const [, trials, folds, there] = /(\d+) trials, (\d+) folds, (\d+) of them/.exec(before.stdout) ?? [];
  const answer = await bench.cryfold(['sweep', path, ...flags, '--yes'], { seconds: 300 });
  if (answer.code !== 0) return bench.failure(answer);
  return `${trials} trials, ${folds} folds, ${there} of them there before; complete`;
}

const grown = testsOf('packages/hyperparameter-search/test/propose.test.ts')(
  'random trials are distinct, in range and seeded, and the first ones do not depend on the total number',
);

const SWEEPS: [name: string, sweeps: ('a' | 'b' | 'c')[], expected: RegExp][] = [
  ['a sweep of 6 trials', ['a'], /^6 trials, 24 folds, \d+ of them there before; complete$/],
  ['12 trials after 6', ['a', 'b'], /^12 trials, 48 folds, 24 of them there before; complete$/],
  ['a space with another kernel', ['a', 'c'], /^12 trials, 48 folds, \d+ of them there before; complete$/],
];

export const specs: CaseGroup = {
  inputs: ['23-specs', '30-specs'],
  cases: [
    ...SWEEPS.map(
      ([name, sweeps, expected]): Case => ({
        ...{ name: `23 ${name}`, expected, tests: grown },
        run: async (bench) => {
          let ended = '';
          for (const one of sweeps) ended = await bench.once(`23-specs/${one}.yaml`, () => sweep(bench, one));
          return ended;
        },
      }),
    ),
    ...FILES.map(file),
  ],
};
