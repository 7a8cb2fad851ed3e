import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { Queues } from '@cryfold/queue';
import { alive, type Command, cryfold, descendants, PROGRAM, start, temporaryFolder, until } from './command.js';
import { RedisProcess } from './redis.js';
import { readiness, startService, untilReady } from './service.js';

const ROLES = [['coordinator'], ['aggregator'], ['worker', '--queues', 'cpu']];
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: string;

before(async () => {
  folder = await temporaryFolder();
  store = `file:${join(folder.path, 'store')}`;
});
after(() => folder.remove());

/** Waits until a command exits, within this number of seconds. @returns its result */
async function ends({ process, ended }: Command, seconds: number) {
  await until('the process to exit', () => process.exitCode !== null || process.signalCode !== null, seconds);
  return ended;
}

test('leaves a shared Redis and its folder alone when a program that forked services dies', async () => {
  const redis = await RedisProcess.start();
  try {
    const shared = dirname(redis.url);
    await mkdir(join(shared, 'sub'));
    for (const file of ['other.txt', join('sub', 'other.txt')]) await writeFile(join(shared, file), 'precious');
    const queues = new Queues(redis.url);
    await queues.add('cpu', [{ id: 'kept', payload: { format: 1, kind: 'fold', run: 'r', key: 'k' } }]);
    const fork = `const { fork } = require('node:child_process');
      const roles = ${JSON.stringify(ROLES.slice(0, 2).concat([['worker', '--queues', 'gpu']]))};
      const pids = roles.map((args) => fork(${JSON.stringify(PROGRAM)}, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
        .on('exit', (code) => process.exit(1)).on('spawn', () => {}));
      for (const child of pids) child.stdout.on('data', (text) => process.stdout.write(child.pid + ' ' + text));
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['-e', fork], {
      env: { ...process.env, REDIS_URL: redis.url, CRYFOLD_STORE: store },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    parent.stdout.on('data', (text) => {
      said += text;
    });
    await until('all services to be ready', () => ROLES.every(([role]) => said.includes(`${role} ready`)));
    const pids = descendants(parent.pid ?? assert.fail()).map(({ pid }) => pid);
    assert.ok(pids.length >= 3);
    parent.kill('SIGKILL');
    await until('the services to exit', () => pids.every((pid) => !alive(pid)), 30);
    assert.deepEqual((await readdir(shared, { recursive: true })).filter((name) => name.endsWith('.txt')).sort(), [
      'other.txt',
      join('sub', 'other.txt'),
    ]);
    assert.equal((await queues.job('cpu', 'kept'))?.state, 'waiting');
    await queues.close();
  } finally {
    await redis.remove();
  }
});

test('stops an idle service within seconds despite a long grace period, even if Redis is unreachable', async () => {
  const bounds = [
    // If the connection is lost, the service has nothing to wait for. Earlier versions took 5 to 7 s.
    ['SIGKILL', 4],
    ['SIGSTOP', 10],
  ] as const;
  for (const [signal, seconds] of bounds) {
    const redis = await RedisProcess.start();
    try {
      const environment = { REDIS_URL: redis.url, CRYFOLD_STORE: store, CRYFOLD_GRACE_SECONDS: '300' };
      const services = await Promise.all(ROLES.map((args) => startService(args, environment)));
      await untilReady(...services);
      redis.signal(signal);
      for (const { url } of services)
        await until('the outage to be noticed', async () => !(await readiness(url)).ready);
      for (const service of services) service.process.kill('SIGTERM');
      const ended = await Promise.all(services.map((service) => ends(service, seconds)));
      for (const { code, stdout } of ended) assert.equal(code, 0, stdout);
    } finally {
      redis.signal('SIGCONT');
      await redis.remove();
    }
  }
});

test('stops following a cluster’s run on a signal while Redis is unreachable', async () => {
  const redis = await RedisProcess.start();
  const corpus = join(folder.path, 'corpus');
  await synthesizeCorpus(corpus, { clips: 60, seed: 1 });
  const queues = new Queues(redis.url);
  try {
    const args = [
      'run',
      '--data',
      corpus,
      '--out',
      join(folder.path, 'followed'),
      '--estimators',
      'svm',
      '--folds',
      '3',
    ];
    const following = start(args, { REDIS_URL: redis.url, CRYFOLD_STORE: store });
    await until('the run to be submitted', async () => (await queues.counts('runs')).waiting > 0);
    await redis.kill();
    following.process.kill('SIGTERM');
    assert.equal((await ends(following, 20)).code, 4);
  } finally {
    await queues.close();
    await redis.remove();
  }
});

/** The flags with which `unshare` can create a process namespace on this machine, or undefined if it cannot. */
const unshare = [
  ['--pid', '--fork'],
  ['--user', '--map-root-user', '--pid', '--fork'],
].find((flags) => spawnSync('unshare', [...flags, 'true'], { stdio: 'ignore' }).status === 0);

test('exits within two seconds of a SIGTERM while checking TensorFlow as process 1 of a container', {
  skip: unshare === undefined && 'this user may not create a process namespace',
}, async (t) => {
  const { REDIS_URL: _redis, CRYFOLD_STORE: _store, ...rest } = process.env;
  const outside = spawn('unshare', [...(unshare ?? []), '--kill-child', process.execPath, PROGRAM, 'worker'], {
    env: { ...rest, REDIS_URL: 'redis://127.0.0.1:1', CRYFOLD_STORE: store },
    stdio: 'ignore',
  });
  const ended = once(outside, 'exit');
  try {
    const inside = await until('the process', () => descendants(outside.pid ?? assert.fail())[0]?.pid);
    await until('the check of TensorFlow', () => descendants(inside).length > 0);
    const asked = performance.now();
    process.kill(inside, 'SIGTERM');
    assert.equal((await ended)[0], 0);
    const seconds = (performance.now() - asked) / 1000;
    t.diagnostic(`after ${seconds.toFixed(2)} s`);
    // In measurements that stopped the worker at eight different times, 0.1 to 2 s after its start, stopping took at
    // most 0.2 s.
    assert.ok(seconds < 2, `${seconds} s`);
  } finally {
    outside.kill('SIGKILL');
  }
});

test('exits with a clear message if its output cannot be written', {
  skip: process.platform !== 'linux',
}, async () => {
  const shell = (command: string) =>
    spawnSync('bash', ['-c', command], { encoding: 'utf8', env: { ...process.env, NODE: process.execPath, PROGRAM } });
  for (const args of ['--help', '--store none list', 'worker --help', 'predict --help']) {
    const full = shell(`"$NODE" "$PROGRAM" ${args} > /dev/full`);
    assert.equal(full.status, 2, args);
    assert.match(
      full.stderr,
      /^cryfold: OUT_UNWRITABLE: cannot write to standard output: no space is left on the device\n {2}.*\n$/,
    );
    const closed = shell(`"$NODE" "$PROGRAM" ${args} | true; exit "\${PIPESTATUS[0]}"`);
    assert.equal(closed.status, 141, args);
    assert.equal(closed.stderr, '');
  }
  assert.equal(
    shell('"$NODE" "$PROGRAM" nonsense 2> /dev/full').status,
    2,
    'errors keep their exit code even if the message cannot be written',
  );
});

test('requires a cache folder if the user has no home folder', { skip: process.getuid?.() !== 0 }, async () => {
  const { HOME: _home, XDG_CACHE_HOME: _xdg, CRYFOLD_CACHE: _cache, ...rest } = process.env;
  const flags = ['--reuid', '54321', '--clear-groups', process.execPath, PROGRAM, 'list', '--store', '/nowhere'];
  const stranger = spawnSync('setpriv', flags, { encoding: 'utf8', env: rest });
  if (stranger.error) return;
  assert.equal(stranger.status, 2, stranger.stderr);
  assert.match(stranger.stderr, /^cryfold: USAGE: HOME is not set.*\n {2}Set HOME, or set CRYFOLD_CACHE/);
  assert.equal((await cryfold(['list', '--store', join(folder.path, 'none', 'store')], { HOME: '' })).code, 0);
});

test('reports the limit if too few open files are allowed', async () => {
  for (const files of [30, 64, 128]) {
    const command = `ulimit -n ${files}; exec "$0" "$1" doctor`;
    const few = spawnSync('bash', ['-c', command, process.execPath, PROGRAM], { encoding: 'utf8' });
    if (few.status === 0) continue;
    assert.match(few.stderr, /^cryfold: .*\n {2}.*ulimit -n 1024.*\n$/, `${files}`);
  }
});
