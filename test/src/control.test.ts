import assert from 'node:assert/strict';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/features';
import { Cluster, findRedis } from './cluster.js';
import { cryfold, descendants, logLines, start, TINY_SPEC, temporaryFolder, until } from './command.js';

const redis = await findRedis();
const skip = redis === undefined && 'neither redis-server nor valkey-server is on PATH or in the cache';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let cluster: Cluster;
let environment: Record<string, string>;
const path = (name: string) => join(folder.path, name);

before(async () => {
  if (!redis) return;
  folder = await temporaryFolder();
  // Folds of a second or two, so that their children can be found and killed.
  await writeFile(path('tiny.yaml'), TINY_SPEC.replace('epochs: 2', 'epochs: 40'));
  // Long enough to be cancelled on the way.
  await writeFile(path('long.yaml'), TINY_SPEC.replace('epochs: 2', 'epochs: 2000').replace('tiny', 'long'));
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
  cluster = await Cluster.start(folder.path, redis);
  environment = {
    REDIS_URL: `redis://127.0.0.1:${cluster.redisPort}`,
    CRYFOLD_STORE: `file:${path('store')}`,
    CRYFOLD_GRACE_SECONDS: '0',
  };
  cluster.run(environment, { coordinator: ['coordinator'], aggregator: ['aggregator'], worker: ['worker'] });
});
after(async () => {
  await cluster?.stop();
  await folder?.remove();
});

const run = (spec: string, ...flags: string[]) => [
  'run',
  path(spec),
  '--data',
  path('corpus'),
  '--out',
  path('out'),
  ...flags,
];
const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await cryfold([...args, '--json'], environment);
  return { code, stderr, value: JSON.parse(stdout || 'null') };
};
const committed = async () => (await logLines(folder.path)).filter(({ msg }) => msg === 'fold committed');
const training = () =>
  descendants(cluster.pid('worker') ?? 0).filter(({ command }) => command.includes('training-child'));

let longRun: string;

test('cancel stops running children at once, and everything that waits', { skip }, async (t) => {
  const running = start(run('long.yaml', '--estimators', 'small-cnn', '--repeats', '2'), environment);
  await until(
    'a fold to train',
    async () => (await json('status')).value.queues.gpu.active === 1 && training().length > 0,
  );
  const [{ run: id, state }] = (await json('list')).value;
  longRun = id;
  assert.equal(state, 'running');
  const before = training().map(({ pid }) => pid);
  const cancelled = start(['cancel', id, '--json'], environment);
  // Node's own start takes seconds where tests share two cores with others.
  await until('the record', () =>
    access(path(`store/runs/${id}/cancelled.json`)).then(
      () => true,
      () => false,
    ),
  );
  const started = Date.now();
  await until('the child to end', () => !training().some(({ pid }) => before.includes(pid)), 30);
  const seconds = (Date.now() - started) / 1000;
  // The promise is 5 s; a quiet machine takes 0.1 to 0.4 s, and one shared by many has taken more than 5.
  t.diagnostic(`${seconds.toFixed(1)} s`);
  assert.equal((await cancelled.ended).code, 0);
  assert.equal((await running.ended).code, 4, 'the command that waits for it ends as cancelled');
  const status = await json('status', id);
  assert.deepEqual([status.code, status.value.state, status.value.done], [4, 'cancelled', 0]);
  await until('nothing of it to wait', async () => {
    const { queues } = (await json('status')).value;
    return queues.gpu.waiting + queues.gpu.active + queues.runs.active === 0;
  });
});

test('status and logs name an unknown run or fold as a usage error; gc finds nothing young', { skip }, async () => {
  for (const args of [
    ['status', 'nobody-000000000000'],
    ['cancel', '../x'],
    ['logs', longRun, 'svm/9/9'],
  ]) {
    const { code, stderr } = await cryfold(args, environment);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /RUN_NOT_FOUND/);
  }
  assert.equal((await json('gc')).value.objects, 0);
});

test('a poison fold ends in the failures with its log; the run is incomplete; retry trains it alone', {
  skip,
}, async () => {
  const running = start(run('tiny.yaml', '--estimators', 'small-cnn,svm'), environment);
  let poison: string | undefined;
  let kills = 0;
  // Whatever child takes the first network fold is killed each time.
  const lines = (await logLines(folder.path)).length;
  let looking = false;
  const look = async () => {
    const started = (await logLines(folder.path)).slice(lines).filter(({ msg }) => msg === 'fold started');
    poison ??= started.find(({ trial }) => trial === 'small-cnn')?.key;
    if (!poison || started.filter(({ key }) => key === poison).length <= kills) return;
    const last = started.findLast(({ trial }) => trial === 'small-cnn');
    const child = training().find(({ command }) => command.includes('training-child.js nn'));
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
  assert.equal(kills, 4, 'tried four times');
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
  const results = JSON.parse(await readFile(path('out/results.json'), 'utf8'));
  assert.equal(results.missing.length, 1);

  const sofar = (await committed()).length;
  const retried = await cryfold(['retry', id, '--out', path('out')], environment);
  assert.equal(retried.code, 0, retried.stderr);
  assert.equal((await committed()).length, sofar + 1, 'the failed fold only');
  assert.match((await cryfold(['retry', id], environment)).stdout, /nothing to try again/);
});

test('extend trains only the new repeats, and equals a run of all of them', { skip }, async () => {
  const { value: runs } = await json('list');
  const { run: id } = runs.find(({ name }: { name: string }) => name === 'tiny');
  const sofar = (await committed()).length;
  const extended = await cryfold(['extend', id, '--repeats', '2', '--out', path('extended')], environment);
  assert.equal(extended.code, 0, extended.stderr);
  assert.equal((await committed()).length, sofar + 6);
  const whole = await cryfold(run('tiny.yaml', '--estimators', 'small-cnn,svm', '--repeats', '2'), environment);
  assert.match(whole.stderr, /in the store already/);
  assert.deepEqual(await readFile(path('extended/out-of-fold.csv')), await readFile(path('out/out-of-fold.csv')));
  assert.equal((await cryfold(['extend', id, '--repeats', '1'], environment)).code, 2);
});

test('gc deletes what nothing refers to, and keeps the rest', { skip }, async () => {
  const { value: before } = await json('gc', '--older-than', '0');
  const kept = await readFile(path('out/out-of-fold.csv'));
  await writeFile(path('store/stray'), 'x');
  const dry = await json('gc', '--older-than', '0');
  assert.equal(dry.value.objects, before.objects + 1);
  assert.equal((await json('gc', '--older-than', '0', '--delete')).value.deleted, true);
  assert.equal((await json('gc', '--older-than', '0')).value.objects, 0);
  const again = await cryfold(run('tiny.yaml', '--estimators', 'small-cnn,svm', '--repeats', '2'), environment);
  assert.match(again.stderr, /in the store already/);
  assert.deepEqual(await readFile(path('out/out-of-fold.csv')), kept);
});
