import { type Comparison, compareInPairs } from './measure.js';
import type { ModelName } from './nn-request.js';
import { startSide } from './nn-side.js';

const BATCH = 50;
/** Options for benchmarks that take a few seconds each. */
const STEPS: Record<ModelName, number> = { 'small-cnn': 20, resnet50: 2 };
/**
 * Minimum ratio of the training speed with augmentation to the speed without it; ensures that augmentation takes at
 * most about a tenth of a training step.
 */
const TARGET = 0.9;

/**
 * Measures the total cost of all steps of an augmentation, by training with and without them on one thread.
 * @param only limits the benchmark to models whose names contain this text; default: both models
 */
export async function compare(only = ''): Promise<Comparison[]> {
  const side = await startSide('ours', 1, 1);
  try {
    const results: Comparison[] = [];
    for (const [model, steps] of Object.entries(STEPS) as [ModelName, number][]) {
      if (!model.includes(only)) continue;
      const speed = (augment: boolean) => async () =>
        (steps * BATCH) / (await side.seconds({ what: 'train', model, steps, augment, cpu: true }));
      results.push(
        await compareInPairs({
          ...{
            name: `augment: ${model} training with every change at once`,
            peer: 'without',
            unit: 'images per CPU second',
          },
          ...{ target: TARGET, pairs: 9, ours: speed(true), theirs: speed(false) },
        }),
      );
    }
    return results;
  } finally {
    side.close();
  }
}
