import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { repeatedKFold } from '@cryfold/evaluation';
import { prepareRun, publish, weightsSources } from '@cryfold/local-run';
import { parseSpec, planRun, type RunPlan } from '@cryfold/plan';
import { openStore, RunStore } from '@cryfold/store';
import { cryfold, ownStore, temporaryFolder } from './command.js';
import { withoutRedis } from './testbed.js';

const SPEC = parseSpec(
  'version: 1\nname: lone\nprotocol: { folds: 5, repeats: 4 }\nestimators: { svm: { kind: svm }, linear: { kind: svm, kernel: linear } }',
  'spec.yaml',
);

/** Stores a run with 9 clips of one class and 1 of another, as planned by versions that did not refuse such folds. */
async function storeLoneRun(storeUrl: string, data: string): Promise<RunPlan> {
  const store = new RunStore(openStore(storeUrl));
  const preparation = await prepareRun({
    ...{ spec: SPEC, data, limit: 10, skipBad: false, groupDuplicates: false, sources: weightsSources(store, data) },
    ...{ checkLeaks: () => [], allowLeak: true, onProgress: () => {} },
  });
  await publish(store, preparation, () => {});
  const clips = preparation.manifest.clips.map((clip, i) => ({ ...clip, label: i === 0 ? 'one' : 'big' }));
  const manifest = { ...preparation.manifest, classes: ['big', 'one'], clips };
  const plan = planRun({ spec: SPEC, manifest, splits: repeatedKFold(10, { splits: 5, repeats: 4, seed: 0 }) });
  await store.datasets.saveManifest(manifest);
  await store.runs.savePlan(plan);
  await store.close();
  return plan;
}

test('does not let an untrainable fold affect other folds, in any run with the same seed', {
  skip: withoutRedis,
}, async (t) => {
  const folder = await temporaryFolder();
  t.after(folder.remove);
  const data = join(folder.path, 'corpus');
  await synthesizeCorpus(data, { clips: 25, seed: 1 });
  for (const attempt of ['first', 'second', 'third']) {
    const out = join(folder.path, attempt);
    const { run, splits } = await storeLoneRun(`file:${join(out, 'store')}`, data);
    const ended = await cryfold(['retry', run, ...ownStore(out), '--workers', '2', '--json']);
    assert.equal(ended.code, 3, ended.stderr);
    const failed = splits.filter(({ test }) => test.includes(0)).map(({ repeat, fold }) => `${repeat}/${fold}`);
    const { code, stdout } = await cryfold(['status', run, '--store', join(out, 'store'), '--json']);
    assert.equal(code, 3);
    const { failures, done } = JSON.parse(stdout);
    for (const trial of ['svm', 'linear']) {
      const own = failures.filter((failure: { trial: string }) => failure.trial === trial);
      assert.deepEqual(
        own.map(({ repeat, fold }: { repeat: number; fold: number }) => `${repeat}/${fold}`).sort(),
        failed,
      );
    }
    for (const { code, message } of failures) {
      assert.equal(code, 'SVM_ONE_CLASS');
      assert.doesNotMatch(message, /skipped because/);
    }
    assert.equal(done, 2 * (splits.length - failed.length));
  }
});
