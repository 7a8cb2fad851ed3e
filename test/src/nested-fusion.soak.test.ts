import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import type { RunResults } from '@cryfold/evaluation';
import { findRedis } from './cluster.js';
import { cryfold, ownStore, temporaryFolder } from './command.js';

const redis = await findRedis();
const skip = redis === undefined && 'neither redis-server nor valkey-server is on PATH or in the cache';

const SPEC = `
version: 1
name: nested-fusion
protocol: { folds: 3, repeats: 1 }
estimators:
  rbf: { kind: svm }
  linear: { kind: svm, kernel: linear }
fusion:
  plain: { rule: stacked, members: [rbf, linear] }
  stack: { rule: stacked, members: [rbf, linear], nested: true }
`;
const SEARCH = `
search:
  algorithm: grid
  nested: { inner: 2 }
  space: { rbf: { C: { choice: [1, 1000] } } }
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (name: string) => join(folder.path, name);

before(async () => {
  folder = await temporaryFolder();
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
});
after(() => folder?.remove());

async function run(
  command: 'run' | 'sweep',
  spec: string,
): Promise<{ results: RunResults; plan: { jobs: unknown[] } }> {
  await writeFile(path(`${command}.yaml`), spec);
  const args = [path(`${command}.yaml`), '--data', path('corpus'), ...ownStore(path(command)), '--workers', '1'];
  const { code, stdout, stderr } = await cryfold([command, ...args, '--json']);
  assert.equal(code, 0, stderr);
  const results: RunResults = JSON.parse(stdout);
  const plan = await readFile(path(`${command}/store/runs/${results.run.id}/plan.json`), 'utf8');
  return { results, plan: JSON.parse(plan) };
}

function check({ status, models, missing }: RunResults): void {
  assert.deepEqual([status, missing], ['complete', []]);
  const found = Object.fromEntries(models.map(({ name, nested, folds }) => [name, [nested ?? false, folds.length]]));
  assert.deepEqual(found, { rbf: [false, 3], linear: [false, 3], plain: [false, 3], stack: [true, 3] });
  const [plain, stack] = ['plain', 'stack'].map((name) => models.find((model) => model.name === name)!);
  assert.notEqual(plain.logLoss!.mean, stack.logLoss!.mean, 'the two fusions learned from different predictions');
}

test('trains members of a nested stacked fusion in each fold, and calls only the plain fusion optimistic', {
  skip,
}, async () => {
  const { results, plan } = await run('run', SPEC);
  // Two estimators are trained in three outer folds, and in the four inner folds of each outer fold.
  assert.equal(plan.jobs.length, 2 * 3 + 2 * 3 * 4);
  check(results);
  const report = await cryfold(['report', path('run'), '--format', 'md']);
  assert.equal(report.code, 0, report.stderr);
  assert.match(report.stdout, /OPTIMISTIC: plain: stacking learns/);
  const { stdout } = await cryfold(['status', results.run.id, '--store', join(path('run'), 'store'), '--json']);
  assert.deepEqual(JSON.parse(stdout).trials.rbf, { total: 15, done: 15, failed: 0 });
  const compared = await cryfold([
    'compare',
    path('run'),
    path('run'),
    '--model',
    'plain,stack',
    '--metric',
    'logLoss',
    '--json',
  ]);
  const [plain, stack] = ['plain', 'stack'].map((name) => results.models.find((model) => model.name === name)!.pooled!);
  const { difference } = JSON.parse(compared.stdout).byGroup;
  assert.ok(Math.abs(difference - (stack.logLoss - plain.logLoss)) < 1e-12, 'compares the evaluated values');
});

test('fits a nested fusion in a nested sweep on the inner folds of each fold’s winner', { skip }, async () => {
  const { results } = await run('sweep', SPEC + SEARCH);
  check(results);
  assert.equal(results.search?.winners[0].inside.length, 3);
});
