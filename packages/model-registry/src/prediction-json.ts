import { groupsKnown } from '@cryfold/evaluation';
import type { ModelCard } from './card.js';
import { headlineOf } from './card-headline.js';
import type { RecordingPrediction } from './predictor.js';

/** What `cryfold predict --json` prints and the prediction service answers: probabilities by class, images in base64. */
export function predictionJson(
  { name, version, notice, data, metrics: [own] }: Pick<ModelCard, 'name' | 'version' | 'notice' | 'data' | 'metrics'>,
  predictions: readonly RecordingPrediction[],
) {
  const classes = data.classes.map(({ label }) => label);
  const named = (probabilities: number[]) => Object.fromEntries(classes.map((label, c) => [label, probabilities[c]]));
  return {
    model: { name, version, notice, ...(own && { evaluation: headlineOf(own, groupsKnown(data)) }) },
    classes,
    predictions: predictions.map(({ windows, mean, ...rest }) => ({
      ...rest,
      windows: windows.map(({ probabilities, image, ...window }) => ({
        ...window,
        probabilities: named(probabilities),
        ...(image && { image: Buffer.from(image).toString('base64') }),
      })),
      mean: { ...mean, probabilities: named(mean.probabilities) },
    })),
  };
}
