import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { encodeNpy } from '@cryfold/core';
import { readDataset, synthesizeCorpus } from '@cryfold/corpus';
import type { RunResults } from '@cryfold/evaluation';
import { featuresKey, parseSpec, type Spec } from '@cryfold/plan';
import { HttpClient, HttpControl, HttpStore } from '@cryfold/run-control';
import { freePort } from '@cryfold/testing';
import { Cluster, findRedis } from './cluster.js';
import { cryfold, temporaryFolder, untilReady } from './command.js';
import { OPERATE, READ } from './start-service.js';
import { storeKind, type TestStore } from './stores.js';

const redis = await findRedis();
const kind = storeKind();
const skip = (redis === undefined && 'neither redis-server nor valkey-server is on PATH or in the cache') || kind.skip;

/** Predicts the first columns of the vectors as probabilities, since these columns encode the class. */
const PROGRAM = `
import { readFileSync, writeFileSync } from 'node:fs';
const fold = JSON.parse(readFileSync('fold.json', 'utf8'));
const file = readFileSync('test-features.npy');
const values = new Float32Array(file.buffer.slice(file.byteOffset + 10 + file.readUInt16LE(8), file.byteOffset + file.length));
const rows = Array.from({ length: fold.test }, (_, i) => {
  const own = fold.classes.map((_, c) => 0.1 + Math.max(0, values[i * fold.shape[0] + c]));
  const sum = own.reduce((a, b) => a + b);
  return own.map((value) => value / sum);
}).flat();
const text = ("{'descr': '<f8', 'fortran_order': False, 'shape': (" + fold.test + ", " + fold.classes.length + "), }").padEnd(117) + '\\n';
const prefix = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, text.length, 0]);
writeFileSync(fold.output, Buffer.concat([prefix, Buffer.from(text), Buffer.from(new Float64Array(rows).buffer)]));
`;

const SPEC = `
version: 1
name: given
features:
  images: { kind: spectrogram, height: 24, width: 24 }
  given: { kind: external, file: vectors/given.npy, clips: vectors/ids.csv }
protocol: { splitter: StratifiedKFold, folds: 3, repeats: 1 }
estimators:
  pixels: { kind: svm }
  vectors: { kind: svm, features: given }
  head: { kind: dense, features: given, epochs: 20, learningRate: 1e-2, dense: [16] }
  joint: { kind: two-branch, features: images, vectors: given, epochs: 4, learningRate: 1e-2, filters: [2, 2, 2] }
  own: { kind: command, features: given, run: [${JSON.stringify(process.execPath)}, train.mjs], files: [train.mjs] }
fusion:
  both: { members: [pixels, vectors] }
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let cluster: Cluster;
let bed: TestStore;
/** The environment of a laptop without Redis and without a store. */
let remote: Record<string, string>;
const path = (...names: string[]) => join(folder.path, ...names);

before(async () => {
  if (!redis || skip) return;
  folder = await temporaryFolder();
  cluster = await Cluster.start(folder.path, redis);
  const port = await freePort();
  bed = await kind.create(path('store'));
  cluster.run(
    {
      ...{ REDIS_URL: `redis://127.0.0.1:${cluster.redisPort}`, ...bed.environment },
      ...{ CRYFOLD_GRACE_SECONDS: '0', CRYFOLD_API_TOKENS: `read:${READ},operate:${OPERATE}` },
    },
    {
      coordinator: ['coordinator', '--api-port', String(port)],
      aggregator: ['aggregator'],
      worker: ['worker', '--allow-commands'],
    },
  );
  remote = { CRYFOLD_SERVER: `http://127.0.0.1:${port}`, CRYFOLD_API_TOKEN: OPERATE };
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 0 });
  await mkdir(path('spec', 'vectors'), { recursive: true });
  await writeFile(path('spec', 'spec.yaml'), SPEC);
  await writeFile(path('spec', 'train.mjs'), PROGRAM);
  await untilReady(remote.CRYFOLD_SERVER);
});
after(async () => {
  await cluster?.stop();
  await bed?.remove();
  await folder?.remove();
});

/** Writes one vector per recording, in reverse order: the class, one-hot encoded, and a column with a larger scale. */
async function writeVectors(of: string, change = 0): Promise<void> {
  const { clips, classes } = await readDataset(path('corpus'));
  const rows = [...clips].reverse();
  const data = Float32Array.from(
    rows.flatMap(({ label }, i) => [...classes.map((one) => (one === label ? 1 : 0)), 1000 * ((i * 7) % 11) + change]),
  );
  await writeFile(path(of, 'vectors', 'given.npy'), encodeNpy(data, [rows.length, classes.length + 1]));
  await writeFile(path(of, 'vectors', 'ids.csv'), `recording\n${rows.map(({ file }) => file).join('\n')}\n`);
}

const run = (spec: string, ...flags: string[]) =>
  cryfold(['run', path(spec, 'spec.yaml'), '--data', path('corpus'), '--json', ...flags], remote);

test('sends vectors from files to a server’s workers, with fold keys that depend on the vectors’ content', {
  skip,
}, async () => {
  await writeVectors('spec');
  const { code, stderr } = await run('spec', '--out', path('out'));
  assert.equal(code, 0, stderr);
  const results = JSON.parse(await readFile(path('out', 'results.json'), 'utf8')) as RunResults;
  const accuracy = new Map(results.models.map((one) => [one.name, one.accuracy?.mean]));
  assert.ok((accuracy.get('joint') ?? 0) > 0.6, `joint: ${accuracy.get('joint')}`);
  const found = ['vectors', 'head', 'own'].map((name) => accuracy.get(name));
  assert.deepEqual([found, accuracy.has('both')], [[1, 1, 1], true]);

  // Files with the same content count as the same features, even if their names differ.
  await cp(path('spec'), path('moved'), { recursive: true });
  const plan = async (spec: string) =>
    JSON.parse((await cryfold(['plan', path(spec, 'spec.yaml'), '--data', path('corpus'), '--json'], remote)).stdout);
  await writeFile(path('moved', 'spec.yaml'), SPEC.replace('vectors/given.npy', './vectors/given.npy'));
  const moved = await plan('moved');
  assert.deepEqual([moved.inStore, moved.folds ?? 15], [15, 15]);
  await writeVectors('moved', 1);
  assert.equal((await plan('moved')).inStore, 3, 'only folds on images are reused');

  const final = await cryfold(['train-final', results.run.id, '--of', 'joint', '--name', 'given', '--json'], remote);
  assert.equal(final.code, 0, final.stderr);
  const [clip] = (await readDataset(path('corpus'))).clips;
  const predicted = await cryfold(
    ['predict', `given@${JSON.parse(final.stdout).card.version}`, path('corpus', clip.file)],
    remote,
  );
  assert.equal(predicted.code, 2);
  assert.match(predicted.stderr, /FEATURES_EXTERNAL: .*cannot compute vectors for new recordings/);
});

test('refuses a spec whose vectors were not uploaded to the server', { skip }, async () => {
  const client = new HttpClient({ url: remote.CRYFOLD_SERVER, token: OPERATE });
  const { contentHash } = await readDataset(path('corpus'));
  const spec = parseSpec(SPEC.replace(/ {2}own: .*/, ''), 'spec.yaml');
  await assert.rejects(new HttpControl(client).submit(spec, contentHash), {
    code: 'SPEC_INVALID',
    message: /a submitted spec must reference vectors by content hash/,
  });
  // This spec contains a hash that differs from that of the uploaded vectors.
  const features = { kind: 'external', file: 'a', clips: 'b', columns: 2, sha256: 'a'.repeat(64) } as const;
  const { featureSets: _, ...one } = { ...spec, features: { ...features, clipSeconds: 1 } };
  const vectors = { ...spec.estimators.vectors, features: undefined } as never;
  const lying = { ...one, estimators: { vectors }, fusion: {} } as Spec;
  const key = `features/${featuresKey(lying.features, contentHash)}/vectors.npy`;
  const body = encodeNpy(new Float32Array(120), [60, 2]);
  await new HttpStore(client).put(key, body);
  await assert.rejects(new HttpControl(client).submit(lying, contentHash), { code: 'ARTIFACT_CORRUPT' });
});

test('retrain refuses vectors from files before reading them or the data', async (t) => {
  const own = await temporaryFolder();
  t.after(() => own.remove());
  const spec = join(own.path, 'spec.yaml');
  await writeFile(spec, SPEC);
  const args = ['retrain', spec, '--of', 'both', '--data', join(own.path, 'none'), '--model', 'given'];
  const { code, stderr } = await cryfold([...args, '--store', join(own.path, 'store')]);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /FEATURES_EXTERNAL: both reads external vectors/);
});

test('exits before starting anything if the vectors do not match the data', { skip }, async () => {
  await writeVectors('spec');
  await writeFile(path('spec', 'vectors', 'ids.csv'), 'recording\nnobody.wav\n');
  const { code, stderr } = await run('spec');
  assert.equal(code, 10, stderr);
  assert.match(stderr, /FEATURES_INVALID: .*ids\.csv: 1 ids, but .*given\.npy has 60 rows/);
});
