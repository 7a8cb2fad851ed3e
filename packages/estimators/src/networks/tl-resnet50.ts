import { contentKey, LIMITS } from '@cryfold/core';
import { z } from 'zod';
import { featureArtifact } from '../engine.js';
import type { RunSettings } from '../estimator-kind.js';
import { isAugmented } from './augmentation.js';
import { denseLayers, epochCount, networkKind, trainingParameters } from './network-kind.js';

/** ResNet50 + global average pooling + dropout + dense head. */
const parameters = z.strictObject({
  kind: z.literal('tl-resnet50'),
  ...trainingParameters,
  epochs: epochCount.default(3),
  /** `random`, or a Keras `notop` .h5 file: a path, `https://…#sha256=HEX` or `store:KEY#sha256=HEX` */
  weights: z.string().min(1).max(LIMITS.text).default('random'),
  /** Which layers are trained: all; the head alone, on features computed once; or those from a named one on. */
  backbone: z
    .union([z.enum(['full', 'frozen']), z.strictObject({ from: z.string().min(1).max(LIMITS.label) })])
    .default('full'),
  dropout: z.number().min(0).lt(1).default(0.25),
  dense: denseLayers.default([256, 128, 64]),
});

type Parameters = z.infer<typeof parameters>;

const architecture = async () => (await import('@cryfold/nn')).resnet50Architecture;

/** Whether a frozen backbone sees the same images in every epoch, so that its features are computed once. */
const isComputedOnce = (own: Parameters) => own.backbone === 'frozen' && !isAugmented(own);

/** A frozen backbone's features of all images, which serve every fold. */
function embeddings(own: Parameters, { featureKey, threads, xla }: RunSettings) {
  if (!isComputedOnce(own)) return undefined;
  const { weights, precision } = own;
  const key = contentKey({ features: featureKey, weights, precision, threads, xla: xla || undefined }).slice(0, 16);
  return {
    kind: 'embeddings',
    id: `embeddings-${key}`,
    artifact: featureArtifact(featureKey, `embeddings-${key}.npy`),
  };
}

export const tlResnet50 = {
  ...networkKind<Parameters>({
    kind: 'tl-resnet50',
    parameters,
    architecture,
    prerequisite: embeddings,
    // A frozen backbone's stored features leave the head alone; on images, the forward pass is a third of a step. About
    // half of a step is forward and input gradient.
    work: (own) => (isComputedOnce(own) ? 0.001 : own.backbone === 'full' ? 1 : own.backbone === 'frozen' ? 0.33 : 0.6),
    // docs/performance.md: 31.8 images per CPU second.
    typicalSeconds: 1 / 31.8,
    caveat: ({ weights }) => (weights === 'random' ? 'random weights' : undefined),
    pretrained: {
      source: ({ weights }) => weights,
      withSource: (own, weights) => ({ ...own, weights }),
      verify: async (path) => {
        const { backboneShapes, loadKerasWeights } = await import('@cryfold/nn');
        return (await loadKerasWeights(path, backboneShapes(await architecture()))).size;
      },
    },
  }),
  parameters,
};
