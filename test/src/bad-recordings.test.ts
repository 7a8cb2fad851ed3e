import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Random } from '@cryfold/core';
import { encodeWav } from '@cryfold/corpus';
import { cryfold, ownStore, temporaryFolder } from './command.js';
import { withoutRedis } from './testbed.js';

const RATE = 8000;
const SHORT = 60;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);

function sound(seconds: number, seed: number): Uint8Array {
  const random = new Random(seed);
  return encodeWav(
    new Float64Array(seconds * RATE).map(() => random.below(60000) / 32768 - 0.9),
    RATE,
  );
}

/**
 * Writes spoken digits, mostly shorter than half a clip. One file name looks like a formula, and another one contains a
 * line break.
 */
before(async () => {
  folder = await temporaryFolder();
  for (const label of ['one', 'two']) await mkdir(path('digits', label), { recursive: true });
  for (let i = 0; i < SHORT; i++) await writeFile(path('digits', 'one', `s${i}.wav`), sound(0.3, i));
  for (let i = 0; i < 12; i++) await writeFile(path('digits', i % 2 ? 'one' : 'two', `g${i}.wav`), sound(1, 100 + i));
  await writeFile(path('digits', 'two', '=cmd, "x".wav'), 'text');
  await writeFile(path('digits', 'two', 'a\nb.wav'), 'text');
  await symlink('..', path('digits', 'two', 'up'));
  await writeFile(
    path('spec.yaml'),
    'version: 1\nname: digits\nprotocol: { folds: 2, repeats: 1 }\nfeatures: { height: 16, width: 16 }\nestimators:\n  svm: { kind: svm }\n',
  );
});
after(() => folder?.remove());

const lines = (text: string) => text.trimEnd().split('\n');

test('inspect shows the first bad recordings for each cause, and lists all of them on request', async () => {
  const args = ['data', 'inspect', path('digits')];
  const failed = await cryfold([...args, '--problems', path('inspected.csv')]);
  assert.equal(failed.code, 10);
  assert.match(failed.stderr, /DATA_BAD: .*digits: 62 of 74 recordings cannot be used\n {2}60 x CLIP_SHORT: /);
  assert.match(failed.stderr, /All are listed in .*inspected\.csv/);
  assert.ok(lines(failed.stderr).length < 20, failed.stderr);
  const list = await readFile(path('inspected.csv'), 'utf8');
  assert.match(list, /^file,code,message,hint\none\/s0\.wav,CLIP_SHORT,/);
  assert.match(list, /\n"two\/=cmd, ""x""\.wav",WAV_INVALID,/);
  assert.equal(list.match(/,(CLIP_SHORT|WAV_INVALID),/g)?.length, 62);

  const json = await cryfold([...args, '--json']);
  const { error } = JSON.parse(json.stdout);
  assert.deepEqual([json.code, error.code, error.problems.length], [10, 'DATA_BAD', 62]);

  const left = await cryfold([...args, '--skip-bad']);
  assert.equal(left.code, 0, left.stderr);
  assert.match(left.stdout, /skipped: 60 x CLIP_SHORT/);
  assert.match(left.stdout, /skipped: two\/up: is the same folder as the directory itself/);
  assert.ok(lines(left.stdout).length < 25, left.stdout);
});

test('a run writes a list of bad recordings to its folder, and prints the path of the list', async () => {
  const out = path('failed');
  const failed = await cryfold(['run', path('spec.yaml'), '--data', path('digits'), '--out', out]);
  assert.equal(failed.code, 10);
  assert.match(failed.stderr, /DATA_BAD: .*\n {2}60 x CLIP_SHORT/);
  assert.match(failed.stderr, /All are listed in .*failed\/problems\.csv/);
  assert.deepEqual(await readdir(out), ['problems.csv']);
  assert.ok(lines(failed.stderr).length < 25, failed.stderr);

  const planned = path('planned');
  const args = ['--data', path('digits'), '--skip-bad', '--json'];
  const plan = await cryfold(['plan', path('spec.yaml'), ...args, '--out', planned]);
  assert.equal(plan.code, 0, plan.stderr);
  assert.equal(JSON.parse(plan.stdout).skipped.length, 63);
  assert.deepEqual(await readdir(planned).catch(() => []), [], 'plan writes nothing');
});

test('run --skip-bad, retrain and predict summarize many bad recordings', { skip: withoutRedis }, async () => {
  const flags = ['--data', path('digits'), '--skip-bad', '--workers', '1'];
  const run = await cryfold(['run', path('spec.yaml'), ...flags, ...ownStore(path('out'))]);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /list of all 63 skipped recordings: .*out\/problems\.csv/);
  assert.ok(run.stderr.match(/^skipped: /gm)!.length < 15, run.stderr);
  assert.equal((await readFile(path('out', 'problems.csv'), 'utf8')).match(/,CLIP_SHORT,/g)?.length, SHORT);

  const args = ['--model', 'digits', '--store', path('out', 'store'), '--problems', path('retrained.csv')];
  const retrained = await cryfold(['retrain', path('spec.yaml'), ...flags, ...args]);
  assert.ok(retrained.code === 0 || retrained.code === 8, retrained.stderr);
  assert.match(retrained.stderr, /skipped: 60 x CLIP_SHORT/);
  assert.match(retrained.stderr, /list of all 63 skipped recordings: .*retrained\.csv/);

  const trained = await cryfold([
    'train-final',
    'latest',
    '--store',
    path('out', 'store'),
    '--name',
    'digits',
    '--json',
  ]);
  const { card } = JSON.parse(trained.stdout);
  const files = Array.from({ length: SHORT }, (_, i) => path('digits', 'one', `s${i}.wav`));
  const model = [`digits@${card.version}`, path('digits', 'one', 'g1.wav')];
  const more = ['--store', path('out', 'store'), '--problems', path('predicted.csv')];
  const predicted = await cryfold(['predict', ...model, ...files, path('absent.wav'), ...more]);
  assert.equal(predicted.code, 1);
  assert.match(predicted.stdout, /g1\.wav/);
  assert.equal(predicted.stderr.match(/^cryfold: CLIP_SHORT: .*s\d+\.wav/gm)?.length, 5);
  assert.match(predicted.stderr, /cryfold: CLIP_SHORT: 55 more files were not classified/);
  assert.match(predicted.stderr, /DATA_NOT_FOUND: .*absent\.wav/);
  assert.equal(lines(await readFile(path('predicted.csv'), 'utf8')).length, 1 + SHORT + 1);
});

test('refuses an unwritable path for the list before reading any recording', async () => {
  const flags = ['--problems', path('no', 'folder.csv')];
  const { code, stderr } = await cryfold(['data', 'inspect', path('digits'), ...flags]);
  assert.deepEqual([code, /OUT_UNWRITABLE/.test(stderr)], [2, true], stderr);
});
