import { sha256 } from '@cryfold/core';
import { repeatedKFold } from '@cryfold/evaluation';
import { parseSpec, planRun, type RunPlan } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';

const manifest = {
  ...{ format: 1 as const, name: 'small', contentHash: sha256('small'), grouped: true, classes: ['a', 'b'] },
  clips: Array.from({ length: 6 }, (_, i) => ({ id: `${i}`, label: 'ab'[i % 2], group: `${i}` })),
};

/** Three folds of each estimator over six clips. */
export function planOf(estimators: string, rest = ''): RunPlan {
  const spec = parseSpec(`version: 1\nname: small\nestimators: ${estimators}\n${rest}`, 'spec.yaml');
  return planRun({ spec, manifest, splits: repeatedKFold(6, { splits: 3, repeats: 1, seed: 0 }) });
}

/** Stores the clips' manifest and the plan of an SVM. */
export async function saveSmallRun(store: RunStore, rest?: string): Promise<RunPlan> {
  const plan = planOf('{ svm: { kind: svm } }', rest);
  await store.datasets.saveManifest(manifest);
  await store.runs.savePlan(plan);
  return plan;
}
