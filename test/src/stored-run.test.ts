import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '@cryfold/core';
import { synthesizeCorpus } from '@cryfold/corpus';
import { cryfold, logLines, ownStore, ROOT, temporaryFolder } from './command.js';
import { withoutRedis } from './testbed.js';

const GOLDENS = join(ROOT, 'test', 'goldens');

/** SHA-256 of the out-of-fold.csv that commit 9364da0 wrote for this store. */
const OUT_OF_FOLD = 'cc663f0b1b1b56c4eb150992892bac415b867bbf47b46c4943bec5de408eaf11';

/** The results.json that commit 9364da0 wrote for this store. */
const RESULTS = 'results-9364da0.json';

/**
 * Fields that have been added or are computed differently since format 2. All other fields must have the same bytes as
 * in the results of that commit.
 */
const CHANGED = new Set(['format', 'intervals', 'comparisons', 'leaks', 'groupSource', 'cryfold', 'audit']);
const without = (value: unknown, names: ReadonlySet<string>): unknown =>
  JSON.parse(JSON.stringify(value, (key, member) => (names.has(key) ? undefined : member)));

/** Metrics that were added to baselines later. At that commit, the only metric of baselines was the accuracy. */
const ADDED = new Set(['balancedAccuracy', 'macroF1', 'logLoss']);

/** Removes the changed fields, and the label of the protocol, which now mentions groups. */
function unchanged(text: string): string {
  const { baselines, protocol, ...figures } = JSON.parse(text);
  const same = { ...figures, protocol: { ...protocol, label: '' }, baselines: without(baselines, ADDED) };
  return JSON.stringify(without(same, CHANGED));
}

test('reuses a store written by commit 9364da0: trains nothing, and writes the same bytes', {
  skip: withoutRedis,
}, async (t) => {
  const folder = await temporaryFolder();
  t.after(folder.remove);
  const path = (...parts: string[]) => join(folder.path, ...parts);
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
  await mkdir(path('out', 'store'), { recursive: true });
  // The archive contains folds, plan and manifest. Images and everything derived from them are computed again.
  execFileSync('tar', ['xzf', join(GOLDENS, 'store-9364da0.tgz'), '-C', path('out', 'store')]);
  const { code, stderr } = await cryfold([
    'run',
    join(GOLDENS, 'stored.yaml'),
    '--data',
    path('corpus'),
    ...ownStore(path('out')),
  ]);
  assert.equal(code, 0, stderr);
  const trained = (await logLines(path('out'))).filter(({ msg }) => msg === 'fold started');
  assert.deepEqual(trained, []);
  const now = await readFile(path('out', 'results.json'), 'utf8');
  assert.equal(unchanged(now), unchanged(await readFile(join(GOLDENS, RESULTS), 'utf8')));
  const { leaks } = JSON.parse(now);
  assert.deepEqual([leaks.sounds, leaks.groups], [0, 0], 'that commit did not search for leaks');
  assert.equal(sha256(await readFile(path('out', 'out-of-fold.csv'))), OUT_OF_FOLD);
});
