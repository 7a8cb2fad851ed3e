import { execFileSync, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { encodeNpy } from '@cryfold/core';
import { readClips, readDataset, synthesizeCorpus } from '@cryfold/corpus';
import { estimatorSchema } from '@cryfold/estimators';
import { kFold, repeatedKFold } from '@cryfold/evaluation';
import { SpectrogramImager } from '@cryfold/features';
import {
  exportModel,
  fitPredictSvm,
  fitSvm,
  pixelMoments,
  SvmPredictor,
  squaredDistances,
  svmGrid,
} from '@cryfold/svm';
import { withScratch } from '../../packages/features/dist/test/sox.js';
import { compareInPairs, rate } from './measure.mjs';

const CLIPS = 2268;
/** scikit-learn on pixels and ml-svm take time as the square of the clips or more: with all clips a pair would take half an hour. */
const FEWER = 400;
const SIZE = { height: 60, width: 90 };
const COLUMNS = SIZE.height * SIZE.width * 3;
const PARAMETERS = estimatorSchema.parse({ kind: 'svm' });

/** Images and labels of the synthetic corpus, in an order that leaves every prefix with all classes. */
async function readCorpus(directory) {
  const path = join(directory, 'corpus');
  await synthesizeCorpus(path, { clips: CLIPS });
  const dataset = await readDataset(path);
  const images = new Uint8Array(CLIPS * COLUMNS);
  const labels = new Int32Array(CLIPS);
  const { rate: hertz, length } = dataset.clips[0];
  const imager = new SpectrogramImager({ rate: hertz, samples: length, ...SIZE });
  let index = 0;
  for await (const { clip, samples } of readClips(dataset)) {
    const row = (index++ * 977) % CLIPS; // 977 is prime to 2,268
    images.set(imager.image(samples), row * COLUMNS);
    labels[row] = dataset.classes.indexOf(clip.label);
  }
  return { images, labels, classes: dataset.classes };
}

/** The first clips as a problem for our package, without their distances. */
function problemOf({ images, labels, classes }, clips) {
  const part = images.subarray(0, clips * COLUMNS);
  return {
    ...{ columns: COLUMNS, labels, classCount: classes.length, parameters: PARAMETERS, seed: 0 },
    moments: pixelMoments(part, clips, COLUMNS),
  };
}

const typed = ({ train, test }) => ({
  train: Int32Array.from(train),
  test: Int32Array.from(test),
  innerFolds: Int32Array.from(train, (_, t) => t % 5),
});
const splitsOf = (clips, repeats) => repeatedKFold(clips, { splits: 5, repeats, seed: 0 }).map(typed);
const firstSplit = (clips) => typed(kFold(clips, { splits: 5, shuffle: true, seed: 0 })[0]);

/** Starts scikit-learn and gives a function that asks it for the seconds of one piece of work. */
async function startScikitLearn(directory, { images, labels }) {
  try {
    execFileSync('python3', ['-c', 'import sklearn'], { stdio: 'ignore' });
  } catch {
    throw new Error('python3 has no scikit-learn to compare with: python3 -m pip install scikit-learn');
  }
  const paths = [join(directory, 'images.npy'), join(directory, 'labels.npy')];
  await writeFile(paths[0], encodeNpy(images, [CLIPS, COLUMNS]));
  await writeFile(paths[1], encodeNpy(labels, [CLIPS]));
  const child = spawn('python3', [fileURLToPath(new URL('svm-peers.py', import.meta.url)), ...paths], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const seconds = async (what, clips) => {
    child.stdin.write(`${JSON.stringify({ what, clips })}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`scikit-learn ended while it did ${what}`);
    return Number(value);
  };
  return { seconds, close: () => child.stdin.end() };
}

/** libsvm-js, where it can be found: it is no dependency of ours. */
async function findLibsvm() {
  try {
    return await createRequire(import.meta.url)('libsvm-js');
  } catch {
    console.error('bench svm: libsvm-js left out; npm install it in a folder whose node_modules NODE_PATH names');
    return undefined;
  }
}

/** One-vs-rest fits of one fold on a precomputed kernel by libsvm-js, without probabilities and decision values. */
function libsvmFold(SVM, { distances, labels, classCount }, { train }, gamma) {
  const kernel = Array.from(train, (a, i) => [
    i + 1,
    ...Array.from(train, (b) => Math.exp((-gamma / 255 ** 2) * distances.data[a * distances.rows + b])),
  ]);
  for (let k = 0; k < classCount; k++) {
    const svm = new SVM({ kernel: SVM.KERNEL_TYPES.PRECOMPUTED, type: SVM.SVM_TYPES.C_SVC, cost: 1000, quiet: true });
    svm.train(
      kernel,
      Array.from(train, (row) => (labels[row] === k ? 1 : -1)),
    );
    svm.free();
  }
}

/** Peak memory in MB of a process that reads the distances and does five folds, as a CPU worker's child does. */
function peakMemory(directory) {
  const script = fileURLToPath(new URL('svm-memory.mjs', import.meta.url));
  return Number(execFileSync(process.execPath, [script, directory], { encoding: 'utf8' }));
}

export async function compare() {
  return withScratch(async (directory) => {
    const corpus = await readCorpus(directory);
    const scikitLearn = await startScikitLearn(directory, corpus);
    try {
      return await measure(directory, corpus, scikitLearn, await findLibsvm());
    } finally {
      scikitLearn.close();
    }
  });
}

async function measure(directory, corpus, scikitLearn, libsvm) {
  const { images, classes } = corpus;
  const results = [];
  const add = async (options) => results.push(await compareInPairs(options));
  const bare = problemOf(corpus, CLIPS);
  const split = firstSplit(CLIPS);

  await add({
    ...{ name: 'svm: exact distances of 2,268 images', peer: 'numpy, one thread', unit: '/s', target: 1, pairs: 3 },
    ours: () => rate(1, () => squaredDistances(images, CLIPS, COLUMNS)),
    theirs: async () => 1 / (await scikitLearn.seconds('distances', CLIPS)),
  });
  const problem = { ...bare, distances: squaredDistances(images, CLIPS, COLUMNS) };
  const { gamma } = fitPredictSvm({ ...problem, ...split });

  await add({
    ...{ name: 'svm: folds with probabilities', peer: 'scikit-learn, precomputed kernel', unit: 'folds/s' },
    ...{ target: 1, pairs: 3 },
    ours: () => rate(1, () => fitPredictSvm({ ...problem, ...split })),
    theirs: async () => 1 / (await scikitLearn.seconds('folds_precomputed', CLIPS)),
  });

  const few = problemOf(corpus, FEWER);
  await add({
    ...{ name: `svm: 10x5 evaluation with probabilities, ${FEWER} clips`, peer: 'scikit-learn, pixels, 2 jobs' },
    ...{ unit: 'folds/s', target: 20, pairs: 1 },
    ours: () =>
      rate(50, () => {
        const distances = squaredDistances(images.subarray(0, FEWER * COLUMNS), FEWER, COLUMNS);
        for (const fold of splitsOf(FEWER, 10)) fitPredictSvm({ ...few, distances, ...fold });
      }),
    theirs: async () => 2 / (await scikitLearn.seconds('pixels', FEWER)),
  });

  const small = { ...few, distances: squaredDistances(images.subarray(0, FEWER * COLUMNS), FEWER, COLUMNS) };
  const smallFold = { ...small, ...firstSplit(FEWER) };
  await add({
    ...{ name: `svm: folds with probabilities, ${FEWER} clips`, peer: 'ml-svm', unit: 'folds/s', target: 10, pairs: 1 },
    ours: () => rate(5, () => repeat(5, () => fitPredictSvm(smallFold))),
    theirs: () => rate(1, () => fitPredictSvm({ ...smallFold, parameters: { ...PARAMETERS, engine: 'ml-svm' } })),
  });

  const cell = { ...problem, splits: [split], gammas: ['scale'], Cs: [1000] };
  if (libsvm) {
    await add({
      ...{ name: 'svm: folds without probabilities', peer: 'libsvm-js', unit: 'folds/s', target: 1, pairs: 3 },
      ours: () => rate(1, () => svmGrid(cell)),
      theirs: () => rate(1, () => libsvmFold(libsvm, problem, split, gamma)),
    });
  }

  const gammas = [gamma / 8, gamma / 4, gamma / 2, 'scale', gamma * 2, gamma * 4];
  const grid = { ...problem, splits: splitsOf(CLIPS, 10), gammas, Cs: [1, 10, 100, 1000] };
  await add({
    ...{ name: 'svm: grid of 24 cells x 50 folds', peer: 'four minutes', unit: 'folds/s', target: 1, pairs: 1 },
    ours: () => rate(1200, () => svmGrid(grid)),
    theirs: async () => 1200 / 240,
  });

  const predictor = new SvmPredictor(exportModel(fitSvm({ ...problem, ...split }), images, COLUMNS, classes));
  for (const count of [1, 8]) {
    await add({
      ...{ name: `svm: predictions, ${count} clip(s) a call`, peer: '5 ms a clip', unit: 'clips/s', target: 1 },
      ours: () => rate(20 * count, () => repeat(20, () => predictor.predict(images.subarray(0, count * COLUMNS)))),
      theirs: async () => 200,
    });
  }

  await writeFile(join(directory, 'distances.npy'), encodeNpy(problem.distances.data, [CLIPS, CLIPS]));
  const megabytes = peakMemory(directory);
  const [name, peer] = ['svm: peak memory of a worker process, 5 folds of 2,268 clips', 'limit'];
  const ratio = 400 / megabytes;
  results.push({ name, ours: megabytes, theirs: 400, peer, unit: 'MB', ratio, target: 1, ok: ratio >= 1 });
  return results;
}

function repeat(times, work) {
  for (let k = 0; k < times; k++) work();
}
