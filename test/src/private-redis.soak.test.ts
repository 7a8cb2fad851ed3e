import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { shutDownPrivateRedis } from '@cryfold/queue';
import {
  alive,
  type Command,
  cryfold,
  descendants,
  logLines,
  ownStore,
  start,
  temporaryFolder,
  until,
} from './command.js';
import { RedisProcess } from './redis.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
/** A TMPDIR that only this test uses, so that any leftovers in it come from the test's own processes. */
let temporary: string;
let reference: Buffer;

/** Returns the arguments of a run, with enough repeats to outlast the faults. */
const args = (out: string, repeats = 60) => {
  const data = ['--data', join(folder.path, 'corpus'), ...ownStore(join(folder.path, out))];
  return ['run', ...data, '--estimators', 'svm', '--folds', '2', '--repeats', String(repeats), '--workers', '1'];
};
const table = (out: string) => readFile(join(folder.path, out, 'out-of-fold.csv'));

before(async () => {
  folder = await temporaryFolder();
  temporary = join(folder.path, 'tmp');
  await mkdir(temporary);
  await synthesizeCorpus(join(folder.path, 'corpus'), { clips: 60, seed: 1 });
  const { code, stderr } = await cryfold(args('calm'), { TMPDIR: temporary });
  assert.equal(code, 0, stderr);
  reference = await table('calm');
});
after(() => folder.remove());

interface Running {
  command: Command;
  /** The socket of the run's private Redis */
  socket: string;
  redis: number;
  keeper: number;
  /** Ids of the run's processes while it was running */
  below: number[];
}

/** Starts a run, and waits until one of its folds is committed. */
async function running(out: string, tmpdir = temporary): Promise<Running> {
  const command = start(args(out), { TMPDIR: tmpdir });
  await until('a committed fold', async () => {
    assert.equal(command.process.exitCode, null, command.stderr());
    return (await logLines(join(folder.path, out))).some(({ msg }) => msg === 'fold committed');
  });
  const below = descendants(command.process.pid ?? assert.fail());
  const keeper = below.find(({ command }) => command.includes('redis-keeper')) ?? assert.fail();
  const redis = below.find(({ parent }) => parent === keeper.pid) ?? assert.fail();
  const socket = /\/[^ :]*cryfold-redis-\w{6}\/redis\.sock/.exec(redis.command)?.[0] ?? assert.fail(redis.command);
  return { command, socket, redis: redis.pid, keeper: keeper.pid, below: below.map(({ pid }) => pid) };
}

const untilGone = ({ below, socket }: Running) =>
  until('all processes and folders to disappear', () => !below.some(alive) && !existsSync(dirname(socket)), 30);

test('reports the loss of a run’s private Redis, and finishes the run with the same bytes', async () => {
  const run = await running('restarted');
  await rm(dirname(run.socket), { recursive: true });
  await until('a restart', () =>
    /the private Redis was restarted: its socket .* was removed/.test(run.command.stderr()),
  );
  const again = descendants(run.keeper)[0]?.pid ?? assert.fail();
  process.kill(again, 'SIGKILL');
  await until('a restart', () => run.command.stderr().includes('restarted: it exited (SIGKILL)'));
  assert.equal((await run.command.ended).code, 0, run.command.stderr());
  assert.deepEqual(await table('restarted'), reference);
  await untilGone(run);
});

test('fails a run whose temporary folder is removed, and the same command continues it', async () => {
  const lost = join(folder.path, 'lost');
  await mkdir(lost);
  const run = await running('continued', lost);
  await rm(lost, { recursive: true });
  const { code, stderr } = await run.command.ended;
  assert.equal(code, 1);
  assert.match(stderr, /^cryfold: REDIS_LOST: the private Redis: .*was removed, and cannot be restarted: ENOENT/m);
  await untilGone(run);
  const missing = await cryfold(args('continued'), { TMPDIR: lost });
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^cryfold: REDIS_LOST: .*cannot create a folder for its socket.*TMPDIR.*ENOENT/m);
  assert.equal((await cryfold(args('continued'), { TMPDIR: temporary })).code, 0);
  assert.deepEqual(await table('continued'), reference);
});

test('leaves no process or folder behind, however the command is stopped', async () => {
  const endings: ((run: Running) => void)[] = [
    ({ command }) => void command.process.kill('SIGKILL'),
    ({ command }) => {
      for (let i = 0; i < 2; i++) command.process.kill('SIGINT');
    },
    ({ command }) => {
      command.process.kill('SIGINT');
      // This fault and the next one interrupt the orderly shutdown.
      setTimeout(() => command.process.kill('SIGINT'), 150);
    },
    ({ command }) => {
      command.process.kill('SIGINT');
      setTimeout(() => command.process.kill('SIGKILL'), 50);
    },
  ];
  for (const [i, end] of endings.entries()) {
    const run = await running(`ended-${i}`);
    end(run);
    await run.command.ended;
    await untilGone(run);
  }
});

test('exits with an error and without leaving Redis behind if its keeper is killed', async () => {
  const run = await running('unkept');
  process.kill(run.keeper, 'SIGKILL');
  const { code, stderr } = await run.command.ended;
  assert.equal(code, 1);
  assert.match(stderr, /^cryfold: REDIS_LOST: the private Redis: its keeper process exited \(SIGKILL\)/m);
  await untilGone(run);
});

test('leaves nothing behind if Redis and its keeper are killed, or if the keeper is suspended', async () => {
  const killed = await running('both');
  for (const pid of [killed.keeper, killed.redis]) process.kill(pid, 'SIGKILL');
  assert.equal((await killed.command.ended).code, 1);
  await untilGone(killed);
  const stopped = await running('stopped');
  process.kill(stopped.keeper, 'SIGSTOP');
  stopped.command.process.kill('SIGINT');
  assert.equal((await stopped.command.ended).code, 4);
  await untilGone(stopped);
});

const tied = spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0;
test('stops Redis if the command and the keeper are killed simultaneously', { skip: !tied }, async () => {
  const run = await running('all');
  for (const pid of [run.command.process.pid ?? 0, run.keeper]) process.kill(pid, 'SIGKILL');
  await until('all processes to exit', () => !run.below.some(alive), 30);
  await rm(dirname(run.socket), { recursive: true });
});

test('accepts a temporary folder whose path is too long for a socket', async () => {
  const long = join(folder.path, 'long'.repeat(30));
  await mkdir(long);
  const { code, stderr } = await cryfold(args('long', 2), { TMPDIR: long });
  assert.equal(code, 0, stderr);
});

test('shuts down only a private Redis, and never one in another folder', async () => {
  const redis = await RedisProcess.start();
  try {
    for (const other of ['/tmp/redis.sock', join(folder.path, 'redis.sock'), `${redis.url}x`])
      assert.equal(await shutDownPrivateRedis(other), false);
    assert.equal(await shutDownPrivateRedis(redis.url), true);
  } finally {
    await redis.remove();
  }
});
