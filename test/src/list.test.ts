import assert from 'node:assert/strict';
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { aggregate } from '@cryfold/aggregator';
import { VERSION } from '@cryfold/core';
import { synthesizeCorpus } from '@cryfold/corpus';
import type { RunStatus } from '@cryfold/run-control';
import { openStore, RunStore } from '@cryfold/store';
import { cryfold, temporaryFolder } from './command.js';
import { writeRandomRun } from './random-run.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);
const ids = { weak: '', strong: '', planned: '' };

before(async () => {
  folder = await temporaryFolder();
  const artifacts = openStore(`file:${path('store')}`);
  const write = async (name: string, lean: number, planOnly = false) => {
    const leans = { 'small-cnn': lean, 'tl-resnet50': lean, svm: lean };
    const { run, dataset } = await writeRandomRun(artifacts, { clips: 60, repeats: 1, name, lean: leans, planOnly });
    const store = new RunStore(artifacts);
    // Results only list the groups that are in both training and test sets if the sounds have been compared.
    await store.datasets.saveSharedSounds(dataset.key, []);
    if (!planOnly) await aggregate(store, run);
    return run;
  };
  ids.strong = await write('strong', 4);
  ids.weak = await write('weak', 0);
  ids.planned = await write('planned', 0, true);
  // Set the times explicitly, because plans that are written within one tick of the file system's clock could not be
  // ordered.
  const days = { strong: '2026-01-01T00:00Z', weak: '2026-01-02T00:00Z', planned: '2026-01-03T00:00Z' } as const;
  for (const [name, day] of Object.entries(days)) {
    const run = path('store', 'runs', ids[name as keyof typeof ids]);
    for (const file of (await readdir(run)).filter((one) => one.endsWith('.json'))) {
      await utimes(join(run, file), new Date(day), new Date(day));
    }
  }
  await artifacts.close();
});
after(() => folder.remove());

const list = (...flags: string[]) => cryfold(['list', '--store', path('store'), ...flags]);
const runsOf = async (...flags: string[]): Promise<RunStatus[]> => JSON.parse((await list(...flags, '--json')).stdout);

test('list shows the date, dataset, protocol, score and version of each run, newest first', async () => {
  const runs = await runsOf();
  assert.deepEqual(
    runs.map(({ run }) => run),
    [ids.planned, ids.weak, ids.strong],
  );
  const [planned, , strong] = runs;
  assert.deepEqual(
    [planned.created, planned.ended, planned.score, planned.version],
    ['2026-01-03T00:00:00.000Z', null, null, null],
  );
  assert.deepEqual(strong.protocol, { name: 'paper-folds', splitter: 'RepeatedKFold', repeats: 1, folds: 5 });
  assert.deepEqual(
    [strong.ended, strong.metric, strong.version, strong.score?.model !== undefined],
    ['2026-01-01T00:00:00.000Z', 'accuracy', VERSION, true],
  );
  const { stdout } = await list();
  const percent = `${(100 * (strong.score?.mean ?? 0)).toFixed(2)} %`;
  const line = stdout.split('\n').find((one) => one.startsWith(ids.strong)) ?? '';
  assert.equal(strong.score?.inflated, true);
  const score = `accuracy ${percent} (${strong.score.model}), inflated by leaks`;
  const wanted = ['complete', '15/15 folds', '2026-01-01T00:00', strong.dataset ?? '?', 'paper-folds 1x5', score];
  for (const text of [...wanted, VERSION]) assert.ok(line.includes(text), `${text}: ${line}`);
  assert.equal(line.indexOf('2026'), stdout.split('\n')[0].indexOf('date'), 'columns are aligned with their headers');
});

test('list --sort score lists the best run first and runs without a score last', async () => {
  assert.deepEqual(
    (await runsOf('--sort', 'score')).map(({ run }) => run),
    [ids.strong, ids.weak, ids.planned],
  );
  const refused = await list('--sort', 'colour');
  assert.deepEqual([refused.code, /date, score, dataset/.test(refused.stderr)], [2, true]);
});

test('data inspect shows when recordings were changed and which protocols the data allows', async () => {
  await synthesizeCorpus(path('corpus'), { clips: 30, seed: 1 });
  const files = (await readdir(path('corpus'), { recursive: true })).filter((file) => file.endsWith('.wav'));
  for (const [i, file] of files.entries()) {
    const date = new Date(`2025-0${i === 0 ? 1 : 2}-01T10:00Z`);
    await utimes(path('corpus', file), date, date);
  }
  const shown = await cryfold(['data', 'inspect', path('corpus')]);
  assert.match(shown.stdout, /^recordings last changed: 2025-01-01T10:00 to 2025-02-01T10:00$/m);
  assert.match(shown.stdout, /^protocols: paper, grouped, logo$/m);
  const { changed, protocols } = JSON.parse((await cryfold(['data', 'inspect', path('corpus'), '--json'])).stdout);
  assert.deepEqual(changed, { first: '2025-01-01T10:00:00.000Z', last: '2025-02-01T10:00:00.000Z' });
  assert.deepEqual(protocols, ['paper', 'grouped', 'logo']);
});
