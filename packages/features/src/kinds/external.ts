import { resolve } from 'node:path';
import { CryfoldError, encodeNpy, LIMITS, sha256 } from '@cryfold/core';
import { z } from 'zod';
import type { FeatureKind } from './feature-kind.js';

const path = z.string().min(1).max(LIMITS.text);

const parameters = z.strictObject({
  kind: z.literal('external'),
  /** npy file of float32 or float64 [rows, columns]; the path is relative to the spec's folder */
  file: path.describe('npy file of float32 or float64 [rows, columns]; the path is relative to the folder of the spec'),
  /** CSV file with a column `clip` or `recording` that identifies each row */
  clips: path.describe('CSV file whose clip or recording column identifies each row of the npy file'),
  clipSeconds: z.number().positive().max(3600).default(1).describe('length of a clip'),
  /** Only in the plan of a run: hash of the npy array with the vectors of all clips, and the length of each vector */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .describe('set only in the plan of a run: hash of the vectors of all clips'),
  columns: z.int().min(1).max(65_536).optional().describe('set only in the plan of a run: length of each vector'),
});

/** Vectors that the user has computed; see docs/external-vectors.md. */
export const external = {
  kind: 'external',
  parameters,
  produces: 'vectors',
  shape: ({ columns = 0 }) => [columns],
  describe: ({ columns = 0, clipSeconds, file }) =>
    `${file}: vectors of ${columns} numbers for clips of ${clipSeconds} s`,
  // The key depends only on the content of the files, so they may be renamed and moved.
  keyed: ({ file: _, clips: __, ...content }) => content,
  given: {
    content: ({ sha256, columns }) => (columns === undefined ? undefined : sha256),
    read: async (set, folder, clips) => {
      const { readVectors } = await import('../external/read-vectors.js');
      const files = { file: resolve(folder, set.file), clips: resolve(folder, set.clips) };
      const { rows, columns, data } = await readVectors(files, clips);
      const shape = [rows, columns];
      return { parameters: { ...set, sha256: sha256(encodeNpy(data, shape)), columns }, rows: { shape, data } };
    },
  },
  loadExtractor: async ({ file }) => {
    throw new CryfoldError(
      'FEATURES_EXTERNAL',
      `${file}: this feature set reads precomputed vectors, so it cannot compute vectors for new recordings`,
      {
        context: { file },
        hint: 'Use these vectors only to evaluate models with cryfold run. For predictions, use a model with another feature set.',
      },
    );
  },
} satisfies FeatureKind<z.infer<typeof parameters>>;
