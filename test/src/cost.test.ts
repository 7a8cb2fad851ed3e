import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { cryfold, PROGRAM, temporaryFolder } from './command.js';
import { withoutRedis } from './testbed.js';

const SPEC = `
version: 1
name: cost
protocol: { folds: 2, repeats: 1 }
estimators: { svm: { kind: svm } }
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);
const store = () => ({ CRYFOLD_STORE: path('store') });
/** An environment with a separate cache, which contains no earlier measurements of this machine */
const environment = () => ({ ...store(), CRYFOLD_CACHE: path('cache') });

before(async () => {
  folder = await temporaryFolder();
  await writeFile(path('spec.yaml'), SPEC);
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
});
after(() => folder.remove());

async function plan(...args: string[]) {
  const { code, stdout, stderr } = await cryfold(['plan', ...args, '--data', path('corpus'), '--json'], environment());
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test('plan without a spec uses the paper’s spec and estimates hours from the typical speed of each kind', async () => {
  const { run, folds, estimators } = await plan();
  assert.match(run, /^paper-/);
  assert.equal(folds, 150);
  for (const { hours, basis } of estimators) assert.deepEqual([hours > 0, basis], [true, 'typical']);
  const small = await plan('--estimators', 'small-cnn', '--epochs', '1');
  const hours = estimators.find(({ estimator }: { estimator: string }) => estimator === 'small-cnn').hours;
  assert.ok(Math.abs(small.gpuHours / hours - 0.1) < 1e-9, 'a tenth of the epochs');
  const { stdout } = await cryfold(['plan', '--data', path('corpus')], environment());
  assert.match(stdout, /svm: typical speed of a CPU core, which may be off by a factor of 4/);
});

test('prints a run’s estimated cost before it starts, based on this machine’s finished folds if there are any', {
  skip: withoutRedis,
}, async () => {
  const run = (seed: number) => {
    const args = ['run', path('spec.yaml'), '--data', path('corpus'), '--seed', String(seed), '--workers', '1'];
    return cryfold([...args, '--confirm-above', '0'], store());
  };
  const first = await run(0);
  assert.equal(first.code, 0, first.stderr);
  assert.match(
    first.stderr,
    /estimated cost: less than a minute of training for 2 folds; svm: (?:typical speed|measured on this machine).*\n1 worker on this machine/,
  );
  assert.doesNotMatch(first.stderr, /Start\?/, 'nobody is asked without a terminal');
  const second = await run(1);
  assert.match(second.stderr, /estimated cost: .*; svm: median of finished folds\n/);
  const again = await run(1);
  assert.doesNotMatch(again.stderr, /estimated cost/, 'nothing is left to train');

  const one = await plan(path('spec.yaml'), '--seed', '2');
  assert.deepEqual([one.estimators[0].basis, one.estimators[0].history], ['folds', 4]);
  for (const fold of await readdir(path('store', 'folds'))) {
    const file = path('store', 'folds', fold, 'result.json');
    const result = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...result, environment: { ...result.environment, host: 'elsewhere' } }));
  }
  assert.equal((await plan(path('spec.yaml'), '--seed', '2')).estimators[0].basis, 'other machines');
});

test('plan --calibrate measures this machine if the store has no folds, and later estimates use it', async () => {
  const estimate = async (...flags: string[]) => {
    const args = ['plan', path('spec.yaml'), '--data', path('corpus'), '--store', path('empty'), '--json', ...flags];
    const { stdout, stderr } = await cryfold(args, { CRYFOLD_CACHE: path('measured') });
    const [one] = JSON.parse(stdout || assert.fail(stderr)).estimators;
    return { basis: one.basis, hours: one.hours };
  };
  assert.equal((await estimate()).basis, 'typical');
  const measured = await estimate('--calibrate');
  assert.deepEqual([measured.basis, measured.hours > 0], ['calibration', true]);
  assert.deepEqual(await estimate(), measured, 'the measurement was kept');
});

/** The program `script` from util-linux runs a command in a terminal. */
const terminal = spawnSync('script', ['-qec', 'true', '/dev/null'], { input: '' }).status === 0;

test('on a terminal, starts a run above --confirm-above only after confirmation', {
  skip: withoutRedis || (!terminal && 'needs script from util-linux'),
}, async () => {
  const { REDIS_URL: _redis, CRYFOLD_SERVER: _server, ...rest } = process.env;
  const run = (answer: string, flags: string) => {
    const command = `"$NODE" "$PROGRAM" run spec.yaml --data corpus --workers 1 --store asked ${flags}`;
    const env = { ...rest, NODE: process.execPath, PROGRAM };
    const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
      ...{ cwd: folder.path, env, encoding: 'utf8', input: answer },
    });
    return { status, asked: stdout.includes('Start? [y/N]'), stdout };
  };
  const no = run('n\n', '--confirm-above 0');
  assert.deepEqual([no.status, no.asked], [4, true], no.stdout);
  assert.match(no.stdout, /not started/);
  assert.deepEqual(await readdir(path('asked')).catch(() => []), [], 'nothing was written');
  const below = run('', '--confirm-above 1');
  assert.deepEqual([below.status, below.asked], [0, false], below.stdout);
  const yes = run('y\n', '--confirm-above 0 --seed 1');
  assert.deepEqual([yes.status, yes.asked], [0, true], yes.stdout);
  const told = run('', '--confirm-above 0 --seed 2 --yes');
  assert.deepEqual([told.status, told.asked], [0, false], told.stdout);
});
