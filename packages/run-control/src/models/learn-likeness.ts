import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ClipSummary, featureKindOf } from '@cryfold/features/kinds';
import { type LikenessRule, learnLikeness } from '@cryfold/model-registry';
import type { DatasetManifest, RunPlan } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';

/** Maximum number of clips to learn the rule from, spread evenly over the data. */
const MOST_CLIPS = 5000;
/** Maximum size in bytes of a feature array to read, since servers train models too. */
const MOST_BYTES = 2 ** 29;
/** Number of clips to process before yielding to the event loop. */
const TURN = 50;

/**
 * Learns to recognise sounds that are unlike the data of a plan, using the spec's first feature set, which every
 * predictor computes. Returns undefined if the kind of features has no summary, the features are no longer in the
 * store, or the data is too large or too small.
 * @throws CryfoldError NPY_INVALID; also any error that the store throws
 */
export async function likenessOf(
  { datasets }: Pick<RunStore, 'datasets'>,
  { features, spec }: Pick<RunPlan, 'features' | 'spec'>,
  { clips }: Pick<DatasetManifest, 'clips'>,
): Promise<LikenessRule | undefined> {
  const kind = featureKindOf(spec.features);
  const size = kind.shape(spec.features).reduce((product, length) => product * length, 1);
  const bytes = clips.length * size * (kind.produces === 'images' ? 1 : 4);
  if (!kind.loadSummary || bytes > MOST_BYTES || !(await datasets.hasFeatures(features.key))) return undefined;
  const summarize = await kind.loadSummary(spec.features);
  const { data } = await datasets.features(features.key);
  const chosen = Math.min(clips.length, MOST_CLIPS);
  const summaries: ClipSummary[] = [];
  const groups: string[] = [];
  for (let i = 0; i < chosen; i++) {
    const clip = Math.floor((i * clips.length) / chosen);
    summaries.push(summarize(data.subarray(clip * size, (clip + 1) * size) as Uint8Array | Float32Array));
    groups.push(clips[clip].group);
    if (i % TURN === 0) await nextTurn();
  }
  return learnLikeness(summaries, groups);
}
