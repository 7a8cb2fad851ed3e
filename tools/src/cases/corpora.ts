import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '@cryfold/core';
import { encodeWav, readDataset, sharedSounds } from '@cryfold/corpus';
import { voice } from '@cryfold/testing';
import type { Bench } from './bench.js';
import { type Case, type CaseGroup, type CoveringTest, testsOf } from './case.js';

const groups = testsOf('packages/corpus/test/groups.test.ts');
const copies = testsOf('packages/corpus/test/duplicates.test.ts');
const mlflow = testsOf('packages/run-control/test/mlflow-files.test.ts');

const segments = groups(
  'reports unknown groups for class folders, and suggests groups if file names look like parts of recordings',
);

async function segmentsOf(bench: Bench, folder: string, ...flags: string[]): Promise<string> {
  return bench.inspect(`${await bench.make('12-segments.py')}/${folder}`, ...flags);
}

/** Inspects a corpus without options, and again with the groups that the first output suggests. */
const proposed = (folder: string) => async (bench: Bench) => {
  const pattern = /--group-by '([^']+)'/.exec(await segmentsOf(bench, folder))?.[1];
  return pattern === undefined ? 'no groups are proposed' : segmentsOf(bench, folder, '--group-by', pattern);
};

const SEGMENTS: Case[] = [
  {
    name: '12 parts of recordings',
    run: (bench) => segmentsOf(bench, 'seg'),
    expected: /^40 clips .*groups not known; .*which forms 8 groups from 40 files/,
    tests: segments,
  },
  {
    name: '12 parts of recordings, in the groups that are proposed',
    ...{ run: proposed('seg'), expected: /^40 clips of high, low; 8 groups by pattern/, tests: segments },
  },
  {
    name: '12 numbered recordings of few sources',
    run: (bench) => segmentsOf(bench, 'long'),
    expected: /^48 clips .*groups not known; .*which forms 8 groups from 24 files/,
    tests: segments,
  },
  {
    name: '12 grouped folds of parts of recordings',
    run: async (bench) => {
      const data = `${await bench.make('12-segments.py')}/seg`;
      const flags = ['--protocol', 'grouped', '--estimators', 'svm', '--store', bench.path('12'), '--json'];
      return bench.failure(await bench.cryfold(['run', '--data', data, ...flags]));
    },
    expected: /^GROUPS_UNKNOWN .*which forms 8 groups from 40 files/,
    tests: testsOf('test/src/groups.test.ts')(
      'refuses grouped folds of class folders before writing anything, and the suggested fix works',
    ),
  },
];

const rates: Case = {
  name: '04 the rate predicts the class',
  run: async (bench) => {
    const answer = await bench.cryfold(['data', 'audit', await bench.make('04-rates.py')]);
    if (answer.code !== 0) return bench.failure(answer);
    return answer.stdout.split('\n').find((line) => /^(warning|note): /.test(line)) ?? 'finds nothing';
  },
  expected: /^warning: The sampling rate alone distinguishes classes: class a has 44,100 Hz, class b has 11,025 Hz/,
  tests: testsOf('test/src/audit.test.ts')('reports a sampling rate that reveals the class'),
};

const RATE = 8000;
const DISTORTIONS: Record<string, (samples: Float64Array) => Float64Array> = {
  exact: (samples) => samples.slice(0, RATE),
  quieter: (samples) => samples.slice(0, RATE).map((sample) => 0.1 * sample),
  later: (samples) => samples.slice(RATE / 4, RATE + RATE / 4),
  cut: (samples) => samples.slice(400, RATE),
};

/** Writes ten voices and a distorted copy of each, and counts the copies that are found. */
async function copiesFound(bench: Bench, kind: string): Promise<string> {
  const root = bench.path('13', kind);
  for (const label of ['a', 'b']) await mkdir(join(root, label), { recursive: true });
  const random = new Random(13);
  for (let i = 0; i < 10; i++) {
    const samples = voice(random, 2);
    const put = (name: string, sound: Float64Array) =>
      writeFile(join(root, i % 2 ? 'a' : 'b', `${kind}_${i}_${name}.wav`), encodeWav(sound, RATE));
    await put('src', DISTORTIONS.exact(samples));
    await put('copy', DISTORTIONS[kind](samples));
  }
  const dataset = await readDataset(root, { clipSeconds: 0.9 });
  const sounds = await sharedSounds(dataset);
  const pairs = sounds.filter((clips) => {
    const stems = new Set(clips.map((clip) => dataset.clips[clip].file.replace(/_(src|copy)\.wav$/, '')));
    return clips.length === 2 && stems.size === 1;
  });
  return `${pairs.length} of 10 copies found, ${sounds.length - pairs.length} false`;
}

const COPIES = Object.keys(DISTORTIONS).map(
  (kind): Case => ({
    name: `13 copies: ${kind}`,
    run: (bench) => copiesFound(bench, kind),
    expected: /^10 of 10 copies found, 0 false$/,
    tests: copies('finds a copy: '),
  }),
);

const NAMED = testsOf('test/src/names.test.ts');
const SHOWN: [name: string, path: string, expected: RegExp, tests: CoveringTest[]][] = [
  [
    'odd labels in a manifest',
    'm.csv',
    /^84 clips of .*"q", .*<script>.*__proto__.*pain \?, pain!, pain\?.*; groups not known/,
    NAMED('accepts classes, groups, columns, estimators and runs that are named like object members'),
  ],
  [
    'odd names of class folders',
    'f',
    /^36 clips of -n, __proto__, a b, a:b, con, pain!, pain\?, x{250}, \u{1f62d}; groups not known/u,
    testsOf('packages/corpus/test/walk.test.ts')(
      'finds recordings in all folders, sorted, without hidden files and metadata of other systems',
    ),
  ],
];

/** Counts how many of a run's 21 recalls are in its MLflow files, each under its own name. */
async function exported(bench: Bench): Promise<string> {
  const data = `${await bench.make('21-names.py')}/m.csv`;
  const store = ['--store', bench.path('21')];
  const flags = ['--estimators', 'svm', '--folds', '2', '--repeats', '1', '--workers', '1', '--yes'];
  const run = await bench.cryfold(['run', '--data', data, ...flags, ...store]);
  if (run.code !== 0) return bench.failure(run);
  const out = bench.path('21-mlflow');
  const answer = await bench.cryfold(['export', 'mlflow', 'latest', '--to', out, ...store]);
  if (answer.code !== 0) return bench.failure(answer);
  const files = (await readdir(out, { recursive: true })).filter((file) => /metrics\/.*recall\./.test(file));
  const names = new Set(files.map((file) => file.replace(/^.*metrics\//, '')));
  return `${names.size} recalls of 21 classes`;
}

export const corpora: CaseGroup = {
  inputs: ['04-rates.py', '12-segments.py', '13-dups.mjs', '21-names.py'],
  cases: [
    rates,
    ...SEGMENTS,
    ...COPIES,
    ...SHOWN.map(
      ([name, path, expected, tests]): Case => ({
        ...{ name: `21 ${name}`, expected, tests },
        run: async (bench) => bench.inspect(`${await bench.make('21-names.py')}/${path}`),
      }),
    ),
    {
      name: '21 odd labels in MLflow',
      run: exported,
      expected: /^21 recalls of 21 classes$/,
      tests: mlflow('distinguishes names that differ only in punctuation, in the same way in all runs'),
    },
  ],
};
