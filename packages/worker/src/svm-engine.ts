import type { ArtifactStore } from '@cryfold/artifacts';
import { CryfoldError } from '@cryfold/core';
import { stratifiedGroupKFold, stratifiedKFold } from '@cryfold/evaluation';
import { encodeModel, exportModel, fitSvm, predictFit, type SvmFit } from '@cryfold/svm';
import {
  accuracyOf,
  type Engine,
  LastValue,
  readImages,
  readLabels,
  saveModelFiles,
  trainingLabels,
} from './engine.js';
import { type Gram, readGram, writeGram } from './gram.js';
import type { FoldOutput, Task } from './messages.js';

/** LIBSVM's number of inner folds for Platt scaling. */
const INNER_FOLDS = 5;

type Progress = (done: number, total: number) => void;

/** Runs SVM folds and the distances that they share; never loads TensorFlow. */
export function createSvmEngine(): Engine {
  const labels = new LastValue<Awaited<ReturnType<typeof readLabels>>>();
  const gram = new LastValue<Gram>();

  async function fold(task: Task & { kind: 'fold' }, store: ArtifactStore, onProgress: Progress): Promise<FoldOutput> {
    if (task.estimator.kind !== 'svm') throw new CryfoldError('JOB_INVALID', `not an SVM: ${task.estimator.kind}`);
    const data = await labels.get(task.dataset, () => readLabels(store, task.dataset));
    const kernel = await gram.get(task.features, () => readGram(store, task.features));
    const train = Int32Array.from(task.train);
    const test = Int32Array.from(task.test);
    const labelled = trainingLabels(data.labels, task);
    const classCount = data.manifest.classes.length;
    const fit = fitSvm({
      ...kernel,
      labels: labelled,
      classCount,
      classNames: data.manifest.classes,
      train,
      innerFolds: innerFolds(
        labelled,
        train,
        task.seed,
        task.grouped ? data.manifest.clips.map(({ group }) => group) : undefined,
      ),
      parameters: task.estimator,
      seed: task.seed,
      onProgress,
    });
    const result = predictFit(fit, kernel, test);
    const matrix = (values: Float64Array) => ({ rows: test.length, columns: classCount, data: values });
    return {
      probabilities: matrix(result.probabilities),
      decisions: matrix(result.decisions),
      // As scikit-learn's SVC predicts.
      accuracy: accuracyOf(matrix(result.decisions), data.labels, test),
      curve: [],
      environment: { engine: task.estimator.engine },
      ...(task.model && { model: await saveModel(task, fit, data.manifest.classes, store) }),
    };
  }

  async function saveModel(task: Task & { kind: 'fold' }, fit: SvmFit, classes: string[], store: ArtifactStore) {
    const { shape, data } = await readImages(store, task.features);
    const model = exportModel(fit, data, shape[1] * shape[2] * shape[3], classes);
    return saveModelFiles(store, task.model?.folder ?? '', Object.entries(encodeModel(model)));
  }

  return {
    async run(task, store, onProgress) {
      if (task.kind === 'fold') return fold(task, store, onProgress);
      if (task.kind !== 'distances') throw new CryfoldError('JOB_INVALID', `${task.kind} is no work for an SVM worker`);
      await writeGram(store, task.features);
      return undefined;
    },
  };
}

/**
 * The inner fold of each training row, stratified as LIBSVM's are. Too small a class goes without.
 * @param groups of all clips where no group may be torn apart: Platt's sigmoid is then fitted on infants that the inner
 * machine has not heard, as in the outer folds
 */
export function innerFolds(labels: Int32Array, train: Int32Array, seed: number, groups?: string[]): Int32Array {
  const own = Int32Array.from(train, (row) => labels[row]);
  const ownGroups = groups && Array.from(train, (row) => groups[row]);
  const assigned = new Int32Array(train.length);
  const sizes = new Map<number, number>();
  for (const label of own) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const most = Math.max(2, Math.max(...sizes.values()));
  const splits = Math.min(INNER_FOLDS, most, ownGroups ? new Set(ownGroups).size : most);
  const options = { splits, shuffle: true, seed };
  const folds = ownGroups ? stratifiedGroupKFold(own, ownGroups, options) : stratifiedKFold(own, options);
  for (const { fold, test } of folds) for (const row of test) assigned[row] = fold;
  return assigned;
}
