import { z } from 'zod';
import { SOX_WINDOWS } from '../sox-window.js';
import type { FeatureKind } from './feature-kind.js';

const parameters = z.strictObject({
  kind: z.literal('spectrogram').default('spectrogram'),
  height: z.int().min(8).max(1024).default(60),
  width: z.int().min(8).max(1024).default(90),
  clipSeconds: z.number().positive().max(3600).default(1),
  // The options below have no default here, so that a spec without them keeps its keys. If absent, sox's defaults
  // apply.
  /** -w; hann */
  window: z.enum(SOX_WINDOWS).optional(),
  /** -z: from the loudest colour to black, dB; 120 */
  dynamicRange: z.number().min(20).max(180).optional(),
  /** -Z: the level of the loudest colour, dB of full scale; 0 */
  maximum: z.number().min(-100).max(100).optional(),
  /** Samples per frame; -y gives 1 + frame / 2 rows before the image is resized; 1024 */
  frame: z.literal([128, 256, 512, 1024, 2048]).optional(),
  /** -x: columns before the image is resized; 800 */
  columns: z.int().min(100).max(10_000).optional(),
  /** -m; false */
  monochrome: z.boolean().optional(),
});

/** SoX's raw spectrogram as an RGB image, resized by nearest neighbour. */
export const spectrogram = {
  kind: 'spectrogram',
  parameters,
  produces: 'images',
  shape: ({ height, width }) => [height, width, 3],
  decibels: ({ dynamicRange }) => dynamicRange,
  describe: ({ clipSeconds, height, width }) => `spectrogram of ${clipSeconds} s, ${height} x ${width} pixels`,
  loadExtractor: async ({ kind: _, clipSeconds: __, ...options }) => {
    const { SpectrogramImager } = await import('../spectrogram.js');
    return (clip) => {
      const imager = new SpectrogramImager({ ...clip, ...options });
      return (samples) => imager.image(samples);
    };
  },
  loadSummary: async ({ height, width, dynamicRange, monochrome }) => {
    const { summarizeImage } = await import('../clip-summary.js');
    return (row, heard) => summarizeImage(row as Uint8Array, { height, width, heard, dynamicRange, monochrome });
  },
} satisfies FeatureKind<z.infer<typeof parameters>>;
