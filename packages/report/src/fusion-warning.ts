import type { RunResults } from '@cryfold/evaluation';
import { baselineOn } from './baseline.js';

/** Below so many clips a fitted fusion of members that know nothing looks better than they are: docs/evaluation.md. */
const FEW_CLIPS = 300;
/** A member is near chance where its mean accuracy is at most so far above the majority class's. */
const NEAR_CHANCE = 0.05;

/**
 * What must be read before the figures of stacked fusions that are not nested: they learn from members that were trained
 * on the test clips of the fold.
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
      : 'a member is hardly better than the majority class';
  return (
    `OPTIMISTIC: ${affected.map(({ name }) => name).join(', ')}: stacking learns from members that were trained on the test ` +
    `clips, which matters since ${why}. Set nested: true for the fusion (docs/evaluation.md).`
  );
}
