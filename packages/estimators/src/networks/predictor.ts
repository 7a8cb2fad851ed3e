import { loadOwnModel, loadTrainedModel, type OwnNetwork } from '@cryfold/nn';
import type { Predictor } from '../engine.js';

/** @throws CryfoldError ARTIFACT_CORRUPT, TENSORFLOW_MISSING */
export async function loadNetwork(file: (name: string) => Uint8Array, own: OwnNetwork): Promise<Predictor> {
  const [json, weights] = [file('model.json'), file('weights.bin')];
  const network = await (own.architecture.ownLayers
    ? loadOwnModel(json, weights, own)
    : loadTrainedModel(json, weights));
  return {
    predict: async (rows, _, vectors) => ({
      probabilities: Float64Array.from(network.predict(rows, vectors as Float32Array | undefined)),
    }),
  };
}
