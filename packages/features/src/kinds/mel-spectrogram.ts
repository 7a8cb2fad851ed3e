import { z } from 'zod';
import type { FeatureKind } from './feature-kind.js';
import { hasFewLevels, melParameters, TOO_MANY_LEVELS } from './mel-parameters.js';

const { melBands: _, ...common } = melParameters;

const parameters = z
  .strictObject({
    kind: z.literal('mel-spectrogram'),
    height: z.int().min(8).max(256).default(60).describe('number of mel bands, one per row of pixels'),
    width: z.int().min(8).max(1024).default(90).describe('pixels'),
    ...common,
  })
  .refine(({ height: melBands, ...set }) => hasFewLevels({ ...set, melBands }), TOO_MANY_LEVELS);

/** Levels on the mel scale as an RGB image, from the loudest level of the clip down to `topDb` below it. */
export const melSpectrogram = {
  kind: 'mel-spectrogram',
  parameters,
  produces: 'images',
  shape: ({ height, width }) => [height, width, 3],
  decibels: ({ topDb }) => topDb,
  describe: ({ clipSeconds, height, width }) => `mel spectrogram of ${clipSeconds} s, ${height} x ${width} pixels`,
  loadExtractor: async ({ height, width, ...options }) => {
    const { MelImager } = await import('../mel/mel-image.js');
    return (clip) => {
      const imager = new MelImager({ ...options, ...clip, melBands: height }, width);
      return (samples) => imager.image(samples);
    };
  },
} satisfies FeatureKind<z.infer<typeof parameters>>;
