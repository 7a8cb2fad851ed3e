import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { withTemporaryFolder } from '../src/temporary-folder.js';

test('a temporary folder is removed when the work succeeds or fails', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'cryfold-test-'));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = parent;
  try {
    const [name] = await withTemporaryFolder('graph', async () => readdirSync(parent));
    assert.match(name, /^cryfold-graph-/);
    await assert.rejects(
      withTemporaryFolder('weights', async () => {
        throw new Error('failed');
      }),
      /failed/,
    );
    assert.deepEqual(readdirSync(parent), []);
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(parent, { recursive: true });
  }
});

test('a child that exits because its parent died removes its temporary folders', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'cryfold-test-'));
  const script = `
    import { writeFileSync } from 'node:fs';
    import { withTemporaryFolder } from ${JSON.stringify(new URL('../src/temporary-folder.js', import.meta.url).href)};
    process.on('disconnect', () => process.exit(0));
    withTemporaryFolder('graph', (folder) => {
      writeFileSync(folder + '/file', '');
      process.send('busy');
      return new Promise(() => {});
    });`;
  const child = fork('-', [], {
    execArgv: ['--input-type=module', '--eval', script],
    env: { ...process.env, TMPDIR: parent },
  });
  try {
    await once(child, 'message');
    assert.equal(readdirSync(parent).length, 1);
    child.disconnect();
    await once(child, 'exit');
    assert.deepEqual(readdirSync(parent), []);
  } finally {
    child.kill('SIGKILL');
    rmSync(parent, { recursive: true });
  }
});
