import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { synthesizeCorpus } from '@cryfold/corpus';
import { parseSpec } from '@cryfold/plan';
import { openStore, RunStore } from '@cryfold/store';
import { type PrepareOptions, prepareRun, publish } from '../src/prepare-run.js';
import { weightsSources } from '../src/spec-weights.js';

const folder = await mkdtemp(join(tmpdir(), 'cryfold-prepare-'));
after(() => rm(folder, { recursive: true, force: true }));
const store = new RunStore(openStore(`file:${join(folder, 'store')}`));
const data = join(folder, 'corpus');
await synthesizeCorpus(data, { clips: 25, seed: 1 });

const spec = parseSpec(
  'version: 1\nname: small\nprotocol: { folds: 3, repeats: 2 }\nestimators: { svm: { kind: svm } }',
  'spec.yaml',
);

function options(changed: Partial<PrepareOptions> = {}): PrepareOptions {
  return {
    ...{
      spec,
      data,
      skipBad: false,
      groupDuplicates: false,
      sources: weightsSources(store, folder),
      onProgress: () => {},
    },
    ...{ checkLeaks: () => [], ...changed },
  };
}

test('plans a run without writing, and asks the leak gate about its folds', async () => {
  const asked: number[] = [];
  const { plan, leaks } = await prepareRun(
    options({
      checkLeaks: (dataset, splits) => {
        asked.push(dataset.clips.length, splits.length);
        return ['two clips are the same sound'];
      },
    }),
  );
  assert.deepEqual(asked, [25, 6]);
  assert.deepEqual(leaks, ['two clips are the same sound']);
  assert.equal(plan.jobs.length, 6);
  assert.deepEqual(await readdir(folder), ['corpus'], 'there is no store yet');
});

test('sounds that an earlier command compared are not compared again', async () => {
  const { sounds, dataset } = await prepareRun(options());
  const asked: string[] = [];
  const known = [[0, 7]];
  const again = await prepareRun(
    options({
      knownSounds: async (contentHash) => {
        asked.push(contentHash);
        return known;
      },
      checkLeaks: (_dataset, _splits, given) => {
        assert.deepEqual(given, known);
        return [];
      },
    }),
  );
  assert.deepEqual([asked, again.sounds], [[dataset.contentHash], known]);
  const unknown = await prepareRun(options({ knownSounds: async () => undefined }));
  assert.deepEqual(unknown.sounds, sounds);
});

test('a leak that the gate refuses, and too few clips, end the preparation', async () => {
  const leak = new CryfoldError('LEAK_FOUND', 'a group is in train and test');
  await assert.rejects(
    prepareRun(
      options({
        checkLeaks: () => {
          throw leak;
        },
      }),
    ),
    leak,
  );
  await assert.rejects(prepareRun(options({ limit: 2 })), { code: 'DATA_TOO_FEW' });
});

test('a published run has its inputs in the store, and publishing it again computes nothing', async () => {
  const preparation = await prepareRun(options());
  const said: string[] = [];
  await publish(store, preparation, (text) => said.push(text));
  assert.match(said.at(-1) ?? '', /^computing spectrogram features 25\/25$/);
  assert.deepEqual((await store.runs.plan(preparation.plan.run)).plan.jobs, preparation.plan.jobs);
  assert.deepEqual(await store.datasets.manifest(preparation.plan.dataset.key), preparation.manifest);
  said.length = 0;
  await publish(store, preparation, (text) => said.push(text));
  assert.deepEqual(said, []);
});

test('a run that a server plans is submitted after its inputs, and its plan is not written here', async () => {
  const preparation = await prepareRun(options({ spec: { ...spec, name: 'elsewhere' } }));
  const { plan } = preparation;
  let there: unknown;
  await publish(
    store,
    preparation,
    () => {},
    async () => {
      there = await store.datasets.manifest(plan.dataset.key);
    },
  );
  assert.deepEqual(there, preparation.manifest);
  assert.deepEqual(
    (await store.runs.ids()).filter((run) => run === plan.run),
    [],
  );
});
