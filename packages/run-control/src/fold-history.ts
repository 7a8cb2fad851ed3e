import { ifReadable, mapLimited } from '@cryfold/core';
import { type Estimator, kindOf } from '@cryfold/estimators';
import type { RunStore } from '@cryfold/store';

/** Records read of each kind of estimator: more would not change a median much. */
const SAMPLE = 200;

/** How long folds took before, by kind of estimator: median seconds per unit of work. */
export type History = Map<Estimator['kind'], { folds: number; secondsPerUnit: number }>;

/** Looks at committed folds of all runs in the store. */
export async function readHistory(store: RunStore): Promise<History> {
  const found = new Map<Estimator['kind'], Map<string, number>>();
  for (const run of await store.runs.ids()) {
    const stored = await ifReadable(store.runs.plan(run));
    if (!stored) continue;
    const { plan } = stored;
    const wanted = new Map<string, { estimator: Estimator; clips: number }>();
    for (const { key, trial, split, shuffle } of plan.jobs) {
      const estimator = plan.spec.estimators[trial];
      const known = found.get(estimator.kind);
      const enough =
        (known?.size ?? 0) + [...wanted.values()].filter((w) => w.estimator.kind === estimator.kind).length;
      if (shuffle !== undefined || known?.has(key) || enough >= SAMPLE) continue;
      wanted.set(key, { estimator, clips: plan.splits[split].train.length });
    }
    await mapLimited([...wanted], async ([key, { estimator, clips }]) => {
      const result = await ifReadable(store.folds.result(key));
      if (!result) return;
      const own = found.get(estimator.kind) ?? new Map<string, number>();
      found.set(estimator.kind, own.set(key, result.seconds / kindOf(estimator).cost(estimator, clips)));
    });
  }
  return new Map(
    [...found].map(([kind, all]) => {
      const sorted = [...all.values()].sort((a, b) => a - b);
      return [kind, { folds: sorted.length, secondsPerUnit: sorted[Math.floor(sorted.length / 2)] }];
    }),
  );
}
