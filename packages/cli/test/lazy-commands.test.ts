import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/cryfold.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cryfold-lazy-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** URLs of the scripts that a command loads, from V8 coverage. */
function loadedBy(...args: string[]): string[] {
  const coverage = mkdtempSync(join(folder, 'coverage-'));
  const env = { PATH: process.env.PATH, HOME: folder, NODE_V8_COVERAGE: coverage };
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8', env, cwd: folder });
  assert.equal(status, 0, stderr);
  return readdirSync(coverage).flatMap((file) =>
    JSON.parse(readFileSync(join(coverage, file), 'utf8')).result.map(({ url }: { url: string }) => url),
  );
}

test('loads no command, store, queue or configuration for --help', () => {
  for (const args of [['--help'], ['run', '--help'], ['worker', '--help']]) {
    const loaded = loadedBy(...args);
    assert.ok(loaded.some((url) => url.endsWith('/cli/dist/src/main.js') || url.endsWith('/service-program.js')));
    const heavy = /packages\/(features|local-run|nn|plan|queue|report|run-control|runtime|store)\/|-command\.js$/;
    assert.deepEqual(
      loaded.filter((url) => heavy.test(url)),
      [],
      args.join(' '),
    );
  }
});

test('loads no numerical or training code for listing the runs of a folder', () => {
  // The kinds of estimators include the layers of their networks, but not the code that computes with these layers.
  const layers = 'nn(?!\\/dist\\/src\\/(augment|graph|layers|models|ops)\\/)';
  const local = 'local-run(?!\\/dist\\/src\\/(live-run|out-lock)\\.js)';
  const heavy = new RegExp(
    `packages\\/(api-server|coordinator|${local}|${layers}|prediction-server|svm|worker)\\/|tfjs`,
  );
  assert.deepEqual(
    loadedBy('list').filter((url) => heavy.test(url)),
    [],
  );
});
