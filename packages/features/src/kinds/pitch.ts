import { z } from 'zod';
import { functionalsSchema } from '../functionals.js';
import type { FeatureKind } from './feature-kind.js';

const parameters = z
  .strictObject({
    kind: z.literal('pitch'),
    clipSeconds: z.number().positive().max(3600).default(1).describe('length of a clip'),
    frameMs: z
      .number()
      .min(1)
      .max(1000)
      .default(64)
      .describe('length of a frame, which must be longer than one period of the frequency fmin'),
    hopMs: z.number().min(1).max(1000).default(10).describe('distance from one frame to the next'),
    fmin: z.number().min(1).max(96_000).default(65).describe('Hz'),
    fmax: z.number().min(1).max(96_000).default(2000).describe('Hz; at most half the sampling rate'),
    threshold: z
      .number()
      .min(0.01)
      .max(1)
      .default(0.1)
      .describe(
        'like librosa’s trough_threshold: a frame is voiced if its aperiodicity has a minimum below this value',
      ),
    functionals: functionalsSchema
      .default(['mean', 'sd', 'range'])
      .describe('statistics, each of which reduces the values of the voiced frames to one number'),
  })
  .refine(({ fmin, fmax }) => fmin < fmax, { path: ['fmin'], error: 'must be below fmax' });

/**
 * Fundamental frequency by YIN: functionals over all voiced frames (0 if no frame is voiced), followed by the share of
 * voiced frames.
 */
export const pitch = {
  kind: 'pitch',
  parameters,
  produces: 'vectors',
  shape: ({ functionals }) => [functionals.length + 1],
  describe: ({ clipSeconds, functionals }) => `pitch of ${clipSeconds} s: ${functionals.join(', ')}, voiced share`,
  loadExtractor: async ({ functionals, ...options }) => {
    const { PitchTracker } = await import('../pitch.js');
    const { summarize } = await import('../functionals.js');
    return (clip) => {
      const tracker = new PitchTracker({ ...options, ...clip });
      return (samples) => {
        const { frequency, voiced } = tracker.track(samples);
        const pitches = frequency.filter((_, i) => voiced[i] === 1);
        const values = pitches.length > 0 ? summarize(pitches, functionals) : functionals.map(() => 0);
        return Float32Array.from([...values, pitches.length / frequency.length]);
      };
    };
  },
} satisfies FeatureKind<z.infer<typeof parameters>>;
