import { FOLD_NOTE } from '@cryfold/core';
import { encodeModel, exportModel, fitSvm, predictFit } from '@cryfold/svm';
import type { Engine, EngineContext, FeatureArray, Fold, FoldOutcome } from '../engine.js';
import { LastValue } from '../last-value.js';
import { type Gram, imagesOf, readGram, writeGram } from './gram.js';
import { innerFolds } from './inner-folds.js';
import type { Svm } from './parameters.js';
import { type FoldVectors, foldVectors } from './vectors.js';

/**
 * Trains SVM folds. Folds on images share one matrix of distances; each fold on vectors computes its own. Never loads
 * TensorFlow.
 */
export class SvmEngine implements Engine<Svm> {
  readonly #gram = new LastValue<Gram>();
  readonly #features = new LastValue<FeatureArray>();

  async fit(fold: Fold<Svm>, context: EngineContext): Promise<FoldOutcome> {
    const { data, onProgress } = context;
    const { parameters, train, test, labels, seed } = fold;
    const vectors = await this.#vectors(fold, context);
    const kernel = vectors?.kernel ?? (await this.#distances(context));
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
        const rows = vectors?.values ?? imagesOf(await data.features());
        const model = exportModel(fit, rows, kernel.columns, [...data.classes]);
        return Object.entries(encodeModel({ ...model, ...(vectors && { standardization: vectors.standardization }) }));
      },
    };
  }

  async prepare(_: Svm, __: string, { data, artifacts }: EngineContext): Promise<void> {
    await writeGram(artifacts, data);
  }

  #distances({ data, artifacts }: EngineContext): Promise<Gram> {
    return this.#gram.get(data.featureKey, () => readGram(artifacts, data.featureKey));
  }

  /** Undefined for images, whose distances are a prerequisite. */
  async #vectors({ prerequisite, train }: Fold<Svm>, { data }: EngineContext): Promise<FoldVectors | undefined> {
    if (prerequisite !== undefined) return undefined;
    const { shape, data: values } = await this.#features.get(data, () => data.features());
    return values instanceof Uint8Array ? undefined : foldVectors({ data: values, columns: shape[1] }, train);
  }
}
