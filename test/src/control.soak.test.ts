import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { RunStore } from '@cryfold/store';
import { cryfold, descendants, logLines, start, TINY_SPEC, until } from './command.js';
import { type Testbed, testbed, withoutRedis } from './testbed.js';

const skip = withoutRedis;
let bed: Testbed;

before(async () => {
  bed = (await testbed(
    {
      // Folds of a second or two, so that their children can be found and killed.
      'tiny.yaml': TINY_SPEC.replace('epochs: 2', 'epochs: 40'),
      // Takes so long that it can be cancelled before it finishes.
      'long.yaml': TINY_SPEC.replace('epochs: 2', 'epochs: 2000').replace('tiny', 'long'),
    },
    { coordinator: ['coordinator'], aggregator: ['aggregator'], worker: ['worker'] },
  )) as Testbed;
});
after(() => bed?.remove());

const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await cryfold([...args, '--json'], bed.environment);
  return { code, stderr, value: JSON.parse(stdout || 'null') };
};
const committed = async () => (await logLines(bed.folder)).filter(({ msg }) => msg === 'fold committed');
const training = () =>
  descendants(bed.cluster.pid('worker') ?? 0).filter(({ command }) => command.includes('training-child'));

/** Returns whether a training child has loaded TensorFlow. Only children that train networks do so. */
function hasTensorFlow(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'utf8').includes('tfjs_binding');
  } catch {
    // The child has just exited.
    return false;
  }
}

let longRun: string;

test('cancel immediately stops running children and removes waiting folds', { skip }, async (t) => {
  const running = start(bed.run('long.yaml', '--estimators', 'small-cnn', '--repeats', '2'), bed.environment);
  await until(
    'a fold to train',
    async () => (await json('status')).value.queues.gpu.active === 1 && training().length > 0,
  );
  const [{ run: id, state }] = (await json('list')).value;
  longRun = id;
  assert.equal(state, 'running');
  const before = training().map(({ pid }) => pid);
  const cancelled = start(['cancel', id, '--json'], bed.environment);
  // Start measuring only when the cancellation is recorded, because starting Node takes seconds if the tests share two
  // cores with other programs.
  await until('the record', () => new RunStore(bed.store).runs.isCancelled(id));
  const started = Date.now();
  await until('the child to exit', () => !training().some(({ pid }) => before.includes(pid)), 30);
  const seconds = (Date.now() - started) / 1000;
  // The documented limit is 5 s. An idle machine takes 0.1 to 0.4 s, but a machine with other heavy load has taken more
  // than 5 s.
  t.diagnostic(`${seconds.toFixed(1)} s`);
  assert.equal((await cancelled.ended).code, 0);
  assert.equal((await running.ended).code, 4, 'the waiting command exits with the code for a cancelled run');
  const status = await json('status', id);
  assert.deepEqual([status.code, status.value.state, status.value.done], [4, 'cancelled', 0]);
  await until('the run to have no waiting folds', async () => {
    const { queues } = (await json('status')).value;
    return queues.gpu.waiting + queues.gpu.active + queues.runs.active === 0;
  });
});

test('status and logs report an unknown run or fold as a usage error; gc keeps recent objects', { skip }, async () => {
  for (const args of [
    ['status', 'nobody-000000000000'],
    ['cancel', '../x'],
    ['logs', longRun, 'svm/9/9'],
  ]) {
    const { code, stderr } = await cryfold(args, bed.environment);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /RUN_NOT_FOUND/);
  }
  assert.equal((await json('gc')).value.objects, 0);
});

test('records a poison fold as failed with its log, and retries only this fold', {
  skip,
}, async () => {
  const running = start(bed.run('tiny.yaml', '--estimators', 'small-cnn,svm'), bed.environment);
  let poison: string | undefined;
  let kills = 0;
  // Kill every child that trains the first fold of the network.
  const lines = (await logLines(bed.folder)).length;
  let looking = false;
  const look = async () => {
    const started = (await logLines(bed.folder)).slice(lines).filter(({ msg }) => msg === 'fold started');
    poison ??= started.find(({ trial }) => trial === 'small-cnn')?.key;
    if (!poison || started.filter(({ key }) => key === poison).length <= kills) return;
    const last = started.findLast(({ trial }) => trial === 'small-cnn');
    const child = training().find(({ pid }) => hasTensorFlow(pid));
    if (last?.key !== poison || !child) return;
    kills++;
    process.kill(child.pid, 'SIGKILL');
  };
  const watch = setInterval(() => {
    if (looking) return;
    looking = true;
    look().finally(() => {
      looking = false;
    });
  }, 50);
  const { code, stderr } = await running.ended;
  clearInterval(watch);
  assert.equal(code, 3, stderr);
  assert.equal(kills, 4, 'the fold was tried four times');
  const { value: runs } = await json('list');
  const { run: id } = runs.find(({ name }: { name: string }) => name === 'tiny');
  const status = await json('status', id);
  assert.deepEqual([status.code, status.value.state, status.value.done, status.value.failed], [3, 'incomplete', 5, 1]);
  const [failure] = status.value.failures;
  assert.equal(failure.code, 'CHILD_DIED');
  assert.ok(failure.key.startsWith(poison));
  const logs = await json('logs', id, `${failure.trial}/${failure.repeat}/${failure.fold}`);
  assert.equal(logs.value[0].failed.length, 4);
  assert.match(logs.value[0].failed[0].log, /SIGKILL/);
  assert.match(logs.value[0].failed[0].log, /"msg":"attempt failed"/);
  const { stdout } = await cryfold(['logs', id, failure.key], bed.environment);
  assert.match(stdout, /\n {4}\S+ \S+Z warn {2}attempt failed {2}\S+\/\d\/\d code=CHILD_DIED /);
  assert.doesNotMatch(stdout, /"msg"/);
  const results = JSON.parse(await readFile(bed.path('out/results.json'), 'utf8'));
  assert.equal(results.missing.length, 1);

  const sofar = (await committed()).length;
  const retried = await cryfold(['retry', id, '--out', bed.path('out')], bed.environment);
  assert.equal(retried.code, 0, retried.stderr);
  assert.equal((await committed()).length, sofar + 1, 'only the failed fold was trained again');
  assert.match((await cryfold(['retry', id], bed.environment)).stdout, /nothing to retry/);
});

test('extend trains only the new repeats, with the same results as a single run of all repeats', { skip }, async () => {
  const { value: runs } = await json('list');
  const { run: id } = runs.find(({ name }: { name: string }) => name === 'tiny');
  const sofar = (await committed()).length;
  const extended = await cryfold(['extend', id, '--repeats', '2', '--out', bed.path('extended')], bed.environment);
  assert.equal(extended.code, 0, extended.stderr);
  assert.equal((await committed()).length, sofar + 6);
  const whole = await cryfold(bed.run('tiny.yaml', '--estimators', 'small-cnn,svm', '--repeats', '2'), bed.environment);
  assert.match(whole.stderr, /already in the store/);
  assert.deepEqual(
    await readFile(bed.path('extended/out-of-fold.csv')),
    await readFile(bed.path('out/out-of-fold.csv')),
  );
  assert.equal((await cryfold(['extend', id, '--repeats', '1'], bed.environment)).code, 2);
});

test('gc deletes unreferenced objects, and keeps all others', { skip }, async () => {
  const { value: before } = await json('gc', '--older-than', '0');
  const kept = await readFile(bed.path('out/out-of-fold.csv'));
  await bed.store.put('stray', new Uint8Array([1]));
  const dry = await json('gc', '--older-than', '0');
  assert.equal(dry.value.objects, before.objects + 1);
  assert.equal((await json('gc', '--older-than', '0', '--delete')).value.deleted, true);
  assert.equal((await json('gc', '--older-than', '0')).value.objects, 0);
  const again = await cryfold(bed.run('tiny.yaml', '--estimators', 'small-cnn,svm', '--repeats', '2'), bed.environment);
  assert.match(again.stderr, /already in the store/);
  assert.deepEqual(await readFile(bed.path('out/out-of-fold.csv')), kept);
});
