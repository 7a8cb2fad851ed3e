import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sha256 } from '@cryfold/core';
import { repeatedKFold } from '@cryfold/evaluation';
import { type DatasetManifest, type FoldResult, parseSpec, planRun } from '@cryfold/plan';
import { createLogger, Endpoint } from '@cryfold/runtime';
import { openStore, RunStore } from '@cryfold/store';
import { RunFolds } from '../src/run-folds.js';
import { RunMetrics } from '../src/run-metrics.js';

const RUNS = 100;
const CLIPS = 20;
const SPEC = `
version: 1
name: evaluation-of-the-paper
estimators:
  small-cnn: { kind: small-cnn }
  tl-resnet50: { kind: tl-resnet50 }
  svm: { kind: svm }
fusion:
  combined: { members: [tl-resnet50, svm] }
`;

const hash = (text: string) => sha256(new TextEncoder().encode(text));
const manifest: DatasetManifest = {
  format: 1,
  name: 'chillanto',
  contentHash: hash('data'),
  grouped: true,
  classes: ['a', 'b'],
  clips: Array.from({ length: CLIPS }, (_, i) => ({ id: `${i}`, label: 'ab'[i % 2], group: `${i}` })),
};

function planOf(seed: number) {
  const spec = parseSpec(SPEC, 'spec.yaml');
  spec.seed = seed;
  return planRun({ spec, manifest, splits: repeatedKFold(CLIPS, { splits: 5, repeats: 10, seed }) });
}

let folder: string;
let store: RunStore;
let endpoint: Endpoint;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cryfold-metrics-'));
  store = new RunStore(openStore(`file:${folder}`));
  const log = createLogger('coordinator', 'silent');
  endpoint = await Endpoint.open({ role: 'coordinator', port: 0, host: '127.0.0.1', log });
});
after(async () => {
  await endpoint.close();
  await rm(folder, { recursive: true });
});

async function commit(key: string, epochs: number): Promise<void> {
  const result: FoldResult = {
    format: 1,
    key,
    attempt: '0-a',
    probabilities: { key: 'x', sha256: key },
    curve: Array.from({ length: epochs }, (_, i) => ({
      epoch: i + 1,
      loss: 1 / (i + 3),
      accuracy: 0.123456789,
      testLoss: 1 / (i + 7),
      testAccuracy: 0.987654321,
      seconds: 1,
    })),
    accuracy: 2 / 3,
    seconds: 123.45678,
    environment: {},
  };
  await store.folds.commit(result);
}

test('a scrape of a coordinator stays below 1 MB, even with all series for 100 runs of the paper', async (t) => {
  const metrics = new RunMetrics(endpoint.metrics, store);
  for (let run = 0; run < RUNS; run++) {
    const plan = planOf(run);
    const folds = new RunFolds(plan);
    metrics.begin(folds, Date.now());
    for (const { key, queue } of plan.jobs) {
      if (run >= RUNS - 10) await commit(key, queue === 'gpu' ? 10 : 0);
      folds.markActive(key, 0.5);
      folds.markDone(key, false);
    }
  }
  await metrics.refresh();
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const times: number[] = [];
  const cpu: number[] = [];
  let text = '';
  for (let i = 0; i < 7; i++) {
    // Wait until the figures of the previous scrape have expired.
    t.mock.timers.tick(250);
    const start = performance.now();
    const used = process.cpuUsage();
    text = await endpoint.metrics.text();
    times.push(performance.now() - start);
    const { user, system } = process.cpuUsage(used);
    cpu.push((user + system) / 1000);
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[3].toFixed(1);
  t.diagnostic(`${text.length} bytes, median ${median(times)} ms, ${median(cpu)} ms of processor time`);
  assert.ok(text.length < 1e6, `${text.length} bytes`);
  const series = (name: string) => text.split('\n').filter((line) => line.startsWith(`${name}{`)).length;
  assert.equal(series('cryfold_run_info'), RUNS);
  assert.equal(series('cryfold_run_fold_state'), 1500, 'the ten newest runs, fold by fold');
  assert.equal(series('cryfold_run_fold_accuracy_ratio'), 1500);
  assert.equal(series('cryfold_run_epoch_loss'), 10 * 2 * 10 * 2);
});

test('exports the metrics of a run for a quarter of an hour after the run has ended', async (t) => {
  const metrics = new RunMetrics(endpoint.metrics, store);
  const plan = planOf(1000);
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  metrics.begin(new RunFolds(plan), Date.now());
  const told = async () => {
    t.mock.timers.tick(1000);
    await metrics.refresh();
    return (await endpoint.metrics.text()).split('\n').filter((line) => line.includes(`run="${plan.run}"`));
  };
  assert.ok((await told()).some((line) => /^cryfold_run_info.*phase="folds"/.test(line)));
  await metrics.end(plan.run, 'cancelled');
  assert.ok((await told()).some((line) => /^cryfold_run_info.*phase="cancelled"/.test(line)));
  t.mock.timers.tick(14 * 60_000);
  assert.ok((await told()).length > 0);
  t.mock.timers.tick(60_000);
  assert.deepEqual(await told(), []);
});
