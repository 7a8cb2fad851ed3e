import { loadTrainedModel } from '@cryfold/nn';
import type { Predictor } from '../engine.js';

/** @throws CryfoldError ARTIFACT_CORRUPT, TENSORFLOW_MISSING */
export async function loadNetwork(file: (name: string) => Uint8Array): Promise<Predictor> {
  const network = await loadTrainedModel(file('model.json'), file('weights.bin'));
  return {
    predict: (rows, _, vectors) => ({
      probabilities: Float64Array.from(network.predict(rows, vectors as Float32Array | undefined)),
    }),
  };
}
