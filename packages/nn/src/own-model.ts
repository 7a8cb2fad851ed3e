import type { z } from 'zod';
import type { AnyArchitecture } from './models/architecture.js';
import { LOGITS } from './models/output.js';
import { FeatureExtractor, type WeightData } from './network.js';
import { loadTensorFlow } from './tensorflow.js';
import { corruptModel, type LoadedNetwork } from './trained-model.js';

/** The part of `encodeTrainedModel`'s model.json that is needed here. */
interface Stored {
  modelTopology: { config: { layers: { config: { batch_input_shape: [null, number, number, number] } }[] } };
  userDefinedMetadata: { classes: string[]; estimator: unknown };
  weightsManifest: { weights: { name: string; shape: number[] }[] }[];
}

/** A kind of network whose models can be loaded. */
export interface OwnNetwork {
  architecture: AnyArchitecture;
  /** Limits on the parameters, since the file may contain anything, such as a huge number of iterations */
  parameters: z.ZodType;
}

/**
 * Loads a network with layers that TensorFlow.js lacks into cryfold's own graph, from the files of
 * `encodeTrainedModel`.
 * @throws CryfoldError ARTIFACT_CORRUPT, TENSORFLOW_MISSING
 */
export async function loadOwnModel(
  json: Uint8Array,
  bytes: Uint8Array,
  { architecture, parameters }: OwnNetwork,
): Promise<LoadedNetwork> {
  const tf = loadTensorFlow({ threads: 1 });
  let extractor: FeatureExtractor | undefined;
  try {
    const { modelTopology, userDefinedMetadata, weightsManifest }: Stored = JSON.parse(new TextDecoder().decode(json));
    const [, height, width] = modelTopology.config.layers[0].config.batch_input_shape;
    const { classes, estimator } = userDefinedMetadata;
    const model = architecture.build({ height, width }, classes.length, parse(parameters, estimator));
    const { probabilities } = model.output ?? LOGITS;
    const weights = weightsOf(weightsManifest[0].weights, bytes);
    extractor = await FeatureExtractor.load(tf, model, 'float32', probabilities);
    for (const { name } of extractor.weights) if (!weights.has(name)) throw new Error(`it has no weight ${name}`);
    extractor.initialize(0, weights);
    const loaded = extractor;
    return { predict: (images) => loaded.extract(images), dispose: () => loaded.dispose() };
  } catch (cause) {
    extractor?.dispose();
    throw corruptModel(cause);
  }
}

function parse(schema: z.ZodType, estimator: unknown): unknown {
  const parsed = schema.safeParse(estimator);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new Error(`userDefinedMetadata.${['estimator', ...path].join('.')}: ${message}`);
}

function weightsOf(list: readonly { name: string; shape: number[] }[], bytes: Uint8Array): Map<string, WeightData> {
  const weights = new Map<string, WeightData>();
  let at = 0;
  for (const { name, shape } of list) {
    const length = 4 * shape.reduce((product, size) => product * size, 1);
    // Copied, because Buffer's slice would be a view.
    weights.set(name, { shape, data: new Float32Array(new Uint8Array(bytes.subarray(at, at + length)).buffer) });
    at += length;
  }
  if (at !== bytes.length) throw new Error(`its weights need ${at} bytes, but weights.bin has ${bytes.length}`);
  return weights;
}
