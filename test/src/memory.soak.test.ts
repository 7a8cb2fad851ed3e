import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { cryfold, ownStore, temporaryFolder } from './command.js';
import { withoutRedis } from './testbed.js';

const skip = process.platform === 'linux' ? withoutRedis : 'only Linux limits the memory of a process';

// The first convolution produces 30 x 198 x 398 x 128 numbers, which take 1.2 GB.
const SPEC = `
version: 1
name: large
features: { height: 200, width: 400 }
protocol: { folds: 2, repeats: 1 }
estimators:
  large: { kind: small-cnn, epochs: 1, filters: [128, 1, 1], dense: [2] }
  svm: { kind: svm }
`;

test('folds that need too much memory fail with OUT_OF_MEMORY after two attempts, and the others finish', {
  skip,
}, async (t) => {
  const folder = await temporaryFolder();
  t.after(folder.remove);
  const path = (name: string) => join(folder.path, name);
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
  await writeFile(path('spec.yaml'), SPEC);
  const args = ['run', path('spec.yaml'), '--data', path('corpus'), ...ownStore(path('out')), '--workers', '1'];
  const { code, stderr } = await cryfold(args, { CRYFOLD_CHILD_MEMORY_MB: '512' });
  assert.equal(code, 3, stderr);
  const { run, missing } = JSON.parse(await readFile(path('out/results.json'), 'utf8'));
  const codes = missing.map((fold: { model: string; code: string }) => `${fold.model} ${fold.code}`);
  assert.deepEqual(codes, ['large OUT_OF_MEMORY', 'large OUT_OF_MEMORY']);
  const log = await readFile(path(`out/store/runs/${run.id}/logs/worker-0.log`), 'utf8');
  assert.equal(log.split(' warn  attempt failed  large/').length - 1, 4, 'two folds had two attempts each');
  assert.match(log, /it used \d+ MiB of memory; the limit is 512 MiB/);
});
