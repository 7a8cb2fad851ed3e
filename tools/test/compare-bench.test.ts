import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../src/compare-bench.js', import.meta.url));

/** Creates two checkouts whose `scripts/bench` is the given shell script. It may read $side and append to $log. */
function checkouts(t: TestContext, text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'cryfold-compare-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const log = join(folder, 'log');
  for (const side of ['old', 'new']) {
    mkdirSync(join(folder, side, 'scripts'), { recursive: true });
    const program = join(folder, side, 'scripts', 'bench');
    writeFileSync(program, `#!/bin/sh\nside=${side} log=${log}\n${text}\n`);
    chmodSync(program, 0o755);
  }
  const run = (...args: string[]) => {
    const flags = ['--old', join(folder, 'old'), '--new', join(folder, 'new'), ...args];
    return spawnSync(process.execPath, [PROGRAM, ...flags], { encoding: 'utf8' });
  };
  return { run, runs: () => readFileSync(log, 'utf8').trim().split('\n') };
}

/**
 * A benchmark whose n-th run reports n times 100 folds/s for the old side and n times 150 folds/s for the new side, and
 * misses a target.
 */
const RATES = `echo "$side $*" >>"$log"
n=$(grep -c "^$side" "$log")
[ $side = old ] && rate=100 || rate=150
printf '[{"name":"folds","ours":%d,"unit":"folds/s"},{"name":"%s only","ours":1,"unit":"/s"}]' $((n * rate)) $side
exit 1`;

test('runs both checkouts in alternating order, and reports median ratios of their common results', (t) => {
  const { run, runs } = checkouts(t, RATES);
  const { status, stdout, stderr } = run('--pairs', '3', '--json');
  assert.equal(status, 0, stderr);
  const both = ['old', 'new', 'new', 'old', 'old', 'new'];
  assert.deepEqual(
    runs(),
    both.map((side) => `${side} orchestration --json`),
  );
  const expected = { name: 'folds', unit: 'folds/s', old: 200, new: 300, ratio: 1.5, ratios: [1.5, 1.5, 1.5] };
  assert.deepEqual(JSON.parse(stdout), [expected]);
});

test('fails with the reason if a benchmark cannot run', (t) => {
  const { run } = checkouts(t, 'echo "no Redis here" >&2; exit 2');
  const { status, stdout, stderr } = run('--pairs', '1');
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /no Redis here/);
});
