import { contentKey } from '@cryfold/core';
import type { TrainingParameters } from '@cryfold/nn';
import { isComputedOnce, NETWORKS, type NetworkDefinition } from '@cryfold/nn/models';
import { z } from 'zod';
import { featureArtifact } from '../engine.js';
import type { AnyKind, Prerequisite, Pretrained, RunSettings } from '../estimator-kind.js';
import { vectorAugmentation } from './augmentation.js';
import { networkKind, trainingParameters } from './network-kind.js';

/** Each network has its own default for epochs. */
type Training = Omit<typeof trainingParameters, 'epochs'> & { epochs: z.ZodDefault<typeof trainingParameters.epochs> };

/** The type of the estimator kind that is created from a definition. */
type KindOf<D> =
  D extends NetworkDefinition<infer Kind, infer Own>
    ? Omit<AnyKind, 'parameters'> & {
        parameters: z.ZodObject<{ kind: z.ZodLiteral<Kind> } & Training & Own>;
      }
    : never;

/** The parameters of a network with a backbone. */
type Transferred = TrainingParameters & { weights: string };

/** Creates the estimator kind from the definition of a network. */
function estimatorOf(definition: NetworkDefinition) {
  const { kind, architecture, epochs, published, embeddingsOf: _, ...rest } = definition;
  const parameters = z.strictObject({
    kind: z.literal(kind),
    ...trainingParameters,
    ...(rest.reads === 'vectors' && vectorAugmentation),
    epochs: trainingParameters.epochs.default(epochs),
    ...definition.parameters,
  });
  const transfer = architecture.backbone && {
    prerequisite: (own: Transferred, settings: RunSettings) => embeddings(definition, own, settings),
    pretrained: pretrained(definition),
    ...(published && { caveat: ({ weights }: Transferred) => (weights === 'random' ? 'random weights' : undefined) }),
  };
  const made = networkKind({
    ...rest,
    kind,
    parameters: parameters as unknown as z.ZodType<Transferred>,
    architecture: async () => architecture,
    ...transfer,
  });
  return { ...made, parameters };
}

/** Returns the prerequisite of a frozen backbone: its features of all images, which all folds share. */
function embeddings(
  { embeddingsOf }: NetworkDefinition,
  own: Transferred,
  { featureKey, threads, xla }: RunSettings,
): Prerequisite | undefined {
  if (!isComputedOnce(own)) return undefined;
  const { weights, precision } = own;
  const parts = { network: embeddingsOf, features: featureKey, weights, precision, threads, xla: xla || undefined };
  const key = contentKey(parts).slice(0, 16);
  return {
    kind: 'embeddings',
    id: `embeddings-${key}`,
    artifact: featureArtifact(featureKey, `embeddings-${key}.npy`),
  };
}

function pretrained({ architecture }: NetworkDefinition): Pretrained<Transferred> {
  return {
    source: ({ weights }) => weights,
    withSource: (own, weights) => ({ ...own, weights }),
    verify: async (path) => {
      const { backboneShapes, loadKerasWeights } = await import('@cryfold/nn');
      return (await loadKerasWeights(path, backboneShapes(architecture))).size;
    },
  };
}

/** One estimator for each network, in the order of the network registry. */
export const networks = NETWORKS.map(estimatorOf) as unknown as readonly KindOf<(typeof NETWORKS)[number]>[];
