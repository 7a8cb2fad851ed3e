import { groupsKnown } from '@cryfold/evaluation';
import type { ModelCard } from './card.js';
import { headlineOf } from './card-headline.js';
import type { RecordingPrediction } from './predictor.js';

type Described = Pick<ModelCard, 'name' | 'version' | 'notice' | 'data' | 'metrics'>;

/**
 * Returns the output of `cryfold predict --json` and of the prediction service, with probabilities by class and images
 * in base64.
 */
export function predictionJson(card: Described, predictions: readonly RecordingPrediction[]) {
  return {
    ...predictionHead(card),
    predictions: predictions.map((prediction) => recordingJson(card, prediction)),
  };
}

/** Describes the model that made predictions, and its classes. */
export function predictionHead({ name, version, notice, data, metrics: [own] }: Described) {
  return {
    model: { name, version, notice, ...(own && { evaluation: headlineOf(own, groupsKnown(data)) }) },
    classes: data.classes.map(({ label }) => label),
  };
}

/** Formats the prediction of one recording. */
export function recordingJson({ data }: Described, { windows, mean, ...rest }: RecordingPrediction) {
  const named = (probabilities: number[]) =>
    Object.fromEntries(data.classes.map(({ label }, c) => [label, probabilities[c]]));
  return {
    ...rest,
    windows: windows.map(({ probabilities, image, ...window }) => ({
      ...window,
      probabilities: named(probabilities),
      ...(image && { image: Buffer.from(image).toString('base64') }),
    })),
    ...(mean && { mean: { ...mean, probabilities: named(mean.probabilities) } }),
  };
}
