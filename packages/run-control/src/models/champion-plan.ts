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
    hint: 'Evaluate the new model with cryfold run. To use it, run cryfold train-final and cryfold models promote.',
  });
}

/**
 * Throws if the clips differ in length from the champion's. Clips of another length have different content, so it would
 * be impossible to tell which of them the champion was trained on.
 * @throws CryfoldError MODEL_INCOMPARABLE
 */
export function checkClipLength(card: ModelCard, { features }: Pick<Spec, 'features'>): void {
  const { clipSeconds } = card.features;
  if (clipSeconds === features.clipSeconds) return;
  throw incomparableModel(card, `its clips are ${clipSeconds} s long, not ${features.clipSeconds} s`);
}

/**
 * Plans a stand-in for a champion on the folds of new data. A stand-in has the champion's parameters. In each fold, it
 * is trained only on those training clips that the champion was also trained on, and it is tested on the same clips as
 * the challenger. The new data must contain nearly all of the champion's clips, because a stand-in that is trained on
 * only some of them would be worse than the champion. (A stand-in trained on all new data would not represent the
 * champion either: if the spec has not changed, it would equal the challenger.) If the champion is a nested fusion, so
 * is the stand-in, with inner folds made of the clips that the champion was trained on.
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
  if (other) throw incomparable(`its member ${other.name} is not of the kind that is stated in its spec`);
  checkClipLength(card, spec);
  const { known, share } = trainingOverlap(before, manifest);
  if (share < STAND_IN_SHARE) {
    throw incomparable(
      `the new data has ${Math.floor(100 * share)} % of its clips, but ${100 * STAND_IN_SHARE} % are needed`,
    );
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
  // If a sweep selected the champion, the stand-in uses the selected parameters, and the search is not repeated.
  const { keepModels: _models, nulls: _nulls, search: _search, metric: _metric, ...rest } = own;
  const rule = Object.hasOwn(own.fusion, card.of) ? own.fusion[card.of] : undefined;
  const members = card.members.map(({ name }) => [name, own.estimators[name]] as const);
  const championSpec: Spec = {
    ...rest,
    // The stand-in uses the same folds as the challenger, in the same order and with the same seeds.
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

/**
 * Computes the inner folds of a stand-in's nested fusion from those training clips that its champion was trained on.
 */
function nestedSplits(
  spec: Spec,
  manifest: DatasetManifest,
  outer: readonly Split[],
  incomparable: (why: string) => CryfoldError,
): PlannedSplit[] {
  const { splitter } = spec.protocol;
  if (!splitterOf(splitter).takes.includes('folds')) {
    throw incomparable(`its fusion is nested, but ${splitter} does not support a number of inner folds`);
  }
  try {
    return innerSplits(spec, manifest, outer);
  } catch (error) {
    if (!(error instanceof CryfoldError)) throw error;
    throw incomparable(`its fusion is nested, and its clips cannot be split into inner folds: ${error.message}`);
  }
}

/** Like `planChampion`, but for a challenger whose data is in the store. */
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
