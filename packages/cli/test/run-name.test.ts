import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256, testedOnName } from '@cryfold/core';
import { parseSpec, planRun } from '@cryfold/plan';
import { openStore, RunStore } from '@cryfold/store';
import { resolveRun } from '../src/run-name.js';

async function savePlanned(store: RunStore, dataset: string, splitter: string): Promise<string> {
  const protocol = `protocol: { splitter: ${splitter} }`;
  const spec = parseSpec(`version: 1\nname: named\n${protocol}\nestimators: { svm: { kind: svm } }\n`, 'spec');
  const clips = ['a', 'b', 'a', 'b'].map((label, i) => ({ id: `c${i}`, label, group: `g${i}` }));
  const content = { name: dataset, contentHash: sha256(dataset), grouped: false, classes: ['a', 'b'], clips };
  const splits = [{ repeat: 0, fold: 0, train: Int32Array.of(0, 1), test: Int32Array.of(2, 3) }];
  const plan = planRun({ spec, manifest: { format: 1, ...content }, splits });
  await store.runs.savePlan(plan);
  return plan.run;
}

test('resolves protocol names, and distinguishes predefined folds from --test-on', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-name-'));
  t.after(() => rm(folder, { recursive: true }));
  const store = new RunStore(openStore(`file:${folder}`));
  const grouped = await savePlanned(store, 'home', 'GroupKFold');
  const crossed = await savePlanned(store, testedOnName('home', 'clinic'), 'PredefinedSplit');
  assert.equal(await resolveRun('predefined', store), 'predefined', 'matches no run');
  assert.equal(await resolveRun('test-on', store), crossed);
  const predefined = await savePlanned(store, 'home', 'PredefinedSplit');
  assert.equal(await resolveRun('predefined', store), predefined);
  assert.equal(await resolveRun('test-on', store), crossed);
  assert.notEqual(await resolveRun('grouped', store), grouped, 'StratifiedGroupKFold only');
});
