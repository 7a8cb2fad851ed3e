import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { type Command, cryfold, start, temporaryFolder, until } from './command.js';
import { withoutRedis } from './testbed.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);

before(async () => {
  folder = await temporaryFolder();
  await mkdir(path('corpus'));
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
});
after(() => folder.remove());

const out = () => ['--store', path('store')];
/** Starts a run. Equal folds are shared between runs, so each test uses a different seed to get its own folds. */
const run = (repeats: number, seed: number) =>
  start([
    ...['run', '--data', path('corpus'), ...out(), '--estimators', 'svm'],
    ...['--folds', '2', '--repeats', String(repeats), '--workers', '1', '--seed', String(seed)],
  ]);

/** Waits until a fold of the run is training. @returns the run's id */
async function training({ stderr }: Command): Promise<string> {
  const id = () => /run (paper-\w+)/.exec(stderr())?.[1];
  await until('the run', async () => id() !== undefined);
  const found = id() ?? assert.fail(stderr());
  await until('a running fold', async () => {
    const { code, stdout } = await cryfold(['status', found, ...out(), '--json']);
    return code === 0 && JSON.parse(stdout).active.length > 0;
  });
  return found;
}

async function stateOf(id: string) {
  const { code, stdout } = await cryfold(['status', id, ...out(), '--json']);
  const { state, active } = JSON.parse(stdout);
  return { code, state, active };
}

test('shows a local run as running in another terminal, which can cancel it', { skip: withoutRedis }, async () => {
  const command = run(400, 1);
  const id = await training(command);
  await until('an active fold', async () => {
    const { code, state, active } = await stateOf(id);
    assert.deepEqual([code, state], [0, 'running']);
    return active.length > 0;
  });
  const listed = await cryfold(['list', ...out()]);
  assert.match(listed.stdout, new RegExp(`^${id} +running `, 'm'));
  const cluster = await cryfold(['status', ...out()]);
  assert.match(cluster.stdout, /^queue cpu +.*1 active/m);
  assert.match(cluster.stdout, /^worker .* \(cpu\)/m);
  assert.equal((await cryfold(['logs', id, ...out()])).code, 0);
  for (const again of [
    ['retry', id],
    ['extend', id, '--repeats', '500'],
  ]) {
    const refused = await cryfold([...again, ...out()]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /^cryfold: USAGE: .* is still running in process \d+ .*\n {2}.*cryfold .*cancel/);
  }
  const cancelled = await cryfold(['cancel', id, ...out()]);
  assert.equal(cancelled.code, 0, cancelled.stderr);
  const ended = await command.ended;
  assert.equal(ended.code, 4, ended.stderr);
  assert.match(ended.stderr, /^cryfold: CANCELLED: /m);
  assert.deepEqual(await stateOf(id), { code: 4, state: 'cancelled', active: [] });
  const log = await readFile(path('store/runs', id, 'logs/worker-0.log'), 'utf8');
  assert.match(log, /^\d{4}-\d\d-\d\d \S+Z info {2}fold committed {2}svm\/\d+\/\d .*seconds=/m, 'a readable log');
});

test('shows a run as stopped if its command was killed, and retry continues it', { skip: withoutRedis }, async () => {
  const command = run(20, 2);
  const id = await training(command);
  command.process.kill('SIGKILL');
  await command.ended;
  assert.deepEqual(await stateOf(id), { code: 3, state: 'stopped', active: [] });
  const retried = await cryfold(['retry', id, ...out(), '--workers', '1']);
  assert.equal(retried.code, 0, retried.stderr);
  assert.equal((await stateOf(id)).state, 'complete');
});

test('with several local runs, each command reaches the requested run', { skip: withoutRedis }, async () => {
  const commands = [run(400, 3), run(400, 4)];
  // Wait until both runs are training, because the private Redis of each run contains only that run.
  const [one, other] = await Promise.all(commands.map(training));
  await until('both runs to train at once', async () => {
    const { stdout } = await cryfold(['status', ...out()]);
    for (const id of [one, other]) assert.match(stdout, new RegExp(`^${id} +running `, 'm'));
    return /^queue cpu +.*2 active/m.test(stdout) && stdout.match(/^worker /gm)?.length === 2;
  });
  assert.equal((await cryfold(['cancel', other, ...out()])).code, 0);
  assert.equal((await commands[1].ended).code, 4);
  assert.deepEqual(await stateOf(other), { code: 4, state: 'cancelled', active: [] });
  assert.equal((await stateOf(one)).state, 'running', 'the other run continues');
  assert.equal((await cryfold(['cancel', one, ...out()])).code, 0);
  assert.equal((await commands[0].ended).code, 4);
});
