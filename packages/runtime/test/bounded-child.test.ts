import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { asOutOfMemory } from '@cryfold/core';
import { BoundedChild, defaultChildMemoryMb } from '../src/index.js';

const HUNGRY = fileURLToPath(new URL('./hungry.js', import.meta.url));
const skip = process.platform !== 'linux' && 'only Linux limits the memory of a process';

function hungry(limitMb: number, ...args: string[]) {
  return new BoundedChild(HUNGRY, { args, limitMb, hint: 'Eat less.', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
}

/** Sends a child its task. Returns the child's reply, or how the child exited. */
async function eat(child: BoundedChild) {
  child.begin();
  child.process.send({});
  const ended = once(child.process, 'close').then(([, signal]) => ({ signal, answer: undefined }));
  const answered = once(child.process, 'message').then(([answer]) => ({ signal: null, answer }));
  return Promise.race([ended, answered]);
}

test('kills a child above its limit, and reports the amount and a hint', { skip }, async () => {
  const child = hungry(300, 'touch', '1500');
  const { signal } = await eat(child);
  assert.equal(signal, 'SIGKILL');
  const error = child.outOfMemory(signal);
  assert.equal(error?.code, 'OUT_OF_MEMORY');
  assert.match(error?.message ?? '', /^it used \d+ MiB of memory; the limit is 300 MiB$/);
  assert.equal(error?.hint, 'Eat less.');
});

test('makes an absurdly large allocation fail immediately, under any overcommit policy', { skip }, async (t) => {
  const child = hungry(300, 'reserve');
  t.after(() => child.process.kill('SIGKILL'));
  const { answer } = await eat(child);
  assert.equal(asOutOfMemory(new Error(answer.error))?.code, 'OUT_OF_MEMORY', answer.error);
  const limits = readFileSync(`/proc/${child.process.pid}/limits`, 'utf8');
  assert.match(limits, new RegExp(`Max data size\\s+${(2 * 300 + 1024) * 2 ** 20}\\s`));
});

test('lets a child work within its limit, with a higher OOM score than its parent', { skip }, async (t) => {
  const child = hungry(1000, 'touch', '100');
  t.after(() => child.process.kill('SIGKILL'));
  const { answer } = await eat(child);
  assert.deepEqual(answer, { done: 5 });
  const score = (pid: number | string | undefined) => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));
  assert.equal(score(child.process.pid), Math.min(1000, score('self') + 500));
  child.process.kill('SIGKILL');
  const [, signal] = await once(child.process, 'close');
  assert.equal(child.outOfMemory(signal), undefined, 'a kill from outside is not attributed to memory');
});

test('removes the temporary folders of a killed child and no others', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cryfold-test-'));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = folder;
  t.after(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true });
  });
  const others = ['cryfold-graph-AbCdEf', 'cryfold-graph-0123456789abcdef-AbCdEf', 'cryfold-redis-AbCdEf'];
  for (const name of others) mkdirSync(join(folder, name));
  const child = hungry(300, 'temporary');
  await eat(child);
  assert.equal(readdirSync(folder).length, others.length + 1);
  child.process.kill('SIGKILL');
  await once(child.process, 'close');
  assert.deepEqual(readdirSync(folder).sort(), others.sort());
});

/** Runs `hungry.js parent` in its own memory cgroup (v2 or v1); returns undefined if no such cgroup can be created. */
function inCgroup(mib: number, ...args: number[]) {
  const name = `cryfold-test-${process.pid}`;
  for (const [root, limit] of [
    ['/sys/fs/cgroup', 'memory.max'],
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
  ]) {
    const folder = `${root}/${name}`;
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    try {
      if (!existsSync(`${folder}/${limit}`)) continue;
      writeFileSync(`${folder}/${limit}`, String(mib * 2 ** 20));
      const script = 'echo $$ >"$0"; exec "$@"';
      const command = [process.execPath, HUNGRY, 'parent', ...args.map(String)];
      const output = execFileSync('sh', ['-c', script, `${folder}/cgroup.procs`, ...command], { encoding: 'utf8' });
      return JSON.parse(output.split('\n')[0]);
    } finally {
      // The folder can only be removed once the children have exited, which they do just after their parent.
      for (let tries = 0; existsSync(folder) && tries < 100; tries++)
        spawnSync('sh', ['-c', 'rmdir "$0" || sleep 0.1', folder]);
    }
  }
  return undefined;
}

const NO_CGROUP = 'cannot create a memory cgroup here (root only)';

test('recognises a child that the kernel OOM-killed, while the parent survives', { skip }, (t) => {
  const ended = inCgroup(200, 1, 1000, 4000);
  if (!ended) return t.skip(NO_CGROUP);
  assert.equal(ended.signal, 'SIGKILL');
  assert.equal(ended.error?.code, 'OUT_OF_MEMORY');
  assert.match(ended.error.message, /the kernel killed it/);
});

test('kills the largest child when all children together exceed the available memory', { skip }, (t) => {
  // Together, the children may use 744 MiB: 1000 MiB minus the reserve of 256. Each child stays within its own limit.
  const ended = inCgroup(1000, 2, 370, 700);
  if (!ended) return t.skip(NO_CGROUP);
  assert.equal(ended.error?.code, 'OUT_OF_MEMORY');
  assert.match(ended.error.message, /2 child processes used \d+ MiB of memory together .*; the limit is 744 MiB/);
});

test('leaves a sixteenth of the memory, and at least 256 MiB, to other processes by default', () => {
  assert.equal(defaultChildMemoryMb(4096), 3840);
  assert.equal(defaultChildMemoryMb(64 * 1024), 60 * 1024);
  assert.equal(defaultChildMemoryMb(300), 256);
});
