import { CryfoldError } from '@cryfold/core';
import { type Split, splitterOf } from '@cryfold/evaluation';
import { type ModelCard, ModelRegistry } from '@cryfold/model-registry';
import {
  type DatasetManifest,
  metricOfSpec,
  type PlannedSplit,
  planRunInSteps,
  type RunPlan,
  type Spec,
  specSchema,
  withMetric,
} from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';
import { innerSplits } from '../splits.js';
import { STAND_IN_SHARE } from './retraining/contest.js';
import { trainingOverlap } from './retraining/training-overlap.js';

/** Why a champion cannot be compared with a challenger. */
function incomparableModel({ name, version }: ModelCard, why: string): CryfoldError {
  return new CryfoldError('MODEL_INCOMPARABLE', `${name}@${version} cannot be compared: ${why}`, {
    context: { model: name, version },
    hint: 'Evaluate it with cryfold run and decide manually: cryfold train-final, cryfold models promote.',
  });
}

/**
 * Refuses clips of a different length than the champion's. Their content differs, so nothing is known about which of
 * them the champion was trained on.
 * @throws CryfoldError MODEL_INCOMPARABLE
 */
export function checkClipLength(card: ModelCard, { features }: Pick<Spec, 'features'>): void {
  const { clipSeconds } = card.features;
  if (clipSeconds === features.clipSeconds) return;
  throw incomparableModel(card, `its clips are ${clipSeconds} s long, not ${features.clipSeconds} s`);
}

/**
 * Plans a stand-in for a champion on the folds of new data. A stand-in has the champion's parameters, is trained in
 * each fold on those training clips that the champion knows, and is tested on the same clips as the challenger. The new
 * data must contain nearly all of the champion's clips, because a stand-in that is trained on only some of them would
 * be worse than the champion. (A stand-in trained on all new data would not represent the champion either: if the spec
 * has not changed, it would equal the challenger.) If the champion is a nested fusion, so is the stand-in, with inner
 * folds made of the clips that the champion knows.
 * @param challenger the run over the new data
 * @param manifest manifest of the challenger's data
 * @param before manifest of the data that the champion was trained on
 * @throws CryfoldError MODEL_INCOMPARABLE
 */
export async function planChampion(
  card: ModelCard,
  challenger: RunPlan,
  manifest: DatasetManifest,
  before: DatasetManifest,
): Promise<RunPlan> {
  const incomparable = (why: string) => incomparableModel(card, why);
  const parsed = specSchema.safeParse(card.spec);
  if (!parsed.success) throw incomparable('its spec is from another version of cryfold');
  const { spec } = challenger;
  const own = parsed.data;
  // The kinds of the members determine whether a model may run programs, so they must match the spec.
  const other = card.members.find(({ name, kind }) => own.estimators[name]?.kind !== kind);
  if (other) throw incomparable(`its member ${other.name} has a different kind than in its spec`);
  checkClipLength(card, spec);
  const { known, share } = trainingOverlap(before, manifest);
  if (share < STAND_IN_SHARE) {
    throw incomparable(`the new data has ${Math.floor(100 * share)} % of its clips, not ${100 * STAND_IN_SHARE} %`);
  }
  const outer = challenger.splits.filter((split) => split.outer === undefined);
  const splits = outer.map(({ repeat, fold, train, test }) => ({
    ...{ repeat, fold },
    train: Int32Array.from(train.filter((clip) => known[clip])),
    test: Int32Array.from(test),
  }));
  const classesOf = (rows: Int32Array) => new Set(Array.from(rows, (clip) => manifest.clips[clip].label)).size;
  if (splits.some(({ train }) => classesOf(train) < 2)) {
    throw incomparable('the new data contains too few of the clips that it was trained on');
  }
  // If a sweep selected the champion, the selected parameters are compared, without repeating the search.
  const { keepModels: _models, nulls: _nulls, search: _search, metric: _metric, ...rest } = own;
  const rule = Object.hasOwn(own.fusion, card.of) ? own.fusion[card.of] : undefined;
  const members = card.members.map(({ name }) => [name, own.estimators[name]] as const);
  const championSpec: Spec = {
    ...rest,
    // Use the challenger's folds with their order and seeds.
    ...{ name: `${spec.name.slice(0, 30)}-champion`, protocol: spec.protocol, seed: spec.seed, checkpoint: 'none' },
    ...{ estimators: Object.fromEntries(members), fusion: rule ? { [card.of]: rule } : {} },
  };
  const inner = rule?.nested ? nestedSplits(championSpec, manifest, splits, incomparable) : [];
  return planRunInSteps({
    spec: withMetric(championSpec, metricOfSpec(spec)),
    manifest,
    splits: [...splits, ...inner],
  });
}

/** Computes the inner folds of a stand-in's nested fusion from the training clips that its champion knows. */
function nestedSplits(
  spec: Spec,
  manifest: DatasetManifest,
  outer: readonly Split[],
  incomparable: (why: string) => CryfoldError,
): PlannedSplit[] {
  const { splitter } = spec.protocol;
  if (!splitterOf(splitter).takes.includes('folds')) {
    throw incomparable(`its fusion is nested, and ${splitter} has no number of folds for inner folds`);
  }
  try {
    return innerSplits(spec, manifest, outer);
  } catch (error) {
    if (!(error instanceof CryfoldError)) throw error;
    throw incomparable(`its fusion is nested, and its clips cannot be split into inner folds: ${error.message}`);
  }
}

/** Like `planChampion`, for a challenger whose data is in the store. */
export async function planStoredChampion(
  { artifacts, datasets }: RunStore,
  name: string,
  version: string,
  challenger: RunPlan,
): Promise<RunPlan> {
  const card = await new ModelRegistry(artifacts).find(name, version);
  const manifest = await datasets.manifest(challenger.dataset.key);
  const before = await datasets.manifest(card.data.contentHash);
  return planChampion(card, challenger, manifest, before);
}
