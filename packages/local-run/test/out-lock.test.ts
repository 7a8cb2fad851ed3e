import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { CryfoldError, sha256 } from '@cryfold/core';
import { lockFolder } from '../src/out-lock.js';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cryfold-lock-'));
});
after(() => rm(folder, { recursive: true }));

const inUse = (error: unknown) => error instanceof CryfoldError && error.code === 'OUT_IN_USE';

test('refuses a folder while the process that locked it is alive, and takes over from a killed process', async () => {
  const holder = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(holder, 'spawn');
  await writeFile(join(folder, '.lock'), `${holder.pid} ${hostname()}\n`);
  assert.throws(() => lockFolder(folder), inUse);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const release = lockFolder(folder);
  release();
  assert.deepEqual(await readdir(folder), []);
});

test('respects the locks of other machines, and ignores an empty lock', async () => {
  await writeFile(join(folder, '.lock'), `1 not-${hostname()}\n`);
  assert.throws(() => lockFolder(folder), inUse);
  await writeFile(join(folder, '.lock'), '');
  lockFolder(folder)();
});

/** A process that tries to lock each folder it receives, and reports whether it succeeded. */
const CONTENDER = `
  const { lockFolder } = await import(process.argv[1]);
  process.on('message', ({ folder }) => {
    try { lockFolder(folder); process.send('held'); } catch (error) { process.send(error.code); }
  });
  process.send('ready');
`;
const OUT_LOCK = new URL('../src/out-lock.js', import.meta.url).href;

async function contender(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', CONTENDER, OUT_LOCK], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return child;
}

const STALE: Record<string, string> = {
  'of a dead process': `999999999 ${hostname()}\n`,
  empty: '',
  'of garbage': '\u0000\u001b[2J not a lock\n',
  'of a number that another process has now': `${process.ppid} ${hostname()} 1 0123\n`,
};

test('lets exactly one of four commands take over any kind of stale lock', { timeout: 180_000 }, async () => {
  const children = await Promise.all([1, 2, 3, 4].map(contender));
  try {
    let round = 0;
    for (const [what, text] of [...Object.entries(STALE), ['none', undefined] as const]) {
      for (let i = 0; i < 40; i++) {
        const out = join(folder, `round-${round++}`);
        await mkdir(out);
        if (text !== undefined) await writeFile(join(out, '.lock'), text);
        const answers = children.map((child) => once(child, 'message').then(([answer]) => answer as string));
        for (const child of children) child.send({ folder: out });
        const got = (await Promise.all(answers)).sort();
        assert.deepEqual(got, ['OUT_IN_USE', 'OUT_IN_USE', 'OUT_IN_USE', 'held'], `a lock ${what}, try ${i}`);
        assert.deepEqual(await readdir(out), ['.lock'], `a lock ${what}, try ${i}`);
      }
    }
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
});

test('is not blocked by a command killed while taking over a stale lock', { timeout: 180_000 }, async () => {
  for (let i = 0; i < 12; i++) {
    const out = join(folder, `killed-${i}`);
    await mkdir(out);
    await writeFile(join(out, '.lock'), `999999999 ${hostname()}\n`);
    // Locks and releases in a loop until it is killed at a random point.
    const busy = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { lockFolder } = await import(process.argv[1]);
         const { writeFileSync } = await import('node:fs');
         process.stdout.write('on\\n');
         for (;;) { lockFolder(process.argv[2])(); writeFileSync(process.argv[2] + '/.lock', '999999999 ${hostname()}\\n'); }`,
        OUT_LOCK,
        out,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(createInterface(busy.stdout), 'line');
    busy.kill('SIGKILL');
    await once(busy, 'exit');
    lockFolder(out)();
  }
});

test('takes over a stale lock if all its claimants died, and removes their claims', async () => {
  const out = join(folder, 'claims');
  await mkdir(out);
  const texts = [1, 2, 3].map((n) => `99999999${n} ${hostname()} 5 abc${n}\n`);
  await writeFile(join(out, '.lock'), texts[0]);
  await writeFile(join(out, `.lock-${sha256(texts[0])}`), texts[1]);
  await writeFile(join(out, `.lock-${sha256(texts[1])}`), texts[2]);
  const release = lockFolder(out);
  assert.deepEqual(await readdir(out), ['.lock']);
  assert.match(await readFile(join(out, '.lock'), 'utf8'), new RegExp(`^${process.pid} `));
  assert.throws(() => lockFolder(out), inUse);
  release();
});

test('if the lock is a link, a pipe or a folder, neither follows it, nor waits for it, nor removes it', async () => {
  const out = join(folder, 'odd');
  await mkdir(out);
  await writeFile(join(folder, 'precious'), 'mine');
  await symlink(join(folder, 'precious'), join(out, '.lock'));
  lockFolder(out)();
  assert.equal(await readFile(join(folder, 'precious'), 'utf8'), 'mine');
  execFileSync('mkfifo', [join(out, '.lock')]);
  lockFolder(out)();
  await mkdir(join(out, '.lock'));
  assert.throws(() => lockFolder(out), { code: 'OUT_UNWRITABLE' });
  assert.deepEqual(await readdir(out), ['.lock']);
});

test('does not release the lock of another command if its own was deleted manually', async () => {
  const out = join(folder, 'by-hand');
  await mkdir(out);
  const release = lockFolder(out);
  await writeFile(join(out, '.lock'), `1 not-${hostname()}\n`);
  release();
  assert.deepEqual(await readdir(out), ['.lock']);
});
