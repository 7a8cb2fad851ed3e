import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
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
      allowLeak: false,
      sources: weightsSources(store, folder),
      onProgress: () => {},
    },
    ...changed,
  };
}

/** Two clips from different groups. An earlier command found that they contain the same sound. */
const known = [[0, 7]];

test('plans a run without writing anything, and warns about the same sound on both sides of a split', async () => {
  const { plan, leaks } = await prepareRun(options({ knownSounds: async () => known }));
  const [same] = leaks.filter((line) => !/^class .* has no /.test(line));
  assert.match(same, /^same sound in both train and test of [1-4] of 6 splits: /);
  assert.equal(plan.jobs.length, 6);
  assert.deepEqual(await readdir(folder), ['corpus'], 'no store exists yet');
});

test('reuses sound comparisons of an earlier command', async () => {
  const { sounds, dataset } = await prepareRun(options());
  const asked: string[] = [];
  const again = await prepareRun(
    options({
      knownSounds: async (contentHash) => {
        asked.push(contentHash);
        return known;
      },
    }),
  );
  assert.deepEqual([asked, again.sounds], [[dataset.contentHash], known]);
  const unknown = await prepareRun(options({ knownSounds: async () => undefined }));
  assert.deepEqual(unknown.sounds, sounds);
});

test('refuses too few clips, and leaks in grouped folds unless they are allowed', async () => {
  const grouped = { ...spec, protocol: { ...spec.protocol, splitter: 'StratifiedGroupKFold' as const } };
  const leaky = { spec: grouped, knownSounds: async () => known };
  await assert.rejects(prepareRun(options(leaky)), { code: 'LEAK_FOUND' });
  const { leaks } = await prepareRun(options({ ...leaky, allowLeak: true }));
  assert.match(leaks[0], /^allowed: grouped folds were requested/);
  await assert.rejects(prepareRun(options({ limit: 2 })), { code: 'DATA_TOO_FEW' });
});

test('saves all inputs when publishing a run, and computes nothing when publishing it again', async () => {
  const preparation = await prepareRun(options());
  const messages: string[] = [];
  await publish(store, preparation, (text) => messages.push(text));
  assert.match(messages.at(-1) ?? '', /^computing spectrogram features 25\/25$/);
  assert.deepEqual((await store.runs.plan(preparation.plan.run)).plan.jobs, preparation.plan.jobs);
  assert.deepEqual(await store.datasets.manifest(preparation.plan.dataset.key), preparation.manifest);
  messages.length = 0;
  await publish(store, preparation, (text) => messages.push(text));
  assert.deepEqual(messages, []);
});

test('uploads the inputs of a run before submitting it to a server, without writing its plan', async () => {
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

test('refuses external vectors with --test-on before reading the data', async () => {
  const external = parseSpec(
    `version: 1
name: given
features: { images: { kind: spectrogram }, given: { kind: external, file: v.npy, clips: v.csv } }
protocol: { splitter: PredefinedSplit }
estimators: { svm: { kind: svm, features: given } }`,
    'spec.yaml',
  );
  const absent = join(folder, 'absent');
  await assert.rejects(prepareRun(options({ spec: external, data: absent, testOn: absent })), {
    code: 'USAGE',
    message: /--test-on: .*kind: external/,
  });
});
