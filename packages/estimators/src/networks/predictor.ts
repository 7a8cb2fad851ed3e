import { type Architecture, loadOwnModel, loadTrainedModel } from '@cryfold/nn';
import type { Predictor } from '../engine.js';

/** @throws CryfoldError ARTIFACT_CORRUPT, TENSORFLOW_MISSING */
export async function loadNetwork(file: (name: string) => Uint8Array, architecture: Architecture): Promise<Predictor> {
  const [json, weights] = [file('model.json'), file('weights.bin')];
  const network = await (architecture.ownLayers
    ? loadOwnModel(json, weights, architecture)
    : loadTrainedModel(json, weights));
  return {
    predict: async (images) => ({ probabilities: Float64Array.from(network.predict(images as Uint8Array)) }),
  };
}
