import { z } from 'zod';

/** Parameters of all kinds that compare clips by their distances or inner products. */
export const distanceParameters = {
  standardise: z
    .boolean()
    .default(false)
    .describe('scale each column to a standard deviation of 1 over the training clips'),
};

/** The properties that these kinds have in common: each fold reads a square matrix of its training clips. */
export const byDistances = {
  queue: 'cpu',
  reads: 'any',
  cost: (_: unknown, trainClips: number) => trainClips ** 2,
  // Standardised rows have different distances in each fold.
  unit: ({ kind, standardise }: { kind: string; standardise: boolean }) =>
    standardise ? `${kind}, standardised` : kind,
} as const;
