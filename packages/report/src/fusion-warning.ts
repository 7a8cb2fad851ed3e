import type { RunResults } from '@cryfold/evaluation';
import { baselineOn } from './baseline.js';

/**
 * With fewer clips, a fitted fusion looks better than its members even if they have learned nothing (see
 * docs/evaluation.md).
 */
const FEW_CLIPS = 300;
/**
 * A member is close to chance if its mean accuracy exceeds the accuracy of always predicting the majority class by no
 * more than this.
 */
const NEAR_CHANCE = 0.05;

/**
 * Warns about stacked fusions that are not nested, since they learn from members that were trained on the test clips of
 * the fold.
 */
export function fusionWarning(results: RunResults): string | undefined {
  const { models, dataset } = results;
  const weak = new Set(
    models
      .filter((model) => {
        const majority = baselineOn(model, results, 'accuracy');
        return model.accuracy && majority !== undefined && model.accuracy.mean - majority <= NEAR_CHANCE;
      })
      .map(({ name }) => name),
  );
  const stacked = models.filter(({ method, nested }) => method === 'stacked' && !nested);
  const affected = stacked.filter(
    ({ members = [] }) => dataset.clips < FEW_CLIPS || members.some((name) => weak.has(name)),
  );
  if (affected.length === 0) return undefined;
  const why =
    dataset.clips < FEW_CLIPS
      ? `there are fewer than ${FEW_CLIPS} clips`
      : 'a member is barely better than the majority class';
  return (
    `OPTIMISTIC: ${affected.map(({ name }) => name).join(', ')}: stacking learns from members that were trained on the test ` +
    `clips, which matters because ${why}. Set nested: true for the fusion (docs/evaluation.md).`
  );
}
