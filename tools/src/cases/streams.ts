import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Answer, Bench, CallOptions } from './bench.js';
import { type Case, type CaseGroup, type CoveringTest, testsOf } from './case.js';

const formats = testsOf('packages/corpus/test/audio-formats.test.ts');

/** Files with streamed headers, by the names under which the script creates them. */
const FILES: [name: string, tests: CoveringTest[]][] = [
  ['ok', testsOf('test/src/serve.test.ts')('returns the same as cryfold predict, both for a WAV body and for a form')],
  ['ffff', formats("'sizes of 0xffffffff, as written by ffmpeg'")],
  ['7fff', formats("'sizes of 0x7ffff000, as written by sox'")],
  ['zero', formats("'sizes of 0'")],
  ['8000', formats("'sizes of 0x80000000, as written by arecord'")],
  ['7fffffff', formats("'sizes of 0x7fffffff'")],
  ['arecord', formats("'sizes of 0x80000000, as written by arecord'")],
];

/** Trains a final model of an SVM, and returns its name. */
const makeModel = (bench: Bench) =>
  bench.once('a model', async () => {
    const data = await bench.make('base.py');
    const store = ['--store', bench.path('models')];
    const flags = ['--estimators', 'svm', '--folds', '2', '--repeats', '1', '--workers', '1', '--yes'];
    const steps = [
      ['run', '--data', data, ...flags, ...store],
      ['train-final', 'latest', ...store],
    ];
    let last: Answer | undefined;
    for (const args of steps) {
      last = await bench.cryfold(args);
      if (last.code !== 0) throw new Error(bench.failure(last));
    }
    const name = /\b[\w-]+@[0-9a-f]{12}\b/.exec(last?.stdout ?? '')?.[0];
    if (!name) throw new Error('train-final does not print a version');
    return name;
  });

/** Creates the streamed files, and returns their folder. */
const makeFiles = (bench: Bench) =>
  bench.once('02-piped.sh', async () => {
    // Runs only the Python part of the script, which creates the files.
    await bench.python('02-piped.sh', [bench.path('02')], (text) => /<<'P'\n(.*?)\nP\n/s.exec(text)?.[1] ?? '');
    return bench.path('02', 's');
  });

async function predict(bench: Bench, file: string, options?: CallOptions): Promise<string> {
  const model = await makeModel(bench);
  const answer = await bench.cryfold(['predict', model, file, '--store', bench.path('models'), '--json'], options);
  if (answer.code !== 0) return bench.failure(answer);
  return `classified as ${/"label":\s*"(\w+)"/.exec(answer.stdout)?.[1]}`;
}

const CLASSIFIED = /^classified as low$/;

const file = ([name, tests]: (typeof FILES)[number]): Case => ({
  ...{ name: `02 predict ${name}.wav`, expected: CLASSIFIED, tests },
  run: async (bench) => predict(bench, join(await makeFiles(bench), `${name}.wav`)),
});

/** Creates a case that predicts a recording with the header that a program writes when its output is a pipe. */
const piped = (name: string, command: string, tests: CoveringTest[]): Case => ({
  ...{ name: `02 predict - from ${name}`, expected: CLASSIFIED, tests },
  run: async (bench) => {
    const from = join(await makeFiles(bench), 'ok.wav');
    const to = bench.path('02', 'piped.wav');
    const { code, stderr } = await bench.call('bash', ['-c', `set -o pipefail; ${command} > "$2"`, name, from, to]);
    if (code !== 0) throw new Error(stderr);
    return predict(bench, '-', { input: await readFile(to) });
  },
});

const pipe = formats('reads what sox writes to a pipe');

export const streams: CaseGroup = {
  inputs: ['02-piped.sh'],
  cases: [
    ...FILES.map(file),
    piped('sox', 'sox "$1" -t wav - | cat', pipe),
    piped('sox at both ends', 'cat "$1" | sox -t wav - -t wav - trim 0 1.2 | cat', pipe),
  ],
};
