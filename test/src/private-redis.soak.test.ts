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
/** A TMPDIR of this test's own, so that what is left in it is left by what it started. */
let temporary: string;
let reference: Buffer;

/** Enough repeats that a run outlasts what is done to it. */
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
  /** The socket of its private Redis */
  socket: string;
  redis: number;
  keeper: number;
  /** Its processes while it ran */
  below: number[];
}

/** Starts a run and answers once a fold of it is committed. */
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
  until('no process and no folder to be left', () => !below.some(alive) && !existsSync(dirname(socket)), 30);

test('a run reports the loss of its private Redis, and ends with the same bytes', async () => {
  const run = await running('restarted');
  await rm(dirname(run.socket), { recursive: true });
  await until('a restart', () =>
    /the private Redis was restarted: its socket .* was removed/.test(run.command.stderr()),
  );
  const again = descendants(run.keeper)[0]?.pid ?? assert.fail();
  process.kill(again, 'SIGKILL');
  await until('a restart', () => run.command.stderr().includes('restarted: it ended (SIGKILL)'));
  assert.equal((await run.command.ended).code, 0, run.command.stderr());
  assert.deepEqual(await table('restarted'), reference);
  await untilGone(run);
});

test('a run without its temporary folder fails, and the same command continues', async () => {
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

test('no process or folder outlives a command, regardless of how it ends', async () => {
  const endings: ((run: Running) => void)[] = [
    ({ command }) => void command.process.kill('SIGKILL'),
    ({ command }) => {
      for (let i = 0; i < 2; i++) command.process.kill('SIGINT');
    },
    ({ command }) => {
      command.process.kill('SIGINT');
      // The moments within the orderly stop are the subject of this and the next ending.
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

test('a run whose keeper of Redis is killed ends with an error and leaves no Redis', async () => {
  const run = await running('unkept');
  process.kill(run.keeper, 'SIGKILL');
  const { code, stderr } = await run.command.ended;
  assert.equal(code, 1);
  assert.match(stderr, /^cryfold: REDIS_LOST: the private Redis: its keeper process ended \(SIGKILL\)/m);
  await untilGone(run);
});

test('nothing is left if Redis and its keeper are killed, or the keeper is suspended', async () => {
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
test('Redis ends if the command and its keeper are killed simultaneously', { skip: !tied }, async () => {
  const run = await running('all');
  for (const pid of [run.command.process.pid ?? 0, run.keeper]) process.kill(pid, 'SIGKILL');
  await until('no process to be left', () => !run.below.some(alive), 30);
  await rm(dirname(run.socket), { recursive: true });
});

test('a temporary folder with a path too long for a socket works', async () => {
  const long = join(folder.path, 'long'.repeat(30));
  await mkdir(long);
  const { code, stderr } = await cryfold(args('long', 2), { TMPDIR: long });
  assert.equal(code, 0, stderr);
});

test('only a private Redis is shut down, and never one in another folder', async () => {
  const redis = await RedisProcess.start();
  try {
    for (const other of ['/tmp/redis.sock', join(folder.path, 'redis.sock'), `${redis.url}x`])
      assert.equal(await shutDownPrivateRedis(other), false);
    assert.equal(await shutDownPrivateRedis(redis.url), true);
  } finally {
    await redis.remove();
  }
});
