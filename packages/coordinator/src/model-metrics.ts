import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError, isUnreadable } from '@cryfold/core';
import type { Metrics } from '@cryfold/runtime';
import type { ArtifactStore } from '@cryfold/store';

/** Milliseconds between refreshes. A model changes about once per night. */
const EVERY_MS = 15_000;

interface ModelState {
  model: string;
  versions: number;
  champion?: { version: string; promoted: number; promotions: number; clips: number; accuracy: number | undefined };
  retrain?: { finished: number; outcome: string; clips: number };
}

/** Exports metrics of champions and of each model's last retraining until `stopped` is signalled. */
export async function watchModels(store: ArtifactStore, metrics: Metrics, stopped: AbortSignal): Promise<void> {
  if (!metrics.on) return;
  let states: ModelState[] = [];
  const champions = () => states.flatMap(({ model, champion }) => (champion ? [{ model, ...champion }] : []));
  const retrains = () => states.flatMap(({ model, retrain }) => (retrain ? [{ model, ...retrain }] : []));
  metrics.series('cryfold_model_versions', () =>
    states.map(({ model, versions }) => ({ labels: { model }, value: versions })),
  );
  metrics.series('cryfold_model_champion_info', () =>
    champions().map(({ model, version }) => ({ labels: { model, version }, value: 1 })),
  );
  metrics.series('cryfold_model_promotions', () =>
    champions().map(({ model, promotions }) => ({ labels: { model }, value: promotions })),
  );
  metrics.series('cryfold_model_promoted_timestamp_seconds', () =>
    champions().map(({ model, promoted }) => ({ labels: { model }, value: promoted })),
  );
  metrics.series('cryfold_model_accuracy_ratio', () =>
    champions().flatMap(({ model, accuracy }) =>
      accuracy === undefined ? [] : [{ labels: { model }, value: accuracy }],
    ),
  );
  metrics.series('cryfold_model_clips', () =>
    champions().map(({ model, clips }) => ({ labels: { model }, value: clips })),
  );
  metrics.series('cryfold_retrain_clips', () =>
    retrains().map(({ model, clips }) => ({ labels: { model }, value: clips })),
  );
  metrics.series('cryfold_retrain_info', () =>
    retrains().map(({ model, outcome }) => ({ labels: { model, outcome }, value: 1 })),
  );
  metrics.series('cryfold_retrain_finished_timestamp_seconds', () =>
    retrains().map(({ model, finished }) => ({ labels: { model }, value: finished })),
  );
  while (!stopped.aborted) {
    // The next refresh retries. A damaged record must not stop the coordinator.
    states = await readModels(store).catch(() => states);
    await sleep(EVERY_MS, undefined, { signal: stopped }).catch(() => {});
  }
}

async function readModels(store: ArtifactStore): Promise<ModelState[]> {
  const versions = new Map<string, number>();
  for await (const key of store.list('models/')) {
    const [, model, , file] = key.split('/');
    versions.set(model, (versions.get(model) ?? 0) + (file === 'card.json' ? 1 : 0));
  }
  if (versions.size === 0) return [];
  // Imported only if there are models, since it loads classifiers.
  const { ModelRegistry, readLastRetrain } = await import('@cryfold/model-registry');
  const registry = new ModelRegistry(store);
  const states: ModelState[] = [];
  for (const [model, count] of versions) {
    const found: ModelState = { model, versions: count };
    states.push(found);
    const own = unlessDamaged(async () => {
      const champion = await registry.champion(model);
      if (!champion) return;
      const { data, metrics } = await registry.find(model, champion.version);
      found.champion = {
        version: champion.version,
        promoted: Date.parse(champion.at) / 1000,
        promotions: champion.seq,
        clips: data.clips,
        accuracy: metrics[0]?.accuracy.mean,
      };
    });
    const last = unlessDamaged(async () => {
      const retrain = await readLastRetrain(store, model);
      if (!retrain) return;
      const { at, outcome, evidence } = retrain;
      found.retrain = { finished: Date.parse(at) / 1000, outcome, clips: evidence.data.clips };
    });
    await Promise.all([own, last]);
  }
  return states;
}

/** Leaves out the figures of a model with a damaged record. */
async function unlessDamaged(read: () => Promise<void>): Promise<void> {
  await read().catch((error) => {
    if (!isUnreadable(error) && !(error instanceof CryfoldError && error.code === 'MODEL_NOT_FOUND')) throw error;
  });
}
