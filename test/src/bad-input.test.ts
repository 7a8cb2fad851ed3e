import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { encodeWav } from '@cryfold/corpus';
import { cryfold, ownStore, TINY_SPEC, temporaryFolder } from './command.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);

const noise = (seed: number, seconds = 1) =>
  encodeWav(
    Float64Array.from({ length: 8000 * seconds }, (_, i) => Math.sin(i * i * seed)),
    8000,
  );

async function write(name: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path(name)), { recursive: true });
  await writeFile(path(name), content);
}

/** Writes one folder per class with `clips` good recordings each. */
async function corpus(name: string, classes: string[], clips = 4): Promise<void> {
  for (const [c, label] of classes.entries()) {
    for (let i = 0; i < clips; i++) await write(`${name}/${label}/${i}.wav`, noise(0.001 * (1 + c) + 0.0001 * i));
  }
}

before(async () => {
  folder = await temporaryFolder();
  await write('good.yaml', TINY_SPEC);
  await corpus('good', ['a', 'b']);
  await mkdir(path('empty'));
  await corpus('one-class', ['a']);
  await corpus('few', ['a', 'b'], 1);
  await corpus('truncated', ['a', 'b']);
  await write('truncated/a/9.wav', noise(0.01).subarray(0, 1000));
  await corpus('text', ['a', 'b']);
  await write('text/a/9.wav', 'not audio samples');
  await corpus('nothing', ['a', 'b']);
  await write('nothing/a/9.wav', encodeWav(new Float64Array(), 8000));
  await corpus('silent', ['a', 'b']);
  await write('silent/a/9.wav', encodeWav(new Float64Array(8000), 8000));
  await write('manifest.csv', 'path,label,group\ngood/a/0.wav,x,g\nabsent.wav,y,g\n');
  await write('columns.csv', 'file,class\ngood/a/0.wav,x\n');
  await write('key.yaml', `${TINY_SPEC}colour: blue\n`);
  await write('type.yaml', TINY_SPEC.replace('epochs: 2', 'epochs: many'));
  await write('broken.yaml', 'version: [1\n');
  await write('weights.yaml', TINY_SPEC.replace('kind: tl-resnet50,', 'kind: tl-resnet50, weights: absent.h5,'));
});
after(() => folder.remove());

interface Case {
  what: string;
  spec?: string;
  data: string;
  flags?: string[];
  environment?: Record<string, string>;
  exit: number;
  code: string;
  /** What the message must mention */
  names: RegExp;
}

const cases: Case[] = [
  { what: 'a missing directory', data: 'absent', exit: 10, code: 'DATA_NOT_FOUND', names: /absent/ },
  { what: 'a directory without WAV', data: 'empty', exit: 10, code: 'DATA_EMPTY', names: /empty/ },
  { what: 'one class only', data: 'one-class', exit: 10, code: 'DATA_ONE_CLASS', names: /one-class/ },
  { what: 'fewer clips than folds', data: 'few', exit: 10, code: 'DATA_TOO_FEW', names: /2 clips.*3 folds/ },
  { what: 'a truncated WAV', data: 'truncated', exit: 10, code: 'WAV_INVALID', names: /a\/9\.wav/ },
  { what: 'a file that is not WAV', data: 'text', exit: 10, code: 'WAV_INVALID', names: /a\/9\.wav/ },
  { what: 'a WAV without samples', data: 'nothing', exit: 10, code: 'WAV_EMPTY', names: /a\/9\.wav/ },
  { what: 'a silent recording', data: 'silent', exit: 10, code: 'CLIP_SILENT', names: /a\/9\.wav/ },
  {
    what: 'a manifest with a missing file',
    data: 'manifest.csv',
    exit: 10,
    code: 'DATA_MANIFEST_INVALID',
    names: /:3: .*absent/,
  },
  {
    what: 'a manifest without the required columns',
    data: 'columns.csv',
    exit: 10,
    code: 'DATA_MANIFEST_INVALID',
    names: /path/,
  },
  {
    what: 'an unknown key',
    spec: 'key.yaml',
    data: 'good',
    exit: 10,
    code: 'SPEC_INVALID',
    names: /key\.yaml:11: colour/,
  },
  {
    what: 'a wrong type',
    spec: 'type.yaml',
    data: 'good',
    exit: 10,
    code: 'SPEC_INVALID',
    names: /type\.yaml:6: .*epochs/,
  },
  { what: 'broken YAML', spec: 'broken.yaml', data: 'good', exit: 10, code: 'SPEC_INVALID', names: /broken\.yaml:/ },
  {
    what: 'missing weights',
    spec: 'weights.yaml',
    data: 'good',
    exit: 10,
    code: 'WEIGHTS_NOT_FOUND',
    names: /absent\.h5/,
  },
  {
    what: 'an unknown estimator',
    data: 'good',
    flags: ['--estimators', 'svm,magic'],
    exit: 2,
    code: 'USAGE',
    names: /magic/,
  },
  {
    what: 'a limit below the number of classes',
    data: 'good',
    flags: ['--limit', '1'],
    exit: 10,
    code: 'DATA_TOO_FEW',
    names: /2 classes/,
  },
  {
    what: 'an unreachable Redis',
    data: 'good',
    environment: { REDIS_URL: 'redis://user:secret@127.0.0.1:1', CRYFOLD_STORE: 'file:store' },
    exit: 1,
    code: 'REDIS_UNREACHABLE',
    names: /\*\*\*@127\.0\.0\.1:1/,
  },
  {
    what: 'a store of an unknown kind',
    data: 'good',
    environment: { CRYFOLD_STORE: 'gopher://x' },
    exit: 2,
    code: 'STORE_URL_INVALID',
    names: /gopher/,
  },
];

for (const { what, spec = 'good.yaml', data, flags = [], environment, exit, code, names } of cases) {
  test(`reports ${code} for ${what}, and writes nothing`, async () => {
    const out = path(`out-${what.replaceAll(/\W+/g, '-')}`);
    const ended = await cryfold(
      ['run', path(spec), '--data', path(data), '--out', out, ...flags],
      environment ?? { CRYFOLD_STORE: join(out, 'store') },
    );
    assert.equal(ended.code, exit, ended.stderr);
    assert.match(ended.stderr, new RegExp(`cryfold: ${code}: `));
    assert.match(ended.stderr, names);
    assert.doesNotMatch(ended.stderr, /secret| {4}at /, 'neither secrets nor stack traces are printed');
    assert.ok(ended.stderr.trim().split('\n').length >= 2, 'says what to do');
    assert.deepEqual(await readdir(out).catch(() => []), []);
  });
}

test('reports OUT_UNWRITABLE for a store that cannot be written', async () => {
  await write('blocked', 'a file where a folder should be');
  const args = ['run', path('good.yaml'), '--data', path('good'), '--out', path('blocked-out')];
  const ended = await cryfold(args, { CRYFOLD_STORE: `file:${path('blocked')}` });
  assert.equal(ended.code, 2, ended.stderr);
  assert.match(ended.stderr, /OUT_UNWRITABLE: .*blocked cannot be written: there is a file/);
});

test('--json prints errors as JSON', async () => {
  const ended = await cryfold(['run', '--data', path('absent'), '--json']);
  assert.equal(ended.code, 10);
  assert.equal(JSON.parse(ended.stdout).error.code, 'DATA_NOT_FOUND');
});

test('--skip-bad skips and lists the bad recording', async () => {
  const flags = ['--skip-bad', '--estimators', 'svm', '--workers', '1'];
  const ended = await cryfold([
    'run',
    path('good.yaml'),
    '--data',
    path('truncated'),
    ...ownStore(path('skipped')),
    ...flags,
  ]);
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stderr, /skipped: .*a\/9\.wav/);
});

test('reports wrong flags as usage errors', async () => {
  for (const args of [['run'], ['run', '--data', 'x', '--folds', '1'], ['run', '--data', 'x', '--magic'], ['dance']]) {
    assert.equal((await cryfold(args)).code, 2, args.join(' '));
  }
  assert.equal((await cryfold(['--help'])).code, 0);
});

test('reports invalid versions, unknown models and store weights with specific errors', async () => {
  const store = { CRYFOLD_STORE: `file:${path('none')}` };
  const wrong: [string[], RegExp, number][] = [
    [['models', 'promote', 'nosuch@v'], /MODEL_NOT_FOUND: "v" of "nosuch@v" is not a version/, 2],
    [['predict', 'nosuch@v', path('good/a/0.wav')], /MODEL_NOT_FOUND: "v" of "nosuch@v" is not a version/, 2],
    [['models', 'show', 'No Such'], /MODEL_NOT_FOUND: "No Such" is neither NAME nor NAME@VERSION/, 2],
    [['models', 'rollback', 'nosuch'], /MODEL_NOT_FOUND: there is no model named nosuch\n.*models list/, 2],
    [['weights', 'put', path('absent.h5')], /WEIGHTS_NOT_FOUND: .*absent\.h5.*\n {2}Specify the path (?!.*random)/, 10],
  ];
  for (const [args, message, exit] of wrong) {
    const { code, stderr } = await cryfold(args, store);
    assert.match(stderr, message);
    assert.equal(code, exit, args.join(' '));
  }
});

test('reports missing GPUs before starting anything', async () => {
  const { code, stderr } = await cryfold(['worker', '--children-per-gpu', '2'], { CUDA_VISIBLE_DEVICES: '-1' });
  assert.equal(code, 2);
  assert.match(stderr, /USAGE: --children-per-gpu: CUDA_VISIBLE_DEVICES hides all GPUs/);
});
