import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { CryfoldError, type EvaluatedRun, evaluate, type SpecInput } from 'cryfold';
import { descendants, ROOT, temporaryFolder } from './command.js';
import { withoutRedis } from './testbed.js';

const SPEC: SpecInput = {
  version: 1,
  name: 'library',
  protocol: { splitter: 'StratifiedKFold', folds: 2 },
  estimators: { svm: { kind: 'svm' } },
};
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);

before(async () => {
  folder = await temporaryFolder();
  await synthesizeCorpus(path('recordings'), { clips: 30, seed: 1 });
});
after(() => folder.remove());

/** Returns the example in docs/library.md as JavaScript. */
async function example(): Promise<string> {
  const page = await readFile(join(ROOT, 'docs', 'library.md'), 'utf8');
  const [, code] = /```ts\n(.*?)```/s.exec(page) ?? assert.fail('no example');
  return code.replace('share: number | undefined', 'share');
}

// tools/test/pack.test.ts compares the returned results with the output of `cryfold run --json`.
test('evaluate returns the results in the store, prints nothing, and does not keep its program alive', {
  skip: withoutRedis,
}, async () => {
  await mkdir(path('node_modules'));
  await symlink(join(ROOT, 'packages', 'cli'), path('node_modules', 'cryfold'));
  const program = `${await example()}
    console.log(JSON.stringify(result));`;
  // The services must not inherit the flag `--input-type`. The timeout detects pending handles, which would keep the
  // program alive.
  const host = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    ...{ cwd: folder.path, encoding: 'utf8', timeout: 60_000 },
    env: { ...process.env, REDIS_URL: 'redis://127.0.0.1:1', CRYFOLD_SERVER: 'http://127.0.0.1:1' },
  });
  assert.equal(host.status, 0, host.stderr);
  assert.match(host.stderr, /^reading 30\/30 files$/m);
  const lines = host.stdout.trim().split('\n');
  const result: EvaluatedRun = JSON.parse(lines.pop() ?? '');
  const [svm, nearest, majority, ...warnings] = lines;
  assert.equal(svm.split(' pooled')[0], `svm ${(100 * result.models[0].accuracy!.mean).toFixed(1)} %`);
  assert.match(nearest, /^nearest [\d.]+ % pooled: /);
  assert.match(majority, /^majority class [\d.]+ %$/);
  assert.deepEqual(warnings, [...result.warnings, ...result.leakWarnings]);

  const stored = JSON.parse(await readFile(result.files.results, 'utf8'));
  assert.ok(stored.notes.length > 0);
  assert.deepEqual({ ...result, ...stored }, result);
  assert.equal(dirname(result.files.report), path('evaluations', 'runs', result.run.id));
});

test('an aborted evaluation rejects with the reason once its processes have exited', {
  skip: withoutRedis,
}, async () => {
  const stop = new AbortController();
  const reason = new Error('enough');
  let running = 0;
  const evaluation = evaluate({
    ...{ spec: SPEC, data: path('recordings'), store: path('aborted'), workers: 1, signal: stop.signal },
    onProgress: (line) => {
      if (!/ worker on this machine/.test(line)) return;
      running = descendants(process.pid).length;
      stop.abort(reason);
    },
  });
  await assert.rejects(evaluation, reason);
  // The processes are the keeper of Redis, a coordinator, an aggregator and a worker.
  assert.ok(running >= 4, `${running} processes`);
  assert.deepEqual(
    descendants(process.pid)
      .map(({ command }) => command)
      .filter((one) => !one.startsWith('ps ')),
    [],
  );
});

test('an evaluation that is aborted while reading recordings rejects without starting anything', async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  const evaluation = evaluate({
    ...{ spec: SPEC, data: path('recordings'), store: path('unread'), signal: stop.signal },
    onProgress: (line) => {
      lines.push(line);
      stop.abort();
    },
  });
  await assert.rejects(evaluation, { name: 'AbortError' });
  assert.deepEqual(lines, ['reading 1/30 files']);
  await assert.rejects(evaluate({ spec: SPEC, data: 'nowhere', signal: stop.signal }), { name: 'AbortError' });
});

test('evaluate rejects wrong input with a CryfoldError that has a code, a location and a hint', async () => {
  const data = path('recordings');
  const store = path('wrong');
  const misspelt = { ...SPEC, estimators: { svm: { kind: 'svn' } } } as unknown as SpecInput;
  const cases = [
    [{ spec: misspelt, data }, 'SPEC_INVALID', /^spec: estimators\.svm\.kind: /],
    [{ spec: path('no.yaml'), data }, 'SPEC_INVALID', /no\.yaml: cannot be read/],
    [{ spec: SPEC, data: path('nowhere') }, 'DATA_NOT_FOUND', /nowhere/],
    [{ spec: SPEC, data, workers: 0 }, 'USAGE', /workers/],
    [{ spec: SPEC, data, limit: 1.5 }, 'USAGE', /limit/],
  ] as const;
  for (const [options, code, message] of cases) {
    await assert.rejects(evaluate({ ...options, store }), (error) => {
      assert.ok(error instanceof CryfoldError && error.hint, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  }
});
