import { join } from 'node:path';
import { readClips, readDataset, synthesizeCorpus } from '@cryfold/corpus';
import { type Estimator, estimatorSchema } from '@cryfold/estimators';
import { kFold, repeatedKFold } from '@cryfold/evaluation';
import { SpectrogramImager } from '@cryfold/features';
import { pixelMoments, type SvmParameters } from '@cryfold/svm';

export const CLIPS = 2268;
const SIZE = { height: 60, width: 90 };
export const COLUMNS = SIZE.height * SIZE.width * 3;

export interface Corpus {
  /** CLIPS x COLUMNS bytes */
  images: Uint8Array;
  labels: Int32Array;
  classes: readonly string[];
}

/** cryfold's default parameters of an SVM. */
export function svmParameters(): SvmParameters {
  return estimatorSchema.parse({ kind: 'svm' }) as Extract<Estimator, { kind: 'svm' }>;
}

/**
 * Returns the images and labels of the synthetic corpus, in an order in which even the first few clips include all
 * classes.
 */
export async function readCorpus(directory: string): Promise<Corpus> {
  const path = join(directory, 'corpus');
  await synthesizeCorpus(path, { clips: CLIPS });
  const dataset = await readDataset(path);
  const images = new Uint8Array(CLIPS * COLUMNS);
  const labels = new Int32Array(CLIPS);
  const { rate: hertz, length } = dataset.clips[0];
  const imager = new SpectrogramImager({ rate: hertz, samples: length, ...SIZE });
  let index = 0;
  for await (const { clip, samples } of readClips(dataset)) {
    const row = (index++ * 977) % CLIPS; // 977 and 2,268 have no common divisor
    images.set(imager.image(samples), row * COLUMNS);
    labels[row] = dataset.classes.indexOf(clip.label);
  }
  return { images, labels, classes: dataset.classes };
}

/** Returns the first `clips` clips as a problem for cryfold's SVM package; only the distances are missing. */
export function problemOf({ images, labels, classes }: Corpus, clips: number) {
  const part = images.subarray(0, clips * COLUMNS);
  return {
    ...{ columns: COLUMNS, labels, classCount: classes.length, parameters: svmParameters(), seed: 0 },
    moments: pixelMoments(part, clips, COLUMNS),
  };
}

/** Returns rows for training and testing, and the inner fold of each training row. */
export interface SvmSplit {
  train: Int32Array;
  test: Int32Array;
  innerFolds: Int32Array;
}

const withInnerFolds = ({ train, test }: { train: Int32Array; test: Int32Array }): SvmSplit => ({
  train,
  test,
  innerFolds: Int32Array.from(train, (_, t) => t % 5),
});

export function splitsOf(clips: number, repeats: number): SvmSplit[] {
  return repeatedKFold(clips, { splits: 5, repeats, seed: 0 }).map(withInnerFolds);
}

export function firstSplit(clips: number): SvmSplit {
  return withInnerFolds(kFold(clips, { splits: 5, shuffle: true, seed: 0 })[0]);
}
