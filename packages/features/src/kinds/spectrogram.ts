import { z } from 'zod';
import { SOX_WINDOWS } from '../sox-window.js';
import type { FeatureKind } from './feature-kind.js';

const parameters = z.strictObject({
  kind: z.literal('spectrogram').default('spectrogram'),
  height: z.int().min(8).max(1024).default(60).describe('pixels'),
  width: z.int().min(8).max(1024).default(90).describe('pixels'),
  clipSeconds: z.number().positive().max(3600).default(1).describe('length of a clip'),
  // The options below have no default here, so that the keys of a spec without them do not change. If they are absent,
  // sox's defaults apply.
  window: z.enum(SOX_WINDOWS).optional().describe('sox’s -w: window function; default: hann'),
  dynamicRange: z
    .number()
    .min(20)
    .max(180)
    .optional()
    .describe('sox’s -z: decibels from the loudest colour to black; default: 120'),
  maximum: z
    .number()
    .min(-100)
    .max(100)
    .optional()
    .describe('sox’s -Z: level of the loudest colour in dB of full scale; default: 0'),
  frame: z
    .literal([128, 256, 512, 1024, 2048])
    .optional()
    .describe(
      'samples per frame; corresponds to sox’s -y with 1 + frame / 2 rows before the picture is scaled; default: 1024',
    ),
  columns: z
    .int()
    .min(100)
    .max(10_000)
    .optional()
    .describe('sox’s -x: columns before the picture is scaled; default: 800'),
  monochrome: z.boolean().optional().describe('sox’s -m: use shades of grey; default: false'),
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
    return (row, audibleShare) =>
      summarizeImage(row as Uint8Array, { height, width, audibleShare, dynamicRange, monochrome });
  },
} satisfies FeatureKind<z.infer<typeof parameters>>;
