import { z } from 'zod';

/** Parameters of all kinds that compare clips by their distances or inner products. */
export const distanceParameters = {
  standardise: z
    .boolean()
    .default(false)
    .describe('scale each column to a standard deviation of 1 over the training clips'),
};

/**
 * The properties that these kinds share. In all of them, the work for a fold grows with the square of its number of
 * training clips, because training reads a matrix of the distances between these clips.
 */
export const byDistances = {
  queue: 'cpu',
  reads: 'any',
  cost: (_: unknown, trainClips: number) => trainClips ** 2,
  // Standardised rows have different distances in each fold.
  unit: ({ kind, standardise }: { kind: string; standardise: boolean }) =>
    standardise ? `${kind}, standardised` : kind,
} as const;
