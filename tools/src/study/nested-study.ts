import { Random } from '@cryfold/core';
import { stratifiedKFold } from '@cryfold/evaluation';
import { correctedScore, trialAnswers } from '@cryfold/hyperparameter-search';
import { type GridCell, pixelMoments, squaredDistances, svmGrid } from '@cryfold/svm';
import { svmParameters } from '../bench/svm-problem.js';
import { mean } from '../statistics.js';

const [COLUMNS, OUTER, INNER] = [40, 5, 4];
const GAMMAS = [0.001, 0.01, 0.03, 0.1, 0.3, 1];
const COSTS = [0.1, 1, 10, 1000];

export const SETTINGS = { settings: GAMMAS.length * COSTS.length, outer: OUTER, inner: INNER };

/** One data set. */
export interface Setting {
  clips: number;
  seed: number;
  /** Number of standard deviations by which a tenth of the second class's pixels are brighter; 0 means noise */
  signal: number;
}

/** Accuracies, 0 to 1. */
export interface Scores {
  /** Accuracy of the best setting on the folds on which it was chosen */
  plain: number;
  /** The same accuracy, corrected for bias by the bootstrap */
  corrected: number;
  /** Accuracy on outer folds with the settings chosen by inner folds */
  nested: number;
  /** Accuracy of the setting chosen by plain cross-validation, on clips that had no influence on the choice */
  truth: number;
}

export const METHODS = ['plain', 'corrected', 'nested', 'truth'] as const;

interface DataSet {
  labels: Int32Array;
  images: Uint8Array;
}

interface Split {
  train: Int32Array;
  test: Int32Array;
}

/**
 * Generates random images with balanced labels. The second class is brighter by the signal in a tenth of the columns.
 */
function makeSet({ clips, seed, signal }: Setting): DataSet {
  const random = new Random(seed);
  const labels = Int32Array.from({ length: clips }, (_, i) => i % 2);
  random.shuffle(labels);
  const images = new Uint8Array(clips * COLUMNS);
  for (let i = 0; i < images.length; i++) {
    const shift = i % COLUMNS < COLUMNS / 10 ? signal * labels[Math.floor(i / COLUMNS)] : 0;
    images[i] = Math.max(0, Math.min(255, Math.round(128 + 40 * (random.normal() + shift))));
  }
  return { labels, images };
}

function gridOf({ labels, images }: DataSet, splits: Split[], settings = { gammas: GAMMAS, Cs: COSTS }): GridCell[] {
  return svmGrid({
    distances: squaredDistances(images, labels.length, COLUMNS),
    moments: pixelMoments(images, labels.length, COLUMNS),
    columns: COLUMNS,
    ...{ labels, classCount: 2, classNames: ['a', 'b'], parameters: svmParameters(), splits, ...settings },
  });
}

/** Returns all outer splits, followed by the inner splits of each outer split. */
function makeSplits(labels: Int32Array, seed: number): Split[] {
  const outer = stratifiedKFold(labels, { splits: OUTER, shuffle: true, seed });
  const inner = outer.map(({ train }, o) =>
    stratifiedKFold(
      Int32Array.from(train, (row) => labels[row]),
      { splits: INNER, shuffle: true, seed: seed + o },
    ).map((one) => ({ train: one.train.map((row) => train[row]), test: one.test.map((row) => train[row]) })),
  );
  return [...outer, ...inner.flat()];
}

const hits = ({ predicted }: GridCell, { test }: Split, { labels, s }: { labels: Int32Array; s: number }) =>
  Array.from(test, (row, i) => Number(predicted[s][i] === labels[row]));

/** The scores of one data set. */
export function studyOne(setting: Setting): Scores {
  const set = makeSet(setting);
  const { labels } = set;
  const splits = makeSplits(labels, setting.seed);
  const cells = gridOf(set, splits);
  const score = (cell: GridCell, s: number) => mean(hits(cell, splits[s], { labels, s }));
  /**
   * Returns the best setting by its mean over folds. If several settings are equally good, the first one is chosen, as
   * in a sweep.
   */
  const choose = (folds: number[]) => {
    const means = cells.map((cell) => mean(folds.map((s) => score(cell, s))));
    return cells[means.indexOf(Math.max(...means))];
  };
  const outer = Array.from({ length: OUTER }, (_, s) => s);
  const innerOf = (s: number) => Array.from({ length: INNER }, (_, i) => OUTER + s * INNER + i);
  const winner = choose(outer);
  const trials = cells.map((cell) => {
    const folds = outer.map((s) => {
      const { test } = splits[s];
      const rows = Float64Array.from({ length: 2 * test.length }, (_, i) =>
        Number(cell.predicted[s][i >> 1] === i % 2),
      );
      return { test, probabilities: rows, scores: rows };
    });
    return trialAnswers(folds, labels, 2);
  });
  const groups = Array.from(labels, (_, i) => String(i));
  const corrected = correctedScore(
    { metric: 'accuracy', trials, labels, groups },
    { samples: 500, seed: setting.seed },
  );
  return {
    plain: mean(outer.map((s) => score(winner, s))),
    corrected: corrected?.mean ?? Number.NaN,
    nested: mean(outer.map((s) => score(choose(innerOf(s)), s))),
    truth: truthOf(winner, set, setting),
  };
}

/** Returns the accuracy of an SVM trained on all clips, measured on 1000 new clips. On noise, it is always 50 %. */
function truthOf({ gamma, C }: GridCell, set: DataSet, { clips, seed, signal }: Setting): number {
  if (signal === 0) return 0.5;
  const fresh = Array.from({ length: Math.ceil(1000 / clips) }, (_, i) =>
    makeSet({ clips, seed: 1e6 + 1000 * seed + i, signal }),
  );
  const images = new Uint8Array((fresh.length + 1) * clips * COLUMNS);
  const labels = new Int32Array((fresh.length + 1) * clips);
  for (const [i, one] of [set, ...fresh].entries()) {
    images.set(one.images, i * clips * COLUMNS);
    labels.set(one.labels, i * clips);
  }
  const train = Int32Array.from({ length: clips }, (_, i) => i);
  const test = Int32Array.from({ length: labels.length - clips }, (_, i) => clips + i);
  const [cell] = gridOf({ labels, images }, [{ train, test }], { gammas: [gamma as number], Cs: [C] });
  return mean(hits(cell, { train, test }, { labels, s: 0 }));
}
