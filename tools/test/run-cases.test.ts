import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missingTest } from '../src/cases/missing-test.js';
import { GROUPS } from '../src/cases/registry.js';

const cases = GROUPS.flatMap((group) => group.cases);
const tool = fileURLToPath(new URL('../src/run-cases.js', import.meta.url));
const run = (...args: string[]) => spawnSync(process.execPath, [tool, ...args], { encoding: 'utf8' });

test('every case has a unique name, and is pending or refers to an existing test', async () => {
  assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
  for (const one of cases) assert.equal(await missingTest(one), undefined, one.name);
  const tests = [{ file: cases[0].tests[0].file, name: 'what no test is called' }];
  assert.match((await missingTest({ tests })) ?? '', /has no test "what no test is called"/);
  assert.equal(await missingTest({ tests: [] }), 'no test covers it');
});

test('reports a case that cannot run as failed, and refuses a folder of cases that does not exist', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'cryfold-no-cases-'));
  try {
    const one = run('--cases', empty, '--only', '14 semicolon');
    assert.equal(one.status, 1, one.stderr);
    assert.match(one.stdout, /^14 semicolon: FAILED {2}cannot be run: .*14-manifest\.py/);
    assert.match(one.stdout, /\n0 passed, 1 failed\n$/);
    const none = run('--cases', join(empty, 'absent'));
    assert.equal(none.status, 2);
    assert.match(none.stderr, /absent does not exist/);
  } finally {
    await rm(empty, { recursive: true });
  }
});
