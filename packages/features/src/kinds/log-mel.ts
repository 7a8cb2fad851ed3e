import { z } from 'zod';
import { functionalsSchema } from '../functionals.js';
import type { FeatureKind } from './feature-kind.js';
import { describeDeltas, hasFewLevels, melParameters, TOO_MANY_LEVELS } from './mel-parameters.js';

const parameters = z
  .strictObject({
    kind: z.literal('log-mel'),
    ...melParameters,
    deltas: z
      .int()
      .min(0)
      .max(2)
      .default(0)
      .describe('number of time derivatives to compute in addition to the levels'),
    functionals: functionalsSchema
      .default(['mean', 'sd'])
      .describe('statistics, each of which reduces the values of all frames to one number'),
  })
  .refine(hasFewLevels, TOO_MANY_LEVELS);

/**
 * Levels on the mel scale, summarised over the clip. For each functional, the row contains all bands, followed by their
 * deltas.
 */
export const logMel = {
  kind: 'log-mel',
  parameters,
  produces: 'vectors',
  shape: ({ melBands, deltas, functionals }) => [melBands * (1 + deltas) * functionals.length],
  describe: ({ clipSeconds, melBands, deltas, functionals }) =>
    `log-mel levels of ${clipSeconds} s: ${functionals.join(', ')} of ${melBands} bands${describeDeltas(deltas)}`,
  loadExtractor: async ({ deltas, functionals, ...options }) => {
    const { LogMel } = await import('../mel/log-mel.js');
    const { summarizeSeries } = await import('../mel/summarize-series.js');
    return (clip) => {
      const mel = new LogMel({ ...options, ...clip });
      return (samples) => summarizeSeries(mel.levels(samples), { deltas, functionals });
    };
  },
} satisfies FeatureKind<z.infer<typeof parameters>>;
