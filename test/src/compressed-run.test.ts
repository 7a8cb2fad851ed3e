import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { encodeWav } from '@cryfold/corpus';
import { decodeResults } from '@cryfold/evaluation';
import { sox, soxMissing } from '@cryfold/testing/sox';
import { cryfold, ROOT, temporaryFolder } from './command.js';
import { tone } from './public-corpora.js';
import { withoutRedis } from './testbed.js';

/** Tone `n` belongs to class `n % 2`, as in scripts/goldens/mp3.py. */
const TONES = 12;
const SECONDS = 1.5;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);
const fileOf = (n: number, ending: string) => path(ending, ['low', 'high'][n % 2], `${n}.${ending}`);
const waves = Array.from({ length: TONES }, (_, n) => encodeWav(tone(n % 2 ? 900 : 300, n, SECONDS), 8000));

async function put(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
}

before(async () => {
  folder = await temporaryFolder();
  await writeFile(
    path('svm.yaml'),
    'version: 1\nname: svm\nprotocol: { folds: 3, repeats: 1 }\nestimators: { svm: { kind: svm } }\n',
  );
  for (const [n, bytes] of waves.entries()) await put(fileOf(n, 'wav'), bytes);
  const encoded = JSON.parse(await readFile(join(ROOT, 'test/goldens/tones-mp3.json'), 'utf8')) as string[];
  for (const [n, text] of encoded.entries()) await put(fileOf(n, 'mp3'), Buffer.from(text, 'base64'));
  if (soxMissing) return;
  for (const ending of ['flac', 'ogg']) {
    for (let n = 0; n < TONES; n++) {
      await mkdir(dirname(fileOf(n, ending)), { recursive: true });
      await sox(fileOf(n, 'wav'), fileOf(n, ending));
    }
  }
});
after(() => folder?.remove());

/** Runs the SVM on the tones in one format. @returns the results and the bytes of the features */
async function run(ending: string) {
  const store = path(`store-${ending}`);
  const flags = ['--data', path(ending), '--store', store, '--out', path(`out-${ending}`), '--workers', '1'];
  const { code, stderr } = await cryfold(['run', path('svm.yaml'), ...flags]);
  assert.equal(code, 0, stderr);
  const results = decodeResults(await readFile(path(`out-${ending}`, 'results.json')), 'results.json');
  const [features] = await readdir(join(store, 'features'));
  return { ...results, images: await readFile(join(store, 'features', features, 'images.npy')) };
}

const wavs = (() => {
  let made: ReturnType<typeof run> | undefined;
  return () => {
    made ??= run('wav');
    return made;
  };
})();

test('computes the same features from FLAC as from WAV files, byte for byte', {
  skip: withoutRedis || soxMissing,
}, async () => {
  const [plain, flac] = [await wavs(), await run('flac')];
  assert.equal(plain.dataset.clips, TONES);
  assert.deepEqual(flac.images, plain.images);
  assert.deepEqual(flac.dataset.classes, plain.dataset.classes);
  assert.notEqual(flac.run.id, plain.run.id, 'the decoder is part of the run’s content');
});

for (const [ending, missing] of [
  ['mp3', false],
  ['ogg', soxMissing],
] as const) {
  test(`finds the same classes and clips in ${ending} files as in WAV files`, {
    skip: withoutRedis || missing,
  }, async () => {
    const [plain, lossy] = [await wavs(), await run(ending)];
    const shape = ({ dataset }: typeof plain) => [dataset.classes, dataset.clips, dataset.perClass];
    assert.deepEqual(shape(lossy), shape(plain));
    assert.equal(lossy.images.length, plain.images.length);
    assert.notDeepEqual(lossy.images, plain.images);
    assert.equal(lossy.models[0].accuracy?.count, 3);
  });
}

/** The last two files are copies, so their sounds are read again to confirm that they are equal. */
const wrapped = [...waves, waves[0], waves[1]];

/**
 * Runs a command on WAV files disguised as MP4 files. A fake ffmpeg removes the MP4 header and records its calls.
 * @returns the files that were decoded, sorted
 */
async function decodedBy(...args: string[]): Promise<string[]> {
  const mp4 = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypM4A '), Buffer.alloc(12)]);
  for (const [n, bytes] of wrapped.entries()) await put(fileOf(n, 'm4a'), Buffer.concat([mp4, bytes]));
  const decoded = path('decoded.txt');
  const stub = `#!/bin/sh
case "$*" in *-version*) echo 'ffmpeg version 0.0-counting'; exit;; esac
for word; do case "$word" in file:*) file=\${word#file:}; esac; done
echo "$file" >> '${decoded}'
tail -c +25 "$file"
`;
  await writeFile(decoded, '');
  await put(path('bin', 'ffmpeg'), Buffer.from(stub));
  await chmod(path('bin', 'ffmpeg'), 0o755);
  const { code, stderr } = await cryfold(args, { PATH: `${path('bin')}:${process.env.PATH}` });
  assert.equal(code, 0, stderr);
  return (await readFile(decoded, 'utf8')).trim().split('\n').sort();
}

const eachOnce = () => wrapped.map((_, n) => fileOf(n, 'm4a')).sort();

test('decodes each recording once in a run with several protocols', { skip: withoutRedis }, async () => {
  const flags = ['--data', path('m4a'), '--store', path('store-m4a'), '--workers', '1', '--group-by', 'recording'];
  const protocols = ['--protocol', 'paper,grouped', '--allow-leak'];
  assert.deepEqual(await decodedBy('run', path('svm.yaml'), ...flags, ...protocols), eachOnce());
});

test('data audit decodes each recording once, even though it also compares sounds', async () => {
  assert.deepEqual(await decodedBy('data', 'audit', path('m4a')), eachOnce());
});
