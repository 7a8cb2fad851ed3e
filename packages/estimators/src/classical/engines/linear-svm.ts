import { CryfoldError, decodeRecord, encodeRecord, FOLD_NOTE } from '@cryfold/core';
import { type Combination, combineDecisions, combineProbabilities, fitSvm, type SvmFit } from '@cryfold/svm';
import { z } from 'zod';
import type { Engine, EngineContext, Fold, FoldOutcome, Predictor } from '../../engine.js';
import { innerFolds } from '../../svm/inner-folds.js';
import { type Geometry, geometryOf } from './geometry.js';
import { type LinearModel, linearFiles, linearModel, readLinear, weightedSums } from './linear-model.js';
import { combinationSchema, linearKernelData, MACHINES, matrixLabels } from './machines.js';
import { matrixOf, type Rows, rowsOf } from './rows.js';

export interface LinearSvmOptions {
  C: number;
  standardise: boolean;
}

const FORMAT = 1;
const MODEL = 'linear-svm.json';
const modelSchema = z.strictObject({ format: z.literal(FORMAT), combination: combinationSchema });

export class LinearSvmEngine implements Engine<LinearSvmOptions> {
  async fit(fold: Fold<LinearSvmOptions>, { data, onProgress }: EngineContext): Promise<FoldOutcome> {
    const { parameters, train, test, labels, seed, grouped } = fold;
    const geometry = await geometryOf(fold, data, parameters.standardise);
    const inner = innerFolds(labels, train, seed, grouped ? data.groups : undefined);
    const fit = fitSvm({
      ...linearKernelData(geometry),
      ...{ labels: matrixLabels(geometry, labels, train), classCount: data.classes.length, train: geometry.train },
      ...{ innerFolds: inner.folds, seed, onProgress },
      parameters: { ...MACHINES, kernel: 'linear', C: parameters.C, gamma: 'auto' },
    });
    const model = modelOf(fit, geometry);
    const { combination } = fit;
    const result = predictLinear(model, combination, rowsOf(await data.features(), test));
    return {
      probabilities: matrixOf(result.probabilities, data.classes.length),
      decisions: matrixOf(result.decisions, data.classes.length),
      curve: [],
      environment: inner.note === undefined ? {} : { [FOLD_NOTE]: inner.note },
      model: () => [[MODEL, encodeRecord({ format: FORMAT, combination })], ...linearFiles(model)],
    };
  }
}

function modelOf({ weights, biases, rows }: SvmFit, geometry: Geometry): LinearModel {
  const machines = weights.length;
  const coefficients = new Float64Array(rows.length * machines);
  weights.forEach((own, m) => {
    own.forEach((weight, t) => {
      coefficients[t * machines + m] = weight;
    });
  });
  const clips = rows.map((row) => geometry.clips[row]);
  return linearModel({ ...geometry, clips, coefficients, intercepts: Float64Array.from(biases) });
}

function predictLinear(model: LinearModel, combination: Combination, rows: Rows) {
  const machines = model.intercepts.length;
  const values = weightedSums(model, rows).map((sum, i) => sum + model.intercepts[i % machines]);
  const decisions = combineDecisions(combination, values);
  return { decisions, probabilities: combineProbabilities(combination, values, decisions) };
}

/** @throws CryfoldError JOB_INVALID, NPY_INVALID, ARTIFACT_CORRUPT, FORMAT_NEWER */
export function loadLinearSvm(file: (name: string) => Uint8Array): Predictor {
  const { combination } = decodeRecord(modelSchema, file(MODEL), MODEL);
  const model = readLinear(file);
  const machines = model.intercepts.length;
  if (combination.roles.length !== machines) {
    throw new CryfoldError('ARTIFACT_CORRUPT', `weights.npy has ${machines} rows, not ${combination.roles.length}`, {
      context: { artifact: 'weights.npy' },
      hint: 'Train the model again.',
    });
  }
  const columns = model.weights.length / machines;
  return { predict: async (data, count) => predictLinear(model, combination, { data, count, columns }) };
}
