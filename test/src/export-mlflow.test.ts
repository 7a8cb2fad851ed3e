import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { synthesizeCorpus } from '@cryfold/corpus';
import { parse } from 'yaml';
import { cryfold, ROOT, temporaryFolder } from './command.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
before(async () => {
  folder = await temporaryFolder();
});
after(() => folder.remove());

const SPEC = `
version: 1
name: cry
protocol: { folds: 3, repeats: 1 }
estimators:
  hard: { kind: svm }
  soft: { kind: svm, C: 0.5, classWeight: { pain: 2 } }
fusion:
  both: { members: [hard, soft] }
search:
  algorithm: grid
  space:
    soft: { C: { choice: [0.01, 50] } }
`;

/** Finds a Python with MLflow: CRYFOLD_MLFLOW_PYTHON or the default Python. */
function pythonWithMlflow(): string | undefined {
  const python = process.env.CRYFOLD_MLFLOW_PYTHON ?? 'python3';
  try {
    execFileSync(python, ['-c', 'import mlflow.store.fs2db'], { stdio: 'ignore' });
    return python;
  } catch {
    return undefined;
  }
}

test('exports runs, their models and final models so that MLflow reads back every value', async (t) => {
  const at = (name: string) => join(folder.path, name);
  await synthesizeCorpus(at('corpus'), { clips: 60, seed: 2 });
  await writeFile(at('spec.yaml'), SPEC);
  const done = async (...args: string[]) => {
    const { code, stdout, stderr } = await cryfold([...args, '--json'], { CRYFOLD_STORE: `file:${at('store')}` });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };
  const results = await done('run', at('spec.yaml'), '--data', at('corpus'), '--out', at('out'), '--workers', '1');
  const { card } = await done('train-final', results.run.id);
  await done('models', 'promote', `cry@${card.version}`);
  for (const _ of ['once', 'again']) {
    const exported = await done('export', 'mlflow', '--to', at('ml runs'));
    assert.deepEqual([exported.runs, exported.models], [[results.run.id], 1]);
  }

  const told = await cryfold(['export', 'mlflow', '--to', at('ml runs')], { CRYFOLD_STORE: `file:${at('store')}` });
  assert.match(told.stdout, /^1 run and 1 model version exported to /);

  // Checks the files that MLflow's file store requires, without MLflow itself.
  const experiments = (await readdir(at('ml runs'))).filter((name) => /^\d{2,}$/.test(name));
  assert.equal(experiments.length, 1);
  const runs = (await readdir(join(at('ml runs'), experiments[0]))).filter((name) => name !== 'meta.yaml');
  assert.equal(runs.length, 1 + results.models.length + results.search.trials.length);
  const names = new Map<string, string>();
  for (const id of runs) {
    const run = join(at('ml runs'), experiments[0], id);
    const meta = parse(await readFile(join(run, 'meta.yaml'), 'utf8'));
    assert.equal(meta.run_id, id);
    assert.equal(meta.experiment_id, experiments[0]);
    assert.equal(meta.artifact_uri, pathToFileURL(join(run, 'artifacts')).href);
    assert.ok(meta.end_time >= meta.start_time);
    names.set(meta.run_name, run);
  }
  const points = (await readFile(join(names.get('soft') ?? '', 'metrics', 'fold.accuracy'), 'utf8')).trim().split('\n');
  const soft = results.models.find(({ name }: { name: string }) => name === 'soft');
  assert.deepEqual(
    points.map((line) => line.split(' ').slice(1).map(Number)),
    soft.folds.map(({ accuracy }: { accuracy: number }, i: number) => [accuracy, i]),
  );
  assert.equal(await readFile(join(names.get('soft') ?? '', 'params', 'C'), 'utf8'), '50');
  // The plain name of a metric refers to its mean over folds. Pooled metrics and their intervals have separate names.
  const metric = async (name: string) =>
    Number((await readFile(join(names.get('soft') ?? '', 'metrics', name), 'utf8')).split(' ')[1]);
  assert.equal(await metric('accuracy'), soft.accuracy.mean);
  assert.equal(await metric('pooled.accuracy'), soft.pooled.accuracy);
  assert.equal(await metric('pooled.accuracy.low95'), soft.pooled.intervals.accuracy.low);
  assert.equal(await metric('pooled.recall.pain'), soft.pooled.perClass.at(-1).recall);
  const written = await readdir(join(names.get('soft') ?? '', 'metrics'));
  assert.deepEqual(
    written.filter((name) => /^(?!pooled\.).*(95|recall|precision)/.test(name)),
    [],
  );
  const { pooled } = results.models.find(({ name }: { name: string }) => name === card.of);
  assert.equal(card.metrics[0].pooled.accuracy, pooled.accuracy);
  // The final model is the winner, and its card says how it was chosen.
  assert.deepEqual([card.search.nested, card.search.winners[0].parameters], [false, { C: 50 }]);
  assert.ok(card.limits.some((limit: string) => limit.includes('too optimistic')));

  const none = await cryfold(['export', 'mlflow', 'nothing-1', '--to', at('none')], {
    CRYFOLD_STORE: `file:${at('store')}`,
  });
  assert.equal(none.code, 2);
  assert.match(none.stderr, /RUN_NOT_FOUND/);

  const python = pythonWithMlflow();
  if (!python) return t.diagnostic('skipped the check with MLflow: it is not installed (pip install mlflow)');
  const { stdout } = await promisify(execFile)(python, [join(ROOT, 'scripts', 'check-mlflow'), at('ml runs')]);
  assert.match(stdout, /file store: 3 runs of models, 2 trials, 1 versions of final models\nSQLite after .*: the same/);
});
