import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { type Command, cryfold, type LogLine, start, TINY_SPEC, until } from './command.js';
import { type Testbed, testbed, withoutRedis } from './testbed.js';

const skip = withoutRedis;
const EPOCHS = 40;
let bed: Testbed;
const workers: Command[] = [];

before(async () => {
  const slow = TINY_SPEC.replace('epochs: 2', `epochs: ${EPOCHS}`).replace('folds: 3', 'folds: 2');
  bed = (await testbed({ 'slow.yaml': slow }, { coordinator: ['coordinator'], aggregator: ['aggregator'] })) as Testbed;
});
after(async () => {
  for (const { process } of workers) process.kill('SIGKILL');
  await Promise.all(workers.map(({ ended }) => ended));
  await bed?.remove();
});

type Line = LogLine & { from?: number; graceSeconds?: number };
const lines = (command: Command, msg: RegExp): Line[] =>
  command
    .stdout()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => msg.test(line.msg));

/** Starts a worker with a grace period that is too short for any fold to finish. */
function worker(): Command {
  const command = start(['worker', '--queues', 'gpu'], { ...bed.environment, CRYFOLD_GRACE_SECONDS: '0.05' });
  workers.push(command);
  return command;
}

const status = async (id: string) => JSON.parse((await cryfold(['status', id, '--json'], bed.environment)).stdout);

/** Returns when a checkpoint was last written, in milliseconds since 1970, or 0 without a checkpoint. */
async function lastCheckpoint(kind: 'folds' | 'finals' = 'folds'): Promise<number> {
  const keys = await readdir(bed.path('store', kind)).catch(() => []);
  const times = keys.map(async (key) => {
    const found = await stat(bed.path('store', kind, key, 'checkpoint', 'state.safetensors')).catch(() => undefined);
    return found?.mtimeMs ?? 0;
  });
  return Math.max(0, ...(await Promise.all(times)));
}

test('counts interruptions of folds that take longer than the grace period, and still finishes them', {
  skip,
}, async (t) => {
  const running = start(bed.run('slow.yaml', '--estimators', 'small-cnn'), bed.environment);
  const began: number[] = [];
  for (let i = 0; i < 3; i++) {
    const before = await lastCheckpoint();
    const drained = worker();
    await until('training', () => lines(drained, /^training$/).length > 0, 60);
    began.push(lines(drained, /^training$/)[0].from ?? 0);
    // The warning appears once the first epoch has shown how long the fold takes.
    await until('the warning', () => lines(drained, /longer than the grace period/).length > 0);
    await until('another checkpoint', async () => (await lastCheckpoint()) > before);
    drained.process.kill('SIGTERM');
    assert.equal((await drained.ended).code, 0);
    assert.equal(lines(drained, /^attempt aborted$/).length, 1);
    assert.equal(lines(drained, /longer than the grace period/)[0].graceSeconds, 0.05);
  }
  t.diagnostic(`attempts started at ${began.join(', ')} of the training`);
  assert.ok(began[0] < began[1] && began[1] < began[2], 'each attempt resumes where the last one was stopped');
  const id = /run (tiny-\w+)/.exec(running.stderr())?.[1] ?? assert.fail(running.stderr());
  const { givenBack } = await until('the count', async () => {
    const found = await status(id);
    return found.givenBack?.[0]?.times === 3 && found;
  });
  assert.deepEqual(givenBack, [{ trial: 'small-cnn', repeat: 0, fold: givenBack[0].fold, times: 3 }]);
  const { stdout } = await cryfold(['status', id], bed.environment);
  assert.match(stdout, / {2}interrupted: small-cnn\/0\/\d {2}given back 3 times .*\n {2}.*CRYFOLD_GRACE_SECONDS/);

  const calm = start(['worker', '--queues', 'gpu'], bed.environment);
  workers.push(calm);
  assert.equal((await running.ended).code, 0);
  assert.ok(lines(calm, /^training$/).some(({ from }) => (from ?? 0) > began[2]));
  assert.equal((await status(id)).givenBack, undefined);
  calm.process.kill('SIGTERM');
  await calm.ended;

  const training = start(['train-final', id, '--of', 'small-cnn'], bed.environment);
  const drained = worker();
  await until('a checkpoint of the final model', async () => (await lastCheckpoint('finals')) > 0);
  drained.process.kill('SIGTERM');
  assert.equal((await drained.ended).code, 0);
  assert.ok((await lastCheckpoint('finals')) > 0, 'the checkpoint remains when the job is given back');
  workers.push(start(['worker', '--queues', 'gpu'], bed.environment));
  assert.equal((await training.ended).code, 0);
  assert.equal(await lastCheckpoint('finals'), 0, 'the checkpoint is deleted once the model is committed');
});
