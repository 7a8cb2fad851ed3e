import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeNpy } from '@cryfold/core';
import { exportModel, fitPredictSvm, fitSvm, SvmPredictor, squaredDistances, svmGrid } from '@cryfold/svm';
import { withScratch } from '@cryfold/testing/sox';
import { type Comparison, compareInPairs, comparison, type Pairs, rate } from './measure.js';
import { findLibsvm, type Libsvm, type ScikitLearn, startScikitLearn, trainLibsvm } from './svm-peers.js';
import { CLIPS, COLUMNS, type Corpus, firstSplit, problemOf, readCorpus, splitsOf } from './svm-problem.js';

/**
 * The time that ml-svm and scikit-learn on pixels take grows at least quadratically with the number of clips. With all
 * clips, a pair of measurements would take half an hour.
 */
const FEWER = 400;

interface Scene {
  directory: string;
  corpus: Corpus;
  scikitLearn: ScikitLearn;
  libsvm: Libsvm | undefined;
}

type Problem = ReturnType<typeof wholeProblem>;

/** Measures the peak memory in MB of a process that reads distances and computes five folds, like a worker's child. */
function peakMemory(directory: string): number {
  const script = fileURLToPath(new URL('svm-memory.js', import.meta.url));
  return Number(execFileSync(process.execPath, [script, directory], { encoding: 'utf8' }));
}

export async function compare(): Promise<Comparison[]> {
  return withScratch(async (directory) => {
    const corpus = await readCorpus(directory);
    const scikitLearn = await startScikitLearn(directory, corpus);
    try {
      return await measure({ directory, corpus, scikitLearn, libsvm: await findLibsvm() });
    } finally {
      scikitLearn.close();
    }
  });
}

async function measure(scene: Scene): Promise<Comparison[]> {
  const results = [await compareInPairs(distancePairs(scene))];
  const problem = wholeProblem(scene.corpus);
  const { gamma } = fitPredictSvm({ ...problem, ...firstSplit(CLIPS) });
  const all = [
    foldPairs(scene, problem),
    ...fewerPairs(scene),
    ...gridPairs(scene, problem, gamma),
    ...predictionPairs(scene, problem),
  ];
  for (const pairs of all) results.push(await compareInPairs(pairs));
  await writeFile(join(scene.directory, 'distances.npy'), encodeNpy(problem.distances.data, [CLIPS, CLIPS]));
  const megabytes = peakMemory(scene.directory);
  const [name, peer] = ['svm: peak memory of a worker process, 5 folds of 2,268 clips', 'limit'];
  results.push(comparison({ name, ours: megabytes, theirs: 400, peer, unit: 'MB', ratio: 400 / megabytes, target: 1 }));
  return results;
}

/** All clips with their distances. */
function wholeProblem(corpus: Corpus) {
  return { ...problemOf(corpus, CLIPS), distances: squaredDistances(corpus.images, CLIPS, COLUMNS) };
}

function distancePairs({ corpus, scikitLearn }: Scene): Pairs {
  return {
    ...{ name: 'svm: exact distances of 2,268 images', peer: 'numpy, one thread', unit: '/s', target: 1, pairs: 3 },
    ours: () => rate(1, () => squaredDistances(corpus.images, CLIPS, COLUMNS)),
    theirs: async () => 1 / (await scikitLearn.seconds('distances', CLIPS)),
  };
}

function foldPairs({ scikitLearn }: Scene, problem: Problem): Pairs {
  const split = firstSplit(CLIPS);
  return {
    ...{ name: 'svm: folds with probabilities', peer: 'scikit-learn, precomputed kernel', unit: 'folds/s' },
    ...{ target: 1, pairs: 3 },
    ours: () => rate(1, () => fitPredictSvm({ ...problem, ...split })),
    theirs: async () => 1 / (await scikitLearn.seconds('folds_precomputed', CLIPS)),
  };
}

/** Comparisons with slower peers; these comparisons use fewer clips. */
function fewerPairs({ corpus, scikitLearn }: Scene): Pairs[] {
  const few = problemOf(corpus, FEWER);
  const distances = () => squaredDistances(corpus.images.subarray(0, FEWER * COLUMNS), FEWER, COLUMNS);
  const fold = { ...few, distances: distances(), ...firstSplit(FEWER) };
  const parameters = { ...few.parameters, engine: 'ml-svm' as const };
  return [
    {
      ...{ name: `svm: 10x5 evaluation with probabilities, ${FEWER} clips`, peer: 'scikit-learn, pixels, 2 jobs' },
      ...{ unit: 'folds/s', target: 20, pairs: 1 },
      ours: () =>
        rate(50, () => {
          const own = distances();
          for (const split of splitsOf(FEWER, 10)) fitPredictSvm({ ...few, distances: own, ...split });
        }),
      theirs: async () => 2 / (await scikitLearn.seconds('pixels', FEWER)),
    },
    {
      ...{ name: `svm: folds with probabilities, ${FEWER} clips`, peer: 'ml-svm', unit: 'folds/s' },
      ...{ target: 10, pairs: 1 },
      ours: () => rate(5, () => repeat(5, () => fitPredictSvm(fold))),
      theirs: () => rate(1, () => fitPredictSvm({ ...fold, parameters })),
    },
  ];
}

function gridPairs({ libsvm }: Scene, problem: Problem, gamma: number): Pairs[] {
  const split = firstSplit(CLIPS);
  const cell = { ...problem, splits: [split], gammas: ['scale' as const], Cs: [1000] };
  const gammas = [gamma / 8, gamma / 4, gamma / 2, 'scale' as const, gamma * 2, gamma * 4];
  const grid = { ...problem, splits: splitsOf(CLIPS, 10), gammas, Cs: [1, 10, 100, 1000] };
  const whole: Pairs = {
    ...{ name: 'svm: grid of 24 cells x 50 folds', peer: 'four minutes', unit: 'folds/s', target: 1, pairs: 1 },
    ours: () => rate(1200, () => svmGrid(grid)),
    theirs: async () => 1200 / 240,
  };
  if (!libsvm) return [whole];
  const one: Pairs = {
    ...{ name: 'svm: folds without probabilities', peer: 'libsvm-js', unit: 'folds/s', target: 1, pairs: 3 },
    ours: () => rate(1, () => svmGrid(cell)),
    theirs: () => rate(1, () => trainLibsvm(libsvm, { ...problem, train: split.train, gamma })),
  };
  return [one, whole];
}

function predictionPairs({ corpus: { images, classes } }: Scene, problem: Problem): Pairs[] {
  const fit = fitSvm({ ...problem, ...firstSplit(CLIPS) });
  const predictor = new SvmPredictor(exportModel(fit, images, COLUMNS, [...classes]));
  return [1, 8].map((count) => ({
    ...{ name: `svm: predictions, ${count} clip(s) per call`, peer: '5 ms per clip', unit: 'clips/s', target: 1 },
    ours: () => rate(20 * count, () => repeat(20, () => predictor.predict(images.subarray(0, count * COLUMNS)))),
    theirs: async () => 200,
  }));
}

function repeat(times: number, work: () => unknown): void {
  for (let k = 0; k < times; k++) work();
}
