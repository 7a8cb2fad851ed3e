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
import { heardOf } from './retraining/heard.js';

/** Why a champion cannot be compared with a challenger. */
function incomparableModel({ name, version }: ModelCard, why: string): CryfoldError {
  return new CryfoldError('MODEL_INCOMPARABLE', `${name}@${version} cannot be compared: ${why}`, {
    context: { model: name, version },
    hint: 'Evaluate with cryfold run, then decide by hand: cryfold train-final, cryfold models promote.',
  });
}

/**
 * Clips of another length have other sounds, so nobody could say which of them a champion knows.
 * @throws CryfoldError MODEL_INCOMPARABLE
 */
export function checkClipLength(card: ModelCard, { features }: Pick<Spec, 'features'>): void {
  const { clipSeconds } = card.features;
  if (clipSeconds === features.clipSeconds) return;
  throw incomparableModel(card, `its clips are of ${clipSeconds} s, not ${features.clipSeconds} s`);
}

/**
 * A stand-in for a champion on the folds of new data: its parameters, trained in each fold on those of the fold's
 * training clips that it knows, and tested on the clips that the challenger is tested on. Only where the new data holds
 * nearly all of the champion's clips: trained on a part of them, it would be worse than the champion. (Its parameters on
 * all of the new data would be no champion either: with an unchanged spec they are the challenger.) A nested fusion is
 * nested in the stand-in too, in inner folds of the clips that the champion knows.
 * @param challenger the run over the new data
 * @param manifest of the challenger's data
 * @param before of the data that the champion was trained on
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
  if (!parsed.success) throw incomparable('its spec is of another version of cryfold');
  const { spec } = challenger;
  const own = parsed.data;
  // Whether a model may run programs is decided by the kinds of its members.
  const other = card.members.find(({ name, kind }) => own.estimators[name]?.kind !== kind);
  if (other) throw incomparable(`its member ${other.name} is not of the kind that its spec says`);
  checkClipLength(card, spec);
  const { known, share } = heardOf(before, manifest);
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
    throw incomparable('the new data holds too few of the clips that it was trained on');
  }
  // A champion that a sweep chose is compared as it was chosen.
  const { keepModels: _models, nulls: _nulls, search: _search, metric: _metric, ...rest } = own;
  const rule = Object.hasOwn(own.fusion, card.of) ? own.fusion[card.of] : undefined;
  const members = card.members.map(({ name }) => [name, own.estimators[name]] as const);
  const championSpec: Spec = {
    ...rest,
    // Folds, their order and their seeds are the challenger's.
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

/** The inner folds that a stand-in's nested fusion learns from, within the training clips that its champion knows. */
function nestedSplits(
  spec: Spec,
  manifest: DatasetManifest,
  outer: readonly Split[],
  incomparable: (why: string) => CryfoldError,
): PlannedSplit[] {
  const { splitter } = spec.protocol;
  if (!splitterOf(splitter).takes.includes('folds')) {
    throw incomparable(`its fusion is nested, and ${splitter} takes no number of inner folds`);
  }
  try {
    return innerSplits(spec, manifest, outer);
  } catch (error) {
    if (!(error instanceof CryfoldError)) throw error;
    throw incomparable(`its fusion is nested, and the clips that it knows make no inner folds: ${error.message}`);
  }
}

/** As `planChampion`, where the challenger and its data are in the store. */
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
