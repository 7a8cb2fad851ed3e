import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CryfoldError, decodeNpy } from '@cryfold/core';
import { encodeWav, readClips, readDataset, resampled, synthesizeCorpus } from '@cryfold/corpus';
import { ModelPredictor, readModelFolder, type WindowPrediction } from '@cryfold/model-registry';
import { cryfold, ownStore, PROGRAM, start, TINY_SPEC, temporaryFolder, until } from './command.js';
import { RedisProcess } from './redis.js';

const RATE = 11025;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let corpus: string;

before(async () => {
  folder = await temporaryFolder();
  corpus = join(folder.path, 'corpus');
  await synthesizeCorpus(corpus, { clips: 60, seed: 2 });
});
after(() => folder.remove());

const SVM_SPEC = `
version: 1
name: cry
protocol: { folds: 3, repeats: 2 }
estimators:
  svm: { kind: svm }
`;

const inStore = (out: string) => ({ CRYFOLD_STORE: `file:${join(folder.path, out, 'store')}` });

async function json(args: string[], environment: Record<string, string> = {}) {
  const { code, stdout, stderr } = await cryfold([...args, '--json'], environment);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** Evaluates a spec, and writes the output to a folder of the given name. @returns the results */
async function evaluate(out: string, spec: string, ...flags: string[]) {
  const file = join(folder.path, `${out}.yaml`);
  await writeFile(file, spec);
  return json([
    'run',
    file,
    '--data',
    corpus,
    ...ownStore(join(folder.path, out)),
    '--force',
    '--workers',
    '2',
    ...flags,
  ]);
}

async function versionFolder({ name, version }: { name: string; version: string }, out: string) {
  return join(folder.path, out, 'store', 'models', name, version);
}

async function* pieceOf(samples: Float64Array): AsyncGenerator<Float64Array> {
  yield samples;
}

async function collect(blocks: AsyncIterable<Float64Array>): Promise<Float64Array> {
  const all: number[] = [];
  for await (const block of blocks) all.push(...block);
  return Float64Array.from(all);
}

/** Runs predict, and returns the shared libraries that were mapped when the process exited. */
async function predictAndMaps(args: string[], environment: Record<string, string>, stdin?: Uint8Array) {
  const maps = join(folder.path, 'maps.txt');
  const preload = join(folder.path, 'maps.cjs');
  await writeFile(
    preload,
    // The content must be read explicitly, because the reported size of the file is 0, so a copy of it would be empty.
    `const fs = require('node:fs'); process.on('exit', () => fs.writeFileSync(${JSON.stringify(maps)}, fs.readFileSync('/proc/self/maps')));`,
  );
  const child = spawn(process.execPath, ['--require', preload, PROGRAM, 'predict', ...args, '--json'], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(stdin);
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, answer: JSON.parse(out), maps: await readFile(maps, 'utf8') };
}

test('refits an SVM on all data, and predicts without TensorFlow, processing clips as in training', {
  skip: process.platform === 'linux' ? false : 'reads /proc',
}, async () => {
  const paper = await evaluate('svm', SVM_SPEC);
  const grouped = await evaluate('svm', SVM_SPEC.replace('folds: 3', 'folds: 3, splitter: StratifiedGroupKFold'));
  const { known, card } = await json(['train-final', paper.run.id], inStore('svm'));
  assert.equal(known, false);
  assert.deepEqual(
    card.metrics.map(({ run, grouped }: { run: string; grouped: boolean }) => [run, grouped]),
    [
      [paper.run.id, false],
      [grouped.run.id, true],
    ],
  );
  assert.equal(card.metrics[1].accuracy.mean, grouped.models[0].accuracy.mean);
  assert.equal(card.format, 3, 'older versions can read the model');
  assert.match(card.notice, /not a medical device/);
  assert.equal((await json(['train-final', paper.run.id], inStore('svm'))).known, true);

  // These are exactly the training images, whose labels an SVM with C = 1000 has memorized.
  const predictor = await ModelPredictor.load(await readModelFolder(await versionFolder(card, 'svm')));
  const [features] = await readdir(join(folder.path, 'svm', 'store', 'features')).then((names) =>
    names.filter((name) => /^[0-9a-f]{64}$/.test(name)),
  );
  const bytes = await readFile(join(folder.path, 'svm', 'store', 'features', features, 'images.npy'));
  const images = decodeNpy(bytes, '|u1', 4, 'images.npy').data;
  const dataset = await readDataset(corpus);
  let right = 0;
  for (const [i, { file, label }] of dataset.clips.entries()) {
    const { windows } = await predictor.predictRecording(await readFile(join(corpus, file)), file, { images: 1 });
    assert.equal(windows.length, 1);
    assert.deepEqual(windows[0].image, images.slice(i * 16200, (i + 1) * 16200));
    assert.ok(Math.abs(windows[0].probabilities.reduce((a, b) => a + b) - 1) < 1e-12);
    if (windows[0].label === label) right++;
  }
  assert.equal(right, dataset.clips.length);

  const file = join(corpus, dataset.clips[0].file);
  const model = `${card.name}@${card.version}`;
  const told = await predictAndMaps([model, file, '-'], inStore('svm'), await readFile(file));
  assert.equal(told.code, 0);
  assert.match(told.maps, /\/node/);
  assert.doesNotMatch(told.maps, /tensorflow/);
  const [first, second] = told.answer.predictions;
  assert.equal(second.name, 'standard input');
  assert.deepEqual(second.windows, first.windows);
  assert.equal(first.windows[0].label, dataset.clips[0].label);
  const none = await cryfold(['predict', model, join(folder.path, 'svm.yaml')], inStore('svm'));
  assert.deepEqual([none.code, none.stdout], [1, ''], 'no notice is printed if nothing was predicted');
  assert.match(none.stderr, /WAV_INVALID/);
});

test('processes recordings in other formats as in training, or refuses them with a code', async () => {
  const { card } = await json(['train-final', (await evaluate('svm', SVM_SPEC)).run.id], inStore('svm'));
  const predictor = await ModelPredictor.load(await readModelFolder(await versionFolder(card, 'svm')));
  const dataset = await readDataset(corpus);
  const clips: Float64Array[] = [];
  for await (const { samples } of readClips(dataset)) {
    clips.push(samples);
    if (clips.length === 3) break;
  }
  const alone: WindowPrediction[] = [];
  for (const samples of clips) {
    alone.push((await predictor.predictRecording(encodeWav(samples, RATE), 'alone')).windows[0]);
  }
  // The recording consists of two clips, a second of silence, another clip, and a remainder that is too short for a
  // clip.
  const long = new Float64Array(4.4 * RATE);
  for (const [i, at] of [0, 1, 3].entries()) long.set(clips[i], at * RATE);
  long.set(clips[0].subarray(0, 0.4 * RATE), 4 * RATE);
  const { windows, silent, mean, seconds } = await predictor.predictRecording(encodeWav(long, RATE), 'long');
  assert.equal(seconds, long.length / RATE);
  assert.deepEqual(
    windows,
    alone.map((one, i) => ({ ...one, start: [0, 1, 3][i], end: [1, 2, 4][i] })),
  );
  assert.deepEqual(silent, [{ start: 2, end: 3 }]);
  assert.ok(Math.abs(mean!.probabilities[0] - windows.reduce((sum, one) => sum + one.probabilities[0], 0) / 3) < 1e-15);
  const hopped = await predictor.predictRecording(encodeWav(long, RATE), 'long', { hopSeconds: 0.5 });
  assert.deepEqual(
    [...hopped.windows, ...hopped.silent].map(({ start }) => start).sort(),
    [0, 1, 2, 3, 4, 5, 6].map((half) => Math.round(0.5 * RATE * half) / RATE),
  );
  assert.deepEqual(hopped.windows[0], windows[0]);

  const refused = async (samples: Float64Array, rate: number) => {
    try {
      await predictor.predictRecording(encodeWav(samples, rate), 'given');
    } catch (error) {
      return error instanceof CryfoldError && !error.hint?.includes('--skip-bad') ? error.code : error;
    }
    return 'none';
  };
  assert.equal(await refused(clips[0].subarray(0, 0.6 * RATE), RATE), 'none');
  assert.equal(await refused(clips[0].subarray(0, 0.4 * RATE), RATE), 'CLIP_SHORT');
  assert.equal(await refused(clips[0], 400_000), 'RATE_UNKNOWN');
  const nothing = await predictor.predictRecording(encodeWav(new Float64Array(RATE), RATE), 'nothing');
  assert.deepEqual([nothing.unlike, nothing.windows, nothing.mean], [true, [], undefined]);

  // Recordings with a lower or higher rate are resampled to the rate of the training data.
  for (const rate of [8000, 44_100]) {
    const samples = await collect(resampled({ rate: RATE, blocks: pieceOf(clips[1]) }, rate, 'given').blocks);
    const other = await predictor.predictRecording(encodeWav(samples, rate), 'other');
    assert.deepEqual([other.rate, other.resampledTo, other.seconds], [rate, RATE, 1]);
    assert.equal(other.windows.length, 1);
    if (rate > RATE) assert.equal(other.windows[0].label, alone[1].label);
  }

  // The channels of a stereo file are averaged.
  const mono = encodeWav(clips[1], RATE);
  const stereo = new Uint8Array(44 + 2 * (mono.length - 44));
  stereo.set(mono.subarray(0, 44));
  const header = new DataView(stereo.buffer);
  header.setUint16(22, 2, true);
  header.setUint16(32, 4, true);
  header.setUint32(40, stereo.length - 44, true);
  for (let i = 44, to = 44; i < mono.length; i += 2) {
    for (let channel = 0; channel < 2; channel++, to += 2) stereo.set(mono.subarray(i, i + 2), to);
  }
  assert.deepEqual((await predictor.predictRecording(stereo, 'stereo')).windows, [alone[1]]);
});

test('saves networks and a fitted fusion completely, and refuses a damaged file', async () => {
  const results = await evaluate(
    'tiny',
    TINY_SPEC.replace('members: [tl-resnet50, svm]', 'rule: stacked, members: [small-cnn, svm]'),
    '--estimators',
    'small-cnn,svm',
  );
  const cards: Record<string, { name: string; version: string }> = {};
  for (const of of ['combined', 'small-cnn', 'svm']) {
    cards[of] = (await json(['train-final', results.run.id, '--of', of, '--name', of], inStore('tiny'))).card;
  }
  // The three models only required two trainings.
  assert.equal((await readdir(join(folder.path, 'tiny', 'store', 'finals'))).length, 2);
  const { stdout } = await cryfold(['models', 'list'], inStore('tiny'));
  const dates = stdout
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.search(/ \d{4}-\d\d-\d\dT/));
  assert.ok(dates.length === 3 && dates[0] > 0 && new Set(dates).size === 1, stdout);
  const [{ file }] = (await readDataset(corpus)).clips;
  const predict = async (of: string) =>
    predictAndMaps([`${of}@${cards[of].version}`, join(corpus, file)], inStore('tiny'));
  const answers: Record<string, Record<string, number>> = {};
  for (const of of Object.keys(cards)) {
    const { code, answer, maps } = await predict(of);
    assert.equal(code, 0);
    answers[of] = answer.predictions[0].windows[0].probabilities;
    assert.equal(/tensorflow/.test(maps), of !== 'svm', of);
  }
  // The fusion applies the logistic regression in fusion.json to its members' probabilities.
  const combined = await versionFolder(cards.combined, 'tiny');
  const { weights, members } = JSON.parse(await readFile(join(combined, 'fusion.json'), 'utf8'));
  const inputs = members.flatMap((member: string) => Object.values(answers[member]));
  const scores = Object.keys(answers.svm).map((_, c) => {
    const own = weights.slice(c * (inputs.length + 1), (c + 1) * (inputs.length + 1));
    return Math.exp(inputs.reduce((sum: number, p: number, i: number) => sum + p * own[i], own[inputs.length]));
  });
  const total = scores.reduce((a, b) => a + b);
  for (const [c, p] of Object.values(answers.combined).entries()) assert.ok(Math.abs(p - scores[c] / total) < 1e-9);

  const copy = join(folder.path, 'copy');
  await cp(combined, copy, { recursive: true });
  const damaged = join(copy, 'members', 'small-cnn', 'weights.bin');
  const bytes = await readFile(damaged);
  bytes[1000] ^= 1;
  await writeFile(damaged, bytes);
  const { code, stderr } = await cryfold(['predict', copy, join(corpus, file)]);
  assert.equal(code, 1);
  assert.match(stderr, /ARTIFACT_CORRUPT.*weights\.bin/);
});

test('trains on all data in a worker of a cluster, and produces the same bytes', async () => {
  const { run } = await evaluate('svm', SVM_SPEC);
  const { card } = await json(['train-final', run.id], inStore('svm'));
  const store = join(folder.path, 'cluster', 'store');
  await cp(join(folder.path, 'svm', 'store'), store, { recursive: true });
  for (const made of ['models', 'finals']) await rm(join(store, made), { recursive: true });
  const redis = await RedisProcess.start();
  const environment = { ...inStore('cluster'), REDIS_URL: redis.url };
  const worker = start(['worker', '--queues', 'cpu'], environment);
  try {
    const again = await json(['train-final', run.id], environment);
    assert.deepEqual([again.known, again.card.files], [false, card.files]);
    await until('the worker to log it', () => worker.stdout().includes('training on all clips'));
    // A model that can never be trained is reported immediately.
    await rm(join(store, 'finals'), { recursive: true });
    await rm(join(store, 'features'), { recursive: true });
    const { code, stderr } = await cryfold(['train-final', run.id, '--name', 'other'], environment);
    assert.equal(code, 1);
    assert.match(stderr, /ARTIFACT_MISSING/);
  } finally {
    worker.process.kill('SIGTERM');
    await worker.ended;
    await redis.remove();
  }
});

test('gc keeps models and everything they refer to', async () => {
  const { card } = await json(['train-final', (await evaluate('svm', SVM_SPEC)).run.id], inStore('svm'));
  await json(['gc', '--delete', '--older-than', '0'], inStore('svm'));
  const left = await readdir(join(folder.path, 'svm', 'store'), { recursive: true });
  assert.ok(left.some((path) => path.startsWith(`finals/${card.members[0].final}/`)));
  assert.ok(left.includes(`datasets/${card.data.contentHash}/manifest.json`));
  await ModelPredictor.load(await readModelFolder(await versionFolder(card, 'svm')));
});
