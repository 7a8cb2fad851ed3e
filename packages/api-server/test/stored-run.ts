import { sha256 } from '@cryfold/core';
import { repeatedKFold } from '@cryfold/evaluation';
import { parseSpec, planRun, type RunPlan } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';

/** Stores the manifest of six clips and the plan of an SVM over three folds of them. */
export async function saveSmallRun(store: RunStore): Promise<RunPlan> {
  const clips = Array.from({ length: 6 }, (_, i) => ({ id: `${i}`, label: 'ab'[i % 2], group: `${i}` }));
  const content = { name: 'small', contentHash: sha256('small'), grouped: true, classes: ['a', 'b'] };
  const manifest = { format: 1 as const, ...content, clips };
  const spec = parseSpec('version: 1\nname: small\nestimators: { svm: { kind: svm } }\n', 'spec.yaml');
  const plan = planRun({ spec, manifest, splits: repeatedKFold(6, { splits: 3, repeats: 1, seed: 0 }) });
  await store.datasets.saveManifest(manifest);
  await store.runs.savePlan(plan);
  return plan;
}
