import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Random } from '@cryfold/core';
import { estimatorSchema } from '@cryfold/estimators';
import type { DatasetManifest } from '@cryfold/plan';
import { openStore, RunStore } from '@cryfold/store';
import { type StartReason, WarmChild } from '../src/warm-child.js';

// oneDNN's convolutions do not check whether allocations failed, and crash with SIGSEGV. TensorFlow's own convolutions
// report an error.
process.env.TF_ENABLE_ONEDNN_OPTS = '0';

const root = await mkdtemp(join(tmpdir(), 'cryfold-child-'));
after(() => rm(root, { recursive: true }));

const storeUrl = `file:${join(root, 'store')}`;
const [dataset, features] = ['a'.repeat(64), 'b'.repeat(64)];
const HUGE = { height: 400, width: 800 };

/** Writes a manifest of eight clips in two classes, and two feature sets for it: small images and huge ones. */
async function writeData(): Promise<void> {
  const { datasets } = new RunStore(openStore(storeUrl));
  const random = new Random(1);
  const clips = Array.from({ length: 8 }, (_, i) => ({ id: `${i}`, label: `${i % 2}`, group: `${i}` }));
  const manifest: DatasetManifest = {
    format: 1,
    name: 'data',
    contentHash: dataset,
    grouped: false,
    classes: ['0', '1'],
    clips,
  };
  await datasets.saveManifest(manifest);
  for (const [key, { height, width }] of [
    [features, { height: 30, width: 30 }],
    [`huge${features.slice(4)}`, HUGE],
  ] as const) {
    const images = Uint8Array.from({ length: 8 * height * width * 3 }, () => random.below(256));
    await datasets.saveFeatures(key, { data: images, shape: [8, height, width, 3] });
  }
}

await writeData();

const task = (own: { features?: string; filters?: number[] } = {}) => ({
  kind: 'fold' as const,
  ...{ storeUrl, dataset, features: own.features ?? features },
  estimator: estimatorSchema.parse({ kind: 'small-cnn', epochs: 1, filters: own.filters ?? [2, 2, 2], dense: [2] }),
  ...{ train: [0, 1, 2, 3, 4, 5], test: [6, 7], seed: 1, grouped: false, shuffled: false },
  ...{ prerequisite: undefined, checkpoint: undefined, model: undefined, cacheDir: root },
});

/**
 * With this memory limit, BoundedChild limits a child's address space to 5 GiB, so no test uses more even if the kernel
 * overcommits.
 */
const settings = { engine: 'nn' as const, threads: 1, xla: false, maxMemoryMb: 2048 };

test('replaces a child that ran out of memory or has other settings, and pins a GPU', async (t) => {
  const starts: StartReason[] = [];
  const child = new WarmChild({ started: (reason) => starts.push(reason), used: () => {}, ended: () => {} }, '7');
  t.after(() => child.stop());
  const run = (own?: Parameters<typeof task>[0], changed = {}) =>
    child.run({ ...settings, ...changed }, task(own), { signal: new AbortController().signal });

  const first = await run();
  assert.equal(first?.environment.gpu, '7');
  // The output of the first convolution consists of 6 x 398 x 798 x 20,000 float32 numbers, which take 152 GB.
  await assert.rejects(run({ features: `huge${features.slice(4)}`, filters: [20_000, 1, 1] }), {
    code: 'OUT_OF_MEMORY',
    failure: 'crash',
    message: /OOM when allocating tensor with shape\[6,\d+,\d+,20000\]/,
    hint: /Lower batchSize/,
  });
  assert.deepEqual(starts, ['first']);
  const again = await run();
  assert.deepEqual(again?.probabilities, first?.probabilities);
  assert.deepEqual(starts, ['first', 'memory']);

  const compiled = await run({}, { xla: true });
  assert.deepEqual(starts, ['first', 'memory', 'threads']);
  assert.equal(compiled?.environment.xla, 'auto-jit');
  compiled?.probabilities.data.forEach((p, i) => {
    assert.ok(Math.abs(p - (first?.probabilities.data[i] ?? 0)) < 1e-3, `${p}`);
  });
});

test('fails a fold above its memory limit with OUT_OF_MEMORY', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const child = new WarmChild();
  t.after(() => child.stop());
  // The output of the first convolution alone takes 762 MB.
  const large = task({ features: `huge${features.slice(4)}`, filters: [100, 1, 1] });
  const running = child.run({ ...settings, maxMemoryMb: 512 }, large, { signal: new AbortController().signal });
  await assert.rejects(running, {
    code: 'OUT_OF_MEMORY',
    failure: 'crash',
    message: /it used \d+ MiB of memory; the limit is 512 MiB/,
    hint: /batchSize.*CRYFOLD_CHILD_MEMORY_MB/,
  });
});

test('stop() waits for processes that an abort has killed', async () => {
  let ended = 0;
  const child = new WarmChild({ started: () => {}, used: () => {}, ended: () => ended++ });
  const stop = new AbortController();
  const run = child.run(settings, task(), { signal: stop.signal });
  stop.abort();
  await assert.rejects(run, { code: 'CANCELLED' });
  await child.stop();
  assert.equal(ended, 1);
});
