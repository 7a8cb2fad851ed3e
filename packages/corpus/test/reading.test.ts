import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CryfoldError, datasetKey, Random } from '@cryfold/core';
import { sox, soxMissing } from '@cryfold/testing/sox';
import { readClips, readDataset } from '../src/dataset.js';
import { inspectDataset } from '../src/dataset-tools.js';
import { sharedSounds } from '../src/duplicates/shared-sounds.js';
import { measureDurations, summarizeDurations } from '../src/durations.js';
import { encodeWav } from '../src/wav.js';

const RATE = 8000;
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cryfold-reading-'));
});
afterEach(() => rm(root, { recursive: true }));

function noise(seconds: number, seed: number): Float64Array {
  const random = new Random(seed);
  return Float64Array.from({ length: Math.round(seconds * RATE) }, () => random.uniform(-0.5, 0.5));
}

async function put(file: string, content: Float64Array | Uint8Array | string): Promise<string> {
  const path = join(root, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content instanceof Float64Array ? encodeWav(content, RATE) : content);
  return path;
}

async function fails(code: string, message: RegExp, work: Promise<unknown>): Promise<CryfoldError> {
  const error = await work.then(
    () => assert.fail(`no ${code}`),
    (one) => one,
  );
  assert.ok(error instanceof CryfoldError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return error;
}

test('a FLAC corpus has the same sounds as its WAV files; an Ogg Vorbis corpus has the same classes and clips', {
  skip: soxMissing,
}, async () => {
  for (const [i, label] of ['x', 'y', 'x', 'y'].entries()) await put(`wav/${label}/${i}.wav`, noise(2.5, i + 1));
  const wavs = await readDataset(join(root, 'wav'));
  for (const ending of ['flac', 'ogg']) {
    for (const { file, label } of wavs.clips.filter(({ start }) => start === 0)) {
      await mkdir(join(root, ending, label), { recursive: true });
      await sox(join(root, 'wav', file), join(root, ending, file.replace('.wav', `.${ending}`)));
    }
  }
  const shape = (clips: typeof wavs.clips) =>
    clips.map(({ id, label, start, length, rate }) => [id.replace(/\.\w+#/, '#'), label, start, length, rate]);
  const flac = await readDataset(join(root, 'flac'));
  assert.deepEqual(shape(flac.clips), shape(wavs.clips));
  assert.deepEqual(
    flac.clips.map(({ hash }) => hash),
    wavs.clips.map(({ hash }) => hash),
  );
  const ogg = await readDataset(join(root, 'ogg'));
  assert.deepEqual(shape(ogg.clips), shape(wavs.clips));
  let read = 0;
  for await (const { samples } of readClips(ogg)) read += samples.length;
  assert.equal(read, 8 * RATE);
  assert.match(flac.decoders.join(), /^@wasm-audio-decoders\/flac /);
  assert.match(ogg.decoders.join(), /^@wasm-audio-decoders\/ogg-vorbis /);
});

test('decoders are part of the content hash, and WAV datasets keep their hash', {
  skip: soxMissing,
}, async () => {
  const path = await put('d/x/a.wav', noise(1, 1));
  await put('d/y/b.wav', noise(1, 2));
  const plain = await readDataset(join(root, 'd'));
  assert.deepEqual(plain.decoders, []);
  assert.equal(plain.contentHash, datasetKey(plain.clips));
  assert.ok(plain.clips.every((clip) => !('decoder' in clip)));
  await sox(path, join(root, 'd/x/c.flac'));
  const mixed = await readDataset(join(root, 'd'));
  assert.equal(mixed.decoders.length, 1);
  assert.equal(mixed.contentHash, datasetKey(mixed.clips, mixed.decoders));
  assert.notEqual(mixed.contentHash, datasetKey(mixed.clips));
  assert.notEqual(mixed.contentHash, datasetKey(mixed.clips, ['@wasm-audio-decoders/flac 0.0.0']));
});

test('reports ignored files by extension, recordings with a wrong extension, and recordings above full scale', {
  skip: soxMissing,
}, async () => {
  const path = await put('x/a.wav', noise(1, 1));
  await put('y/b.wav', noise(1, 2));
  for (let i = 0; i < 5; i++) await put(`x/${i}.txt`, 'notes');
  await put('LICENSE', 'text');
  await sox(path, '-t', 'flac', join(root, 'y/c.wav'));
  await put('y/d.wav', floats(noise(1, 3).map((sample) => 3 * sample)));
  const { notes, unread } = await readDataset(root);
  assert.deepEqual(unread, [
    { ending: 'txt', files: 5, first: unread[0].first },
    { ending: '', files: 1, first: ['LICENSE'] },
  ]);
  assert.equal(unread[0].first.length, 3);
  assert.match(notes[0], /^not read: 5 \.txt files \(x\/\d\.txt, .*, \.\.\.\); 1 file without extension \(LICENSE\)$/);
  assert.match(notes[1], /^1 recording read by content, not by extension: y\/c\.wav is FLAC$/);
  assert.match(notes[2], /^1 recording louder than full scale, up to 1\.[45]\d? .*: y\/d\.wav$/);
  assert.deepEqual(inspectDataset(await readDataset(root)).notes, notes);
});

/** Encodes a 32-bit float WAV file, which unlike 16-bit PCM can represent values above 1. */
function floats(samples: Float64Array): Uint8Array {
  const bytes = Buffer.alloc(44 + 4 * samples.length);
  bytes.set(encodeWav(new Float64Array(0), RATE));
  bytes.writeUInt16LE(3, 20);
  bytes.writeUInt16LE(4, 32);
  bytes.writeUInt16LE(32, 34);
  bytes.writeUInt32LE(4 * samples.length, 40);
  for (const [i, sample] of samples.entries()) bytes.writeFloatLE(sample, 44 + 4 * i);
  return bytes;
}

test('refuses data with a class whose files are all ignored or skipped', async () => {
  await put('x/a.wav', noise(1, 1));
  await put('y/b.wav', noise(1, 2));
  await put('docs/readme.md', 'text');
  assert.equal((await readDataset(root)).classes.length, 2, 'text next to recordings is not a class');
  await put('z/c.sph', 'NIST');
  await fails(
    'DATA_CLASS_LOST',
    /class z would be lost: none of its files is a recording/,
    readDataset(root, { skipBad: true }),
  );
  await rm(join(root, 'z'), { recursive: true });
  await put('z/c.wav', 'not a recording');
  await put('z/d.wav', noise(0.2, 3));
  await fails('DATA_BAD', /z\/c\.wav/, readDataset(root));
  const lost = await fails(
    'DATA_CLASS_LOST',
    /no recordings of class z remain: all 2 were skipped/,
    readDataset(root, { skipBad: true }),
  );
  assert.match(lost.hint ?? '', /z\/c\.wav: not a recording/);
});

test('pads, drops or refuses recordings shorter than a clip, according to shortClips', async () => {
  await put('x/long.wav', noise(2, 1));
  await put('y/long.wav', noise(1, 2));
  await put('y/tiny.wav', noise(0.2, 3));
  await fails('CLIP_SHORT', /y\/tiny\.wav: lasts 0\.200 s, less than half a clip/, readDataset(root));
  const padded = await readDataset(root, { shortClips: 'pad' });
  assert.deepEqual([padded.clips.length, padded.skipped.length], [4, 0]);
  for await (const { clip, samples } of readClips(padded)) {
    assert.equal(samples.length, RATE);
    if (clip.file === 'y/tiny.wav') assert.ok(samples.subarray(0.2 * RATE).every((sample) => sample === 0));
  }
  const dropped = await readDataset(root, { shortClips: 'drop' });
  assert.deepEqual(
    [dropped.clips.length, dropped.skipped.map(({ file, code }) => `${file} ${code}`)],
    [3, ['y/tiny.wav CLIP_SHORT']],
  );
  await put('y/rate.wav', encodeWav(noise(0.2, 5), 0xffffffff));
  await fails('CLIP_SHORT', /y\/rate\.wav/, readDataset(root, { shortClips: 'pad' }));
  await put('y/half.wav', noise(0.7, 4));
  await rm(join(root, 'y/rate.wav'));
  await fails('DATA_BAD', /less than a clip of 1 s/, readDataset(root, { shortClips: 'error' }));
});

test('overlapping clips share a group, have unique ids and count as one sound', async () => {
  await put('x/a.wav', noise(2.2, 1));
  await put('y/b.wav', noise(1.6, 2));
  const dataset = await readDataset(root, { hopSeconds: 0.5 });
  assert.deepEqual(
    dataset.clips.map(({ id, start, group }) => [id, start, group]),
    [
      ['x/a.wav#0', 0, 'x/a.wav'],
      ['x/a.wav#0.5', RATE / 2, 'x/a.wav'],
      ['x/a.wav#1', RATE, 'x/a.wav'],
      ['y/b.wav#0', 0, 'y/b.wav'],
      ['y/b.wav#0.5', RATE / 2, 'y/b.wav'],
    ],
  );
  assert.equal(dataset.grouped, true);
  assert.deepEqual(await sharedSounds(dataset), [
    [0, 1, 2],
    [3, 4],
  ]);
  const samples: number[][] = [];
  for await (const clip of readClips(dataset)) samples.push([...clip.samples]);
  assert.deepEqual(samples[1].slice(0, RATE / 2), samples[0].slice(RATE / 2));
});

test('measures durations and suggests a clip length that fits nearly all recordings', async () => {
  for (let i = 0; i < 20; i++) await put(`${i % 2}/${i}.wav`, noise(0.3 + 0.01 * i, i));
  await put('0/bad.wav', 'not a recording');
  const durations = await measureDurations(root, { clipSeconds: 1 });
  assert.deepEqual([durations.recordings, durations.short, durations.proposedClipSeconds], [20, 20, 0.3]);
  const [shortest, , , median] = durations.quantiles;
  assert.deepEqual([shortest, median.seconds], [{ share: 0, seconds: 0.3 }, 0.39]);
  assert.equal(summarizeDurations([7, 7, 7], 1).proposedClipSeconds, undefined);
  assert.deepEqual(summarizeDurations([], 1).quantiles, []);
});

test('memory does not grow with the length of a recording', async () => {
  // A quarter of a GiB of 16-bit samples would take up 1 GiB when decoded. The file is sparse, so it needs no disk
  // space.
  const size = 2 ** 28;
  const header = Buffer.from(encodeWav(new Float64Array(0), RATE));
  header.writeUInt32LE(size + 36, 4);
  header.writeUInt32LE(size, 40);
  const path = await put('x/long.wav', header);
  const file = await open(path, 'r+');
  await file.write(Buffer.from(encodeWav(noise(1, 1), RATE)).subarray(44), 0, 2 * RATE, 44);
  await file.truncate(44 + size);
  await file.close();
  await put('y/b.wav', noise(1, 2));
  const code = `import { readDataset, readClips } from ${JSON.stringify(fileURLToPath(new URL('../src/dataset.js', import.meta.url)))};
    const dataset = await readDataset(process.argv[1]);
    let clips = 0;
    for await (const _ of readClips(dataset)) clips++;
    console.log(JSON.stringify({ clips, skipped: dataset.skipped.length, peak: process.resourceUsage().maxRSS }));`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', code, root], { encoding: 'utf8' });
  const { clips, skipped, peak } = JSON.parse(out);
  assert.deepEqual([clips, skipped], [2, 1], 'one note for all silent clips in a row');
  assert.ok(peak < 256 * 1024, `${peak} KiB`);
});
