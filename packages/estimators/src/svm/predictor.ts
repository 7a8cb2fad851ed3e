import { decodeModel, isVectorModel, SvmPredictor, VectorSvmPredictor } from '@cryfold/svm';
import type { Predictor } from '../engine.js';

/** @throws CryfoldError ARTIFACT_CORRUPT, NPY_INVALID */
export function loadSvm(file: (name: string) => Uint8Array): Predictor {
  const files = ['svm.json', 'support.npy', 'coefficients.npy'] as const;
  const model = decodeModel(
    Object.fromEntries(files.map((name) => [name, file(name)])) as Parameters<typeof decodeModel>[0],
  );
  if (isVectorModel(model)) {
    const predictor = new VectorSvmPredictor(model);
    return { predict: (vectors) => predictor.predict(vectors as Float32Array) };
  }
  const predictor = new SvmPredictor(model);
  return { predict: (images) => predictor.predict(images as Uint8Array) };
}
