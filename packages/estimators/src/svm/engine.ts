import { FOLD_NOTE } from '@cryfold/core';
import { encodeModel, exportModel, fitSvm, predictFit } from '@cryfold/svm';
import type { Engine, EngineContext, Fold, FoldOutcome } from '../engine.js';
import { LastValue } from '../last-value.js';
import { type Gram, imagesOf, readGram, writeGram } from './gram.js';
import { innerFolds } from './inner-folds.js';
import type { Svm } from './parameters.js';

/** Trains SVM folds from distances that they share; never loads TensorFlow. */
export class SvmEngine implements Engine<Svm> {
  readonly #gram = new LastValue<Gram>();

  async fit(fold: Fold<Svm>, { data, artifacts, onProgress }: EngineContext): Promise<FoldOutcome> {
    const { parameters, train, test, labels, seed } = fold;
    const kernel = await this.#gram.get(data.featureKey, () => readGram(artifacts, data.featureKey));
    const classCount = data.classes.length;
    const inner = innerFolds(labels, train, seed, fold.grouped ? data.groups : undefined);
    const fit = fitSvm({
      ...kernel,
      labels,
      classCount,
      classNames: data.classes,
      train,
      innerFolds: inner.folds,
      parameters,
      seed,
      onProgress,
    });
    const result = predictFit(fit, kernel, test);
    const matrix = (values: Float64Array) => ({ rows: test.length, columns: classCount, data: values });
    return {
      probabilities: matrix(result.probabilities),
      decisions: matrix(result.decisions),
      curve: [],
      environment: { engine: parameters.engine, ...(inner.note === undefined ? {} : { [FOLD_NOTE]: inner.note }) },
      model: async () => {
        const images = imagesOf(await data.features());
        return Object.entries(encodeModel(exportModel(fit, images, kernel.columns, [...data.classes])));
      },
    };
  }

  async prepare(_: Svm, __: string, { data, artifacts }: EngineContext): Promise<void> {
    await writeGram(artifacts, data);
  }
}
