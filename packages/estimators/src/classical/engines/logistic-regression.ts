import { FOLD_NOTE } from '@cryfold/core';
import type { Engine, EngineContext, Fold, FoldOutcome, Predictor } from '../../engine.js';
import { centredProducts, geometryOf } from './geometry.js';
import { linearFiles, linearModel, readLinear, weightedSums } from './linear-model.js';
import { fitMultinomial, softmaxRows } from './multinomial.js';
import { matrixOf, presentClasses, rowsOf } from './rows.js';

export interface LogisticRegressionOptions {
  /** Inverse of the penalty's strength */
  C: number;
  standardise: boolean;
}

export class LogisticRegressionEngine implements Engine<LogisticRegressionOptions> {
  async fit(fold: Fold<LogisticRegressionOptions>, { data }: EngineContext): Promise<FoldOutcome> {
    const { parameters, train, test, labels } = fold;
    const geometry = await geometryOf(fold, data, parameters.standardise);
    const { present, positions } = presentClasses(labels, train);
    const fit = fitMultinomial({
      products: centredProducts(geometry),
      ...{ labels: positions, classes: present.length, C: parameters.C },
    });
    const trained = linearModel({ ...geometry, ...fit, clips: train });
    const classes = data.classes.length;
    // A class without training clips gets an intercept of minus infinity, so that its probability is 0.
    const { intercepts } = trained;
    const model = {
      weights: new Float64Array((classes * trained.weights.length) / present.length),
      intercepts: new Float64Array(classes).fill(-Number.MAX_VALUE),
    };
    const columns = trained.weights.length / present.length;
    present.forEach((label, k) => {
      model.weights.set(trained.weights.subarray(k * columns, (k + 1) * columns), label * columns);
      model.intercepts[label] = intercepts[k];
    });
    const scores = weightedSums(model, rowsOf(await data.features(), test));
    return {
      probabilities: matrixOf(softmaxRows(scores, model.intercepts), classes),
      curve: [],
      environment: fit.converged ? {} : { [FOLD_NOTE]: `the solver ended after ${fit.iterations} iterations` },
      model: () => linearFiles(model),
    };
  }
}

/** @throws CryfoldError NPY_INVALID, ARTIFACT_CORRUPT */
export function loadLogisticRegression(file: (name: string) => Uint8Array): Predictor {
  const model = readLinear(file);
  const columns = model.weights.length / model.intercepts.length;
  return {
    predict: async (data, count) => ({
      probabilities: softmaxRows(weightedSums(model, { data, count, columns }), model.intercepts),
    }),
  };
}
