import { decodeModel, SvmPredictor } from '@cryfold/svm';
import type { Predictor } from '../engine.js';

/** @throws CryfoldError ARTIFACT_CORRUPT, NPY_INVALID */
export function loadSvm(file: (name: string) => Uint8Array): Predictor {
  const files = ['svm.json', 'support.npy', 'coefficients.npy'] as const;
  const predictor = new SvmPredictor(
    decodeModel(Object.fromEntries(files.map((name) => [name, file(name)])) as Parameters<typeof decodeModel>[0]),
  );
  return { predict: async (images) => predictor.predict(images as Uint8Array) };
}
