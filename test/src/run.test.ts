import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { decodeResults } from '@cryfold/evaluation';
import {
  cryfold,
  descendants,
  type Ended,
  logLines,
  ownStore,
  ROOT,
  start,
  TINY_SPEC,
  temporaryFolder,
  until,
} from './command.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let spec: string;
let corpus: string;
/**
 * An undisturbed run with one worker, whose output is in the folder `one`. Tests only read this folder, so that each
 * test can also run alone.
 */
let undisturbed: Ended;
/** The out-of-fold table of the undisturbed run; the tables of all other runs must have the same bytes */
let reference: Buffer;

const args = (out: string, ...more: string[]) => [
  'run',
  spec,
  '--data',
  corpus,
  ...ownStore(join(folder.path, out)),
  ...more,
];

before(async () => {
  folder = await temporaryFolder();
  spec = join(folder.path, 'tiny.yaml');
  corpus = join(folder.path, 'corpus');
  await writeFile(spec, TINY_SPEC);
  await synthesizeCorpus(corpus, { clips: 60, seed: 1 });
  undisturbed = await cryfold(args('one', '--workers', '1'));
  assert.equal(undisturbed.code, 0, undisturbed.stderr);
  reference = await readFile(join(folder.path, 'one', 'out-of-fold.csv'));
});
after(() => folder.remove());

test('trains four models with one worker, and writes Table II, results and probabilities', async () => {
  const results = decodeResults(await readFile(join(folder.path, 'one', 'results.json')), 'results.json');
  assert.equal(results.status, 'complete');
  assert.deepEqual(
    results.models.map(({ name }) => name),
    ['small-cnn', 'tl-resnet50', 'svm', 'combined'],
  );
  for (const { name, folds } of results.models) {
    assert.equal(folds.length, 3, name);
    assert.equal(
      folds.reduce((sum, { testCount }) => sum + testCount, 0),
      60,
      name,
    );
  }
  for (const text of ['combined', 'majority', 'results.json', 'out-of-fold.csv'])
    assert.match(undisturbed.stdout, new RegExp(text));
  assert.equal(reference.toString().trim().split('\n').length, 61);
});

test('reports the same metrics as scikit-learn', async (t) => {
  const python = process.env.CRYFOLD_ORACLE_PYTHON ?? 'python3';
  try {
    execFileSync(python, ['-c', 'import numpy, sklearn'], { stdio: 'ignore' });
  } catch {
    return t.skip('needs a Python with numpy and scikit-learn (scripts/test installs them)');
  }
  const text = execFileSync(python, [join(ROOT, 'scripts', 'check-results'), join(folder.path, 'one')], {
    encoding: 'utf8',
  });
  assert.match(text, /OK/);
});

test('reuses the results and trains nothing when the same command runs again', async () => {
  const out = await copyOfOne('again');
  const before = (await logLines(out)).length;
  const { code, stdout, stderr } = await cryfold(args('again', '--json'));
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).status, 'complete');
  assert.equal((await logLines(out)).length, before);
});

test('produces the same bytes with three workers as with one', async () => {
  const { code, stderr } = await cryfold(args('three', '--workers', '3'));
  assert.equal(code, 0, stderr);
  assert.deepEqual(await readFile(join(folder.path, 'three', 'out-of-fold.csv')), reference);
});

test('detects a damaged result, and trains the fold again, which produces the same bytes', async () => {
  const out = await copyOfOne('damaged');
  const store = join(out, 'store');
  const [fold] = await readdir(join(store, 'folds'));
  const [attempt] = (await readdir(join(store, 'folds', fold))).filter((name) => name !== 'result.json');
  await rm(join(store, 'folds', fold, attempt, 'probabilities.npy'));
  for (const run of await readdir(join(store, 'runs'))) await rm(join(store, 'runs', run, 'results.json'));
  const { code, stderr } = await cryfold(args('damaged'));
  assert.equal(code, 0, stderr);
  assert.deepEqual(await readFile(join(out, 'out-of-fold.csv')), reference);
});

test('processes only the command’s own run, and leaves other runs in the same store alone', async () => {
  const out = join(folder.path, 'mine');
  const many = [...args('mine'), '--repeats', '40', '--estimators', 'svm'];
  const running = start(many);
  await until('a committed fold', async () => (await logLines(out)).some(({ msg }) => msg === 'fold committed'));
  running.process.kill('SIGHUP');
  assert.equal((await running.ended).code, 4);
  const before = (await logLines(out)).length;
  const { code, stderr } = await cryfold([...args('mine'), '--estimators', 'svm', '--seed', '5']);
  assert.equal(code, 0, stderr);
  const started = (await logLines(out)).slice(before).filter(({ msg }) => msg === 'fold started');
  assert.equal(started.length, 3);
});

test('stops on Ctrl-C without orphans, and the same command continues', async () => {
  const out = join(folder.path, 'stopped');
  const running = start(args('stopped', '--workers', '2'));
  const pid = running.process.pid ?? assert.fail('not started');
  await until('a committed fold', async () => (await logLines(out)).some(({ msg }) => msg === 'fold committed'));
  const below = descendants(pid);
  assert.ok(below.length >= 5, 'Redis, coordinator, aggregator and two workers');
  running.process.kill('SIGINT');
  const { code, stderr } = await running.ended;
  assert.equal(code, 4, stderr);
  await until('all processes to exit', () => below.every((one) => !isAlive(one.pid)), 10);
  const committed = (await logLines(out)).filter(({ msg }) => msg === 'fold committed').length;
  const again = await cryfold(args('stopped', '--workers', '2'));
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(await readFile(join(out, 'out-of-fold.csv')), reference);
  const lines = await logLines(out);
  assert.equal(lines.filter(({ msg }) => msg === 'fold committed').length, 9);
  assert.ok(committed < 9);
  assertNoneAfterCommit(lines);
});

test('writes the same bytes after kill -9 of worker, child and coordinator, retraining no finished fold', async () => {
  const out = join(folder.path, 'killed');
  const running = start(args('killed', '--workers', '2'));
  const pid = running.process.pid ?? assert.fail('not started');
  const victim = (text: string) => descendants(pid).find(({ command }) => command.includes(text))?.pid;
  for (const text of ['training-child.js', ' worker ', ' coordinator']) {
    const lines = (await logLines(out)).length;
    const found = await until(`a process ${text}`, () => {
      assert.equal(running.process.exitCode, null, running.stderr());
      return victim(text);
    });
    process.kill(found, 'SIGKILL');
    await until('the work to continue', async () => (await logLines(out)).length > lines);
  }
  const { code, stderr } = await running.ended;
  assert.equal(code, 0, stderr);
  assert.deepEqual(await readFile(join(out, 'out-of-fold.csv')), reference);
  assertNoneAfterCommit(await logLines(out));
});

test('leaves no process behind after kill -9 of the command itself', async () => {
  const out = join(folder.path, 'orphans');
  const running = start(args('orphans', '--workers', '1'));
  const pid = running.process.pid ?? assert.fail('not started');
  await until('a fold to start', async () => (await logLines(out)).some(({ msg }) => msg === 'fold started'));
  const below = descendants(pid);
  assert.ok(below.some(({ command }) => /redis-server|valkey-server/.test(command)));
  running.process.kill('SIGKILL');
  await until('all processes to exit', () => below.every((one) => !isAlive(one.pid)), 30);
});

/** Copies the undisturbed run's folder, including its store, so that a test may change it. */
async function copyOfOne(name: string): Promise<string> {
  const out = join(folder.path, name);
  await cp(join(folder.path, 'one'), out, { recursive: true });
  return out;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function assertNoneAfterCommit(lines: { msg: string; key?: string; trial?: string }[]): void {
  const committed = new Set<string>();
  for (const { msg, key = '', trial } of lines) {
    if (msg === 'fold committed') {
      assert.ok(!committed.has(key), `${trial} ${key} was committed twice`);
      committed.add(key);
    }
    if (msg === 'fold started') assert.ok(!committed.has(key), `${trial} ${key} was trained after its commit`);
  }
}
