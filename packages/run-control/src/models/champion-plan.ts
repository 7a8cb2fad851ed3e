import { CryfoldError } from '@cryfold/core';
import { type ModelCard, ModelRegistry } from '@cryfold/model-registry';
import { type DatasetManifest, planRunInSteps, type RunPlan, type Spec, specSchema } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';

type Clip = DatasetManifest['clips'][number];

/** Equal sounds under the same label are the same clip, whatever the file is called. */
function identify(clips: readonly Clip[], byHash: boolean): string[] {
  return clips.map(({ id, label, hash }) => `${label} ${byHash ? hash : id}`);
}

export interface ChampionPlan {
  plan: RunPlan;
  /** Clips of the new data that the champion was trained on */
  known: number;
}

/**
 * What the champion stands for, on the folds of new data: its parameters, trained in each fold on those of the fold's
 * training clips that it knows, and tested on the very clips that the challenger is tested on. (The champion itself
 * would be tested on clips that it has learnt by heart; its parameters on all of the new data would be no champion: with
 * an unchanged spec they are the challenger.)
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
): Promise<ChampionPlan> {
  const incomparable = (why: string) =>
    new CryfoldError('MODEL_INCOMPARABLE', `${card.name}@${card.version} cannot be compared: ${why}`, {
      context: { model: card.name, version: card.version },
      hint: 'Evaluate with cryfold run, then decide by hand: cryfold train-final, cryfold models promote.',
    });
  const parsed = specSchema.safeParse(card.spec);
  if (!parsed.success) throw incomparable('its spec is of another version of cryfold');
  const { spec } = challenger;
  const own = parsed.data;
  if (own.features.clipSeconds !== spec.features.clipSeconds) {
    throw incomparable(`its clips are of ${own.features.clipSeconds} s, not ${spec.features.clipSeconds} s`);
  }
  const byHash = [...before.clips, ...manifest.clips].every(({ hash }) => hash !== undefined);
  const learnt = new Set(identify(before.clips, byHash));
  const isKnown = identify(manifest.clips, byHash).map((clip) => learnt.has(clip));
  const outer = challenger.splits.filter((split) => split.outer === undefined);
  const splits = outer.map(({ repeat, fold, train, test }) => ({
    ...{ repeat, fold },
    train: Int32Array.from(train.filter((clip) => isKnown[clip])),
    test: Int32Array.from(test),
  }));
  const classesOf = (rows: Int32Array) => new Set(Array.from(rows, (clip) => manifest.clips[clip].label)).size;
  if (splits.some(({ train }) => classesOf(train) < 2)) {
    throw incomparable('the new data holds too few of the clips that it was trained on');
  }
  // A champion that a sweep chose is compared as it was chosen.
  const { keepModels: _models, nulls: _nulls, search: _search, ...rest } = own;
  const fusion = Object.hasOwn(own.fusion, card.of) ? { [card.of]: own.fusion[card.of] } : {};
  const members = card.members.map(({ name }) => [name, own.estimators[name]] as const);
  const championSpec: Spec = {
    ...rest,
    // Folds, their order and their seeds are the challenger's.
    ...{ name: `${spec.name.slice(0, 30)}-champion`, protocol: spec.protocol, seed: spec.seed, checkpoint: 'none' },
    ...{ estimators: Object.fromEntries(members), fusion },
  };
  const plan = await planRunInSteps({ spec: championSpec, manifest, splits });
  return { plan, known: isKnown.filter(Boolean).length };
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
  return (await planChampion(card, challenger, manifest, before)).plan;
}
