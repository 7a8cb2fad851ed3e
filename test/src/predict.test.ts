import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { encodeWav } from '@cryfold/corpus';
import { RATE, tone, writeModel } from '@cryfold/model-registry/testing';
import { cryfold, PROGRAM, temporaryFolder } from './command.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);

before(async () => {
  folder = await temporaryFolder();
  await writeModel(path('model'), ['low', 'high, odd']);
  await mkdir(path('night', 'deep'), { recursive: true });
  await writeFile(path('night', 'a.wav'), encodeWav(tone(1), RATE));
  await writeFile(path('night', 'deep', 'long.wav'), encodeWav(tone(3, 1), RATE));
  await writeFile(path('night', 'bad.wav'), 'no recording');
  await writeFile(path('night', 'notes.txt'), 'no recording');
  await symlink(path('nowhere.wav'), path('night', 'lost.wav'));
  await mkdir(path('empty'));
});
after(() => folder?.remove());

const predict = (...args: string[]) => cryfold(['predict', path('model'), ...args]);

test('classifies all recordings of folders, reports bad ones, and exits with 1', async () => {
  const { code, stdout, stderr } = await predict(path('night'), path('empty'), '--format', 'jsonl');
  assert.equal(code, 1);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const byName = new Map(lines.map((line) => [line.name, line]));
  assert.equal(byName.get(path('night', 'a.wav')).mean.label, 'low');
  assert.equal(byName.get(path('night', 'deep', 'long.wav')).windows.length, 3);
  assert.equal(byName.get(path('night', 'deep', 'long.wav')).mean.label, 'high, odd');
  assert.deepEqual(byName.get(path('night', 'a.wav')).model, { name: 'tones', version: 'aaaaaaaaaaa1' });
  assert.equal(byName.get(path('night', 'bad.wav')).error.code, 'WAV_INVALID');
  assert.equal(byName.get(path('night', 'lost.wav')).error.code, 'DATA_UNREADABLE');
  assert.equal(byName.get(path('empty')).error.code, 'DATA_EMPTY');
  assert.equal(lines.length, 5);
  assert.match(stderr, /notes\.txt/);
  assert.match(stderr, /lost\.wav: is a dangling link/);
  assert.match(stderr, /^2 recordings were classified, 3 not$/m);
});

test('writes one CSV row per window, with quotes if needed', async () => {
  const file = path('night', 'deep', 'long.wav');
  const { code, stdout } = await predict(file, path('night', 'bad.wav'), '--format', 'csv');
  assert.equal(code, 1);
  const [head, ...rows] = stdout.trim().split('\n');
  assert.equal(head, 'recording,kind,start,end,rate,resampled_to,class,unlike,unlikeness,p_low,"p_high, odd",error');
  assert.deepEqual(
    rows.map((row) => row.split(',').slice(0, 4).join(',')),
    [
      ...[0, 1, 2].map((second) => `${file},window,${second},${second + 1}`),
      `${file},mean,0,3`,
      `${path('night', 'bad.wav')},error,,`,
    ],
  );
  assert.match(rows[0], /,8000,,"high, odd",,,0\.\d+,0\.\d+,$/);
  assert.match(rows[4], /WAV_INVALID: /);
});

test('still predicts with a model that has no rule for other sounds', async () => {
  await writeFile(path('silent.wav'), encodeWav(new Float64Array(RATE), RATE));
  const { code, stdout } = await predict(path('silent.wav'), path('night', 'a.wav'), '--json');
  const { predictions, errors } = JSON.parse(stdout);
  assert.deepEqual([code, errors[0].code], [1, 'CLIP_SILENT']);
  assert.deepEqual(Object.keys(predictions[0]), ['name', 'rate', 'seconds', 'silent', 'windows', 'mean']);
  assert.deepEqual(Object.keys(predictions[0].windows[0]), ['start', 'end', 'label', 'probabilities']);
});

test('writes predictions in any format to a file, and refuses a path that cannot be written', async () => {
  const file = path('night', 'a.wav');
  const shown = await predict(file, '--json');
  const written = await predict(file, '--format', 'json', '--out', path('out.json'));
  assert.deepEqual([written.code, written.stdout], [0, '']);
  assert.equal(await readFile(path('out.json'), 'utf8'), shown.stdout);
  assert.deepEqual(JSON.parse(shown.stdout).errors, []);
  const refused = await predict(file, '--out', path('no', 'such', 'folder.csv'));
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /OUT_UNWRITABLE/);
  assert.deepEqual(
    (await readdir(folder.path)).filter((name) => name.includes('.part')),
    [],
  );
});

test('prints the prediction for a recording before reading the next one, and reads standard input', async () => {
  const child = spawn(
    process.execPath,
    [PROGRAM, 'predict', path('model'), path('night', 'a.wav'), '-', '--format', 'jsonl'],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const lines: string[] = [];
  const ended = new Promise((resolve) => child.once('close', resolve));
  for await (const piece of child.stdout) {
    lines.push(...String(piece).trim().split('\n'));
    // Send the second recording only after the prediction for the first one has arrived.
    if (lines.length === 1) child.stdin.end(encodeWav(tone(1), RATE));
  }
  assert.equal(await ended, 0);
  const [first, second] = lines.map((line) => JSON.parse(line));
  assert.equal(second.name, 'standard input');
  assert.deepEqual(second.windows, first.windows);
});
