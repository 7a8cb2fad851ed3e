import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { synthesizeCorpus } from '@cryfold/corpus';
import { writeModel } from '@cryfold/model-registry/testing';
import { type Command, cryfold, logLines, ownStore, PROGRAM, ROOT, start, temporaryFolder, until } from './command.js';
import { RedisProcess } from './redis.js';

/** However a command exits, it must leave no process behind. The test finds its processes by their TMPDIR. */
const skip = !existsSync('/proc/self/environ') && 'this system has no /proc, which is needed to find processes';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let temporary: string;
const path = (...parts: string[]) => join(folder.path, ...parts);

const run = (out: string, repeats = 400) => {
  const data = ['--data', path('corpus'), ...ownStore(path(out)), '--estimators', 'svm'];
  return ['run', ...data, '--folds', '2', '--repeats', String(repeats), '--workers', '1'];
};

before(async () => {
  folder = await temporaryFolder();
  temporary = path('tmp');
  await mkdir(temporary);
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
});
after(() => folder.remove());

/**
 * Returns the command lines of processes with this test's TMPDIR. For Redis, the folder only appears in its arguments.
 */
async function left(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = pids.map(async (pid) => {
    const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
    const [environment, command, stat] = await Promise.all([read('environ'), read('cmdline'), read('stat')]);
    const ended = /\) [ZX] /.test(stat);
    const ours = environment.split('\0').includes(`TMPDIR=${temporary}`) || command.includes(`${temporary}/`);
    return ours && !ended ? [`${pid} ${command.replaceAll('\0', ' ').slice(0, 120)}`] : [];
  });
  return (await Promise.all(found)).flat();
}

/** Asserts that all processes exit. @param seconds the time limit */
async function nothingLeft(seconds: number, what: string): Promise<void> {
  const end = Date.now() + 1000 * seconds;
  let processes = await left();
  while (processes.length > 0 && Date.now() < end) {
    await sleep(100);
    processes = await left();
  }
  assert.deepEqual(processes, [], what);
  assert.deepEqual(await readdir(temporary), [], what);
}

const untilRedis = ({ process, stderr }: Command) =>
  until('the private Redis', async () => {
    assert.equal(process.exitCode, null, stderr());
    return (await left()).some((command) => command.includes('redis'));
  });
const untilRunning = (_command: Command, out: string) =>
  until('a running fold', async () => (await logLines(path(out))).some(({ msg }) => msg === 'fold started'));

test('pressing Ctrl-C twice leaves no process behind, at five moments and intervals', { skip }, async () => {
  const moments = [
    ...[0, 10].map((ms) => [untilRedis, ms] as const),
    ...[0, 30, 400].map((ms) => [untilRunning, ms] as const),
  ];
  for (const [i, [ready, betweenMs]] of moments.entries()) {
    const command = start(run(`twice-${i}`), { TMPDIR: temporary });
    await ready(command, `twice-${i}`);
    command.process.kill('SIGINT');
    if (betweenMs > 0) await sleep(betweenMs);
    command.process.kill('SIGINT');
    await command.ended;
    await nothingLeft(5, `${ready.name}, ${betweenMs} ms between`);
  }
});

test('killing the command with SIGKILL leaves no process behind', { skip }, async () => {
  for (const ready of [untilRedis, untilRunning]) {
    const out = `killed-${ready.name}`;
    const command = start(run(out), { TMPDIR: temporary });
    await ready(command, out);
    command.process.kill('SIGKILL');
    await command.ended;
    await nothingLeft(5, ready.name);
  }
});

const terminal = spawnSync('script', ['-qec', 'true', '/dev/null'], { stdio: 'ignore' }).status === 0;
test('closing the terminal leaves no process behind', {
  skip: skip || (!terminal && 'script is not installed'),
}, async () => {
  const line = [process.execPath, PROGRAM, ...run('closed')].map((word) => `'${word}'`).join(' ');
  const { REDIS_URL: _redis, CRYFOLD_STORE: _store, ...rest } = process.env;
  const child = spawn('script', ['-qfec', line, '/dev/null'], {
    env: { ...rest, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  child.stdout.on('data', (text) => {
    said += text;
  });
  await until('a running fold', () => said.includes('1 running'));
  child.kill('SIGKILL');
  await nothingLeft(15, 'closed terminal');
});

test('stops a command that npx runs when npx is stopped', { skip }, async () => {
  await writeModel(path('model'), ['a', 'b']);
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const npx = spawn('npx', ['--no-install', 'cryfold', 'serve', '--model', path('model'), '--port', '0'], {
      ...{ cwd: ROOT, env: { ...process.env, TMPDIR: temporary } },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let said = '';
    npx.stdout.on('data', (text) => {
      said += text;
    });
    await until('the service', () => said.includes('serving predictions'));
    npx.kill(signal);
    await nothingLeft(10, signal);
  }
});

test('train-final fails if Redis is unreachable, and stops on a signal if Redis disappears', { skip }, async () => {
  const { code, stderr } = await cryfold(run('whole', 1));
  assert.equal(code, 0, stderr);
  const [id] = await readdir(path('whole', 'store', 'runs'));
  const store = { CRYFOLD_STORE: `file:${path('whole', 'store')}`, TMPDIR: temporary };
  const away = await cryfold(['train-final', id, '--of', 'svm'], { ...store, REDIS_URL: 'redis://127.0.0.1:1' });
  assert.equal(away.code, 1);
  assert.match(away.stderr, /^cryfold: REDIS_UNREACHABLE: /m);
  const redis = await RedisProcess.start();
  try {
    const command = start(['train-final', id, '--of', 'svm'], { ...store, REDIS_URL: redis.url });
    await until('the training to wait for a worker', () => command.stderr().includes('no cpu worker'));
    redis.signal('SIGSTOP');
    command.process.kill('SIGTERM');
    assert.equal((await command.ended).code, 4, command.stderr());
  } finally {
    redis.signal('SIGCONT');
    await redis.remove();
  }
  await nothingLeft(5, 'train-final');
});
