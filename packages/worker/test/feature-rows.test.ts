import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '@cryfold/core';
import { openStore, RunStore } from '@cryfold/store';
import type { Task } from '../src/messages.js';
import { TaskRunner } from '../src/task-runner.js';

test('rejects features that have fewer rows than the dataset has clips', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-rows-'));
  t.after(() => rm(folder, { recursive: true }));
  const store = new RunStore(openStore(`file:${folder}`));
  const dataset = sha256('small');
  await store.datasets.saveManifest({
    ...{ format: 1, name: 'small', contentHash: dataset, grouped: true, classes: ['a', 'b'] },
    clips: Array.from({ length: 6 }, (_, i) => ({ id: `${i}`, label: 'ab'[i % 2], group: `${i}` })),
  });
  const features = sha256('features');
  await store.datasets.saveFeatures(features, { shape: [5, 2], data: new Float32Array(10) });
  const task: Task = {
    ...{ kind: 'prepare', storeUrl: `file:${folder}`, dataset, features, cacheDir: folder },
    ...{ artifact: 'gram', estimator: { kind: 'svm' } as never },
  };
  const observer = { onProgress: () => {}, onEpoch: () => {} };
  await assert.rejects(new TaskRunner({ threads: 1 }).run(task, store, observer), {
    code: 'ARTIFACT_CORRUPT',
    message: /features\/[0-9a-f]+: 5 rows, but the dataset has 6 clips/,
  });
});
