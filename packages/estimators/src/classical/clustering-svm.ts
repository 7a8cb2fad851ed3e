import { z } from 'zod';
import type { EstimatorKind } from '../estimator-kind.js';
import { byDistances, distanceParameters } from './by-distances.js';

const parameters = z.strictObject({
  kind: z.literal('clustering-svm'),
  clusters: z
    .int()
    .min(1)
    .max(1000)
    .default(8)
    .describe('number of clusters into which the training clips are divided'),
  C: z.number().min(1e-3).max(1e6).default(1000).describe('inverse strength of the penalty'),
  gamma: z
    .union([z.enum(['scale', 'auto']), z.number().positive()])
    .default('scale')
    .describe('kernel coefficient; scale: 1 / (columns * variance of the values in the cluster), auto: 1 / columns'),
  ...distanceParameters,
});

/**
 * k-means splits the training clips into clusters, and each cluster gets its own SVM. A clip is predicted by the SVM of
 * the cluster with the nearest centre. Based on the clustering SVMs of Zhong, He, Harrison, Tai and Pan;
 * docs/classical.md describes our interpretation.
 */
export const clusteringSvm = {
  kind: 'clustering-svm',
  parameters,
  ...byDistances,
  // The key need not contain the groups, because they are part of the dataset's hash.
  keyParts: ({ grouped }) => ({ innerFolds: grouped ? 'grouped' : undefined }),
  typicalSeconds: 5e-7,
  loadEngine: async () => new (await import('./engines/clustering-svm.js')).ClusteringSvmEngine(),
  loadPredictor: async (file) => (await import('./engines/clustering-svm.js')).loadClusteringSvm(file),
} satisfies EstimatorKind<z.infer<typeof parameters>>;
