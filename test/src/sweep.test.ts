import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import type { RunResults } from '@cryfold/evaluation';
import { findRedis } from './cluster.js';
import { cryfold, descendants, ownStore, PROGRAM, temporaryFolder, until } from './command.js';

const redis = await findRedis();
const skip = redis === undefined && 'neither redis-server nor valkey-server is on PATH or in the cache';

// Trials run one at a time, so that TPE's input does not depend on which of two trials finishes first.
const SWEEP = `
version: 1
name: sweep
protocol: { folds: 3, repeats: 1 }
estimators:
  svm: { kind: svm }
search:
  algorithm: tpe
  trials: 14
  parallel: 1
  space:
    svm:
      kernel: { choice: [rbf, linear] }
      C: { log: [0.1, 10000] }
      gamma: { log: [1e-5, 1e-1], when: { kernel: rbf } }
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (name: string) => join(folder.path, name);

before(async () => {
  folder = await temporaryFolder();
  await writeFile(path('sweep.yaml'), SWEEP);
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
});
after(() => folder?.remove());

const args = (out: string) => [
  'sweep',
  path('sweep.yaml'),
  '--data',
  path('corpus'),
  ...ownStore(path(out)),
  '--workers',
  '1',
];

/** Returns the content of all search records and committed folds, by name. */
async function records(out: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const store = path(join(out, 'store'));
  for (const name of await readdir(store, { recursive: true }).catch(() => [])) {
    if (!/\/search\/\d+\.json$|result\.json$/.test(name)) continue;
    found.set(name, await readFile(join(store, name), 'utf8'));
  }
  return found;
}

async function sweep(out: string): Promise<RunResults> {
  const { code, stdout, stderr } = await cryfold([...args(out), '--json']);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test('continues a sweep identically after all of its processes were killed', { skip }, async (t) => {
  const undisturbed = await sweep('whole');
  // The command has its own process group, so it dies together with the coordinator, aggregator, worker and training
  // child. Redis is in another group, so it must be killed separately.
  const { REDIS_URL: _redis, CRYFOLD_STORE: _store, ...env } = process.env;
  const killed = spawn(process.execPath, [PROGRAM, ...args('killed')], { env, stdio: 'ignore', detached: true });
  const ended = new Promise((resolve) => killed.once('exit', resolve));
  const folds = async () => [...(await records('killed')).keys()].filter((name) => name.endsWith('result.json')).length;
  await until('20 folds', async () => killed.exitCode !== null || (await folds()) >= 20, 120);
  assert.equal(killed.exitCode, null, 'the sweep finished before it could be killed');
  const server = descendants(killed.pid!).find(({ command }) => command.includes('unixsocket'));
  assert.ok(server, 'there is no Redis');
  process.kill(-killed.pid!, 'SIGKILL');
  try {
    process.kill(server.pid, 'SIGKILL');
  } catch (error) {
    // Redis may already have exited, if the kernel kills it together with its keeper.
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
  }
  await ended;
  const [, socket] = /unixsocket[: ](\S+)/.exec(server.command) ?? assert.fail(server.command);
  await rm(dirname(socket), { recursive: true, force: true });
  const before = await records('killed');
  t.diagnostic(`killed after ${await folds()} folds`);

  const resumed = await sweep('killed');
  const after = await records('killed');
  for (const [name, bytes] of before) assert.equal(after.get(name), bytes, `${name} was written again`);
  assert.equal(resumed.search?.trials.length, 14);
  assert.deepEqual(resumed.search, undisturbed.search);
  assert.deepEqual(resumed.models, undisturbed.models);
});

test('plan counts a sweep’s stored folds, estimates its hours, and starts nothing', { skip }, async () => {
  const plan = async (out: string, ...more: string[]) => {
    // A separate cache, so that measurements of this machine by other sweeps are ignored.
    const environment = { CRYFOLD_CACHE: path('cache') };
    const { code, stdout, stderr } = await cryfold(['plan', ...args(out).slice(1), ...more, '--json'], environment);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };
  const done = await plan('whole', '--cpu-hour-price', '0.5');
  assert.deepEqual([done.trials, done.folds, done.inStore, done.cpuHours, done.cost], [14, 42, 42, 0, 0]);
  const fresh = await plan('nowhere', '--cpu-hour-price', '0.5');
  assert.deepEqual([fresh.run, fresh.folds, fresh.inStore], [done.run, 42, 0]);
  assert.deepEqual([fresh.estimators[0].basis, fresh.estimators[0].history], ['typical', 0]);
  await assert.rejects(stat(path('nowhere')), 'plan wrote something');
  const more = await plan('whole', '--repeats', '2', '--cpu-hour-price', '0.5');
  assert.equal(more.folds, 84);
  assert.ok(more.cpuHours > 0 && Math.abs(more.cost - 0.5 * more.cpuHours) < 1e-12);
});

test('status shows the trials of a sweep, best first', { skip }, async () => {
  const [run] = await readdir(path('whole/store/runs'));
  const { code, stdout } = await cryfold(['status', run, '--store', path(join('whole', 'store')), '--json']);
  assert.equal(code, 0);
  const means = JSON.parse(stdout).search.trials.map(({ mean }: { mean: number }) => mean);
  assert.deepEqual(
    means,
    means.toSorted((a: number, b: number) => b - a),
  );
  assert.equal(means.length, 14);
  const { importance } = JSON.parse(stdout).search;
  assert.deepEqual(Object.keys(importance), ['svm']);
  const text = await cryfold(['status', run, '--store', path(join('whole', 'store'))]);
  for (const { name, share, trials } of importance.svm) {
    assert.equal(share === null, trials < 10, `${name}: ${share} of ${trials}`);
    const shown = share === null ? 'too few trials' : `${Math.round(100 * share)} %`;
    assert.match(text.stdout, new RegExp(`^svm: ${name} +${shown} +${trials}$`, 'm'));
  }
  assert.ok(importance.svm.some(({ share }: { share: number | null }) => share !== null));
});

test('states in the report of a sweep that its metrics are optimistic, and by how much', { skip }, async () => {
  const { code, stdout } = await cryfold(['report', path('whole'), '--format', 'md']);
  assert.equal(code, 0);
  assert.match(stdout, /OPTIMISTIC: svm/);
  assert.match(stdout, /was selected among 14 trials .* corrected for the selection/);
});

test('shows the metric and the folds per trial of an asha sweep in the table, status and report', {
  skip,
}, async () => {
  const asha = `search: { algorithm: asha, trials: 4, parallel: 1, asha: { eta: 2 }, space: { svm: { C: { log: [0.1, 100] } } } }\n`;
  await writeFile(path('asha.yaml'), SWEEP.slice(0, SWEEP.indexOf('search:')) + asha);
  const out = [...ownStore(path('asha')), '--workers', '1'];
  const common = ['--data', path('corpus'), ...out, '--metric', 'balancedAccuracy'];
  const { code, stdout, stderr } = await cryfold(['sweep', path('asha.yaml'), ...common]);
  assert.equal(code, 0, stderr);
  const trials = stdout.slice(stdout.indexOf('Search (asha, by balanced accuracy)')).split('\n').slice(1, 6);
  assert.match(trials[0], /^trial +state +folds +balanced accuracy +95 % interval +parameters$/);
  assert.match(trials[1], /^svm-00\d +COMPLETE +3\/3 +\d/);
  for (const line of trials.slice(2)) assert.match(line, /^svm-00\d +(PRUNED|COMPLETE) +[123]\/3 +\d/);
  assert.match(stdout, /selected among 4 trials .*by its mean balanced accuracy/);
  assert.match(stdout, /^The highest mean balanced accuracy is /m);

  const [run] = await readdir(path('asha/store/runs'));
  const status = await cryfold(['status', run, '--store', path('asha/store')]);
  assert.deepEqual(status.stdout.split('\n').slice(1, 6), trials);
  const page = await readFile(path('asha/report.html'), 'utf8');
  assert.match(page, /balanced accuracy/);
});

test('refuses to sweep a spec without a search section', async () => {
  await writeFile(path('plain.yaml'), SWEEP.slice(0, SWEEP.indexOf('search:')));
  const { code, stderr } = await cryfold(['sweep', path('plain.yaml'), '--data', path('corpus')]);
  assert.equal(code, 2);
  assert.match(stderr, /no search section/);
});

test('keeps groups together in nested inner folds, and reports the metrics of the inner winners', {
  skip,
}, async () => {
  const nested = `${SWEEP.slice(0, SWEEP.indexOf('search:')).replace('repeats: 1', 'repeats: 1, splitter: StratifiedGroupKFold')}search:
  algorithm: grid
  nested: { inner: 2 }
  space: { svm: { C: { log: [0.1, 1000], steps: 2 }, kernel: { choice: [rbf, linear] } } }
`;
  await writeFile(path('nested.yaml'), nested);
  const { code, stdout, stderr } = await cryfold([
    ...['sweep', path('nested.yaml'), '--data', path('corpus'), ...ownStore(path('nested'))],
    ...['--workers', '1', '--allow-leak', '--json'],
  ]);
  assert.equal(code, 0, stderr);
  const { search, run, models, dataset }: RunResults = JSON.parse(stdout);
  const store = path('nested/store');
  const plan = JSON.parse(await readFile(join(store, `runs/${run.id}/plan.json`), 'utf8'));
  const manifest = JSON.parse(await readFile(join(store, `datasets/${dataset.contentHash}/manifest.json`), 'utf8'));
  const groups = (rows: number[]) => new Set(rows.map((row) => manifest.clips[row].group));
  const inner = plan.splits.filter(({ outer }: { outer?: number }) => outer !== undefined);
  assert.equal(inner.length, 6);
  for (const { outer, train, test: tested } of inner) {
    assert.deepEqual([...train, ...tested].sort(), [...plan.splits[outer].train].sort());
    assert.ok([...groups(train)].every((g) => !groups(tested).has(g)));
  }
  assert.equal(search?.nested, true);
  assert.equal(search.trials.length, 4);
  const [winner] = search.winners;
  assert.equal(winner.inside.length, 3);
  assert.ok(winner.inside.every(({ trial, repeat, fold }) => trial?.endsWith(`-in-${repeat}-${fold}`)));
  assert.ok(Math.abs(winner.nestedMean! - models[0].accuracy!.mean) < 1e-12);
  assert.ok(winner.corrected!.mean <= winner.pooled! + 0.02);
});
