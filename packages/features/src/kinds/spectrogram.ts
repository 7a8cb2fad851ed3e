import { z } from 'zod';
import type { FeatureKind } from './feature-kind.js';

const parameters = z.strictObject({
  kind: z.literal('spectrogram').default('spectrogram'),
  height: z.int().min(8).max(513).default(60),
  width: z.int().min(8).max(800).default(90),
  clipSeconds: z.number().positive().max(3600).default(1),
});

/** SoX's default raw spectrogram as an RGB picture, reduced to a size by nearest neighbour. */
export const spectrogram = {
  kind: 'spectrogram',
  parameters,
  produces: 'images',
  shape: ({ height, width }) => [height, width, 3],
  describe: ({ clipSeconds, height, width }) => `spectrogram of ${clipSeconds} s, ${height} x ${width} pixels`,
  loadExtractor: async ({ height, width }) => {
    const { SpectrogramImager } = await import('../spectrogram.js');
    return (clip) => {
      const imager = new SpectrogramImager({ ...clip, height, width });
      return (samples) => imager.image(samples);
    };
  },
  loadSummary: async ({ height, width }) => {
    const { summarizeImage } = await import('../clip-summary.js');
    return (row, heard) => summarizeImage(row as Uint8Array, { height, width, heard });
  },
} satisfies FeatureKind<z.infer<typeof parameters>>;
