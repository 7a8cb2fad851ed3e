import { z } from 'zod';
import { functionalsSchema } from '../functionals.js';
import type { FeatureKind } from './feature-kind.js';
import { describeDeltas, hasFewLevels, melParameters, TOO_MANY_LEVELS } from './mel-parameters.js';

const parameters = z
  .strictObject({
    kind: z.literal('mfcc'),
    ...melParameters,
    coefficients: z
      .int()
      .min(1)
      .max(256)
      .default(20)
      .describe('librosa’s n_mfcc: number of coefficients; the first one is the level'),
    deltas: z
      .int()
      .min(0)
      .max(2)
      .default(0)
      .describe('number of time derivatives to compute in addition to the coefficients'),
    functionals: functionalsSchema
      .default(['mean', 'sd'])
      .describe('statistics, each of which reduces the values of all frames to one number'),
  })
  .refine(({ coefficients, melBands }) => coefficients <= melBands, {
    path: ['coefficients'],
    error: 'must not be larger than melBands',
  })
  .refine(hasFewLevels, TOO_MANY_LEVELS);

/**
 * Mel-frequency cepstral coefficients, summarised over the clip. For each functional, the row contains all
 * coefficients, followed by their deltas.
 */
export const mfcc = {
  kind: 'mfcc',
  parameters,
  produces: 'vectors',
  shape: ({ coefficients, deltas, functionals }) => [coefficients * (1 + deltas) * functionals.length],
  describe: ({ clipSeconds, coefficients, deltas, functionals }) =>
    `MFCC of ${clipSeconds} s: ${functionals.join(', ')} of ${coefficients} coefficients${describeDeltas(deltas)}`,
  loadExtractor: async ({ coefficients, deltas, functionals, ...options }) => {
    const { LogMel } = await import('../mel/log-mel.js');
    const { Cepstrum } = await import('../mel/cepstrum.js');
    const { summarizeSeries } = await import('../mel/summarize-series.js');
    const cepstrum = new Cepstrum(options.melBands, coefficients);
    return (clip) => {
      const mel = new LogMel({ ...options, ...clip });
      return (samples) => summarizeSeries(cepstrum.of(mel.levels(samples)), { deltas, functionals });
    };
  },
} satisfies FeatureKind<z.infer<typeof parameters>>;
