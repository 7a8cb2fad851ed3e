import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunResults } from '@cryfold/evaluation';
import { CELL, GridModel } from '../src/grid-model.js';
import { planOf } from './small-run.js';

const TWO = '{ a: { kind: small-cnn }, b: { kind: svm } }';
const states = (model: GridModel) => model.snapshot().cells.map(([state]) => state);
const failed = { code: 'WAV_INVALID', message: 'truncated' } as const;
const resultsOf = (model: string, accuracies: number[]) =>
  ({
    models: [
      { kind: 'estimator', name: model, folds: accuracies.map((accuracy, fold) => ({ repeat: 0, fold, accuracy })) },
    ],
    baselines: {},
  }) as unknown as RunResults;

test('shows each job of the plan as a cell at its trial, repeat and fold', () => {
  const { trials, places, cells } = new GridModel(planOf(TWO)).snapshot();
  assert.deepEqual(
    trials.map(({ name }) => name),
    ['a', 'b'],
  );
  assert.deepEqual(places.map(([trial, repeat, fold]) => `${trial}/${repeat}/${fold}`).sort(), [
    '0/0/0',
    '0/0/1',
    '0/0/2',
    '1/0/0',
    '1/0/1',
    '1/0/2',
  ]);
  assert.deepEqual(cells, Array(6).fill([CELL.waiting, 0, null, null]));
});

test('includes the caveat about random weights in titles', () => {
  const source = 'store:weights/x.h5#sha256=x';
  const plan = planOf(`{ r: { kind: tl-resnet50 }, p: { kind: tl-resnet50, weights: '${source}' }, s: { kind: svm } }`);
  assert.deepEqual(
    new GridModel(plan).snapshot().trials.map(({ name, title }) => [name, title]),
    [
      ['r', 'r (random weights)'],
      ['p', 'p'],
      ['s', 's'],
    ],
  );
});

test('reports each changed cell once, and leaves out unchanged cells', () => {
  const model = new GridModel(planOf(TWO));
  model.setActive([{ trial: 'a', repeat: 0, fold: 1, fraction: 0.5 }]);
  const at = model.snapshot().places.findIndex(([trial, , fold]) => trial === 0 && fold === 1);
  assert.deepEqual(model.takeChanges(), [[at, CELL.active, 0.5, null, null]]);
  model.setActive([{ trial: 'a', repeat: 0, fold: 1, fraction: 0.5 }]);
  assert.deepEqual(model.takeChanges(), []);
});

test('returns folds that stopped training, so that their results can be read', () => {
  const model = new GridModel(planOf(TWO));
  const active = [{ trial: 'a', repeat: 0, fold: 0, fraction: 0.9 }];
  assert.deepEqual(model.setActive(active), []);
  const left = model.setActive([]);
  assert.deepEqual(
    left.map(({ trial }) => trial),
    ['a'],
  );
  model.setDone(left[0].key);
  model.setActive(active);
  assert.equal(model.count(CELL.done), 1, 'a late report about a finished fold changes nothing');
});

test('shows equal folds of two trials as one fold with two cells', () => {
  const model = new GridModel(planOf('{ a: { kind: svm }, b: { kind: svm } }'));
  const missing = model.missing();
  assert.equal(missing.length, 3);
  model.setResult(missing[0].key, 0.75, 2);
  assert.deepEqual(
    model.takeChanges().map(([, ...cell]) => cell),
    [
      [CELL.done, 1, 0.75, 2],
      [CELL.done, 1, 0.75, 2],
    ],
  );
  assert.equal(model.valueOf(missing[0].key), 0.75);
});

test('groups folds by failure reason, and shows retried folds as waiting', () => {
  const model = new GridModel(planOf(TWO));
  const [first, second, third] = model.plan.jobs.map(({ key }) => key);
  model.setDone(third);
  model.explain(new Map([first, second, third].map((key) => [key, failed])));
  assert.deepEqual(model.failures(), [], 'no cell shows it yet');
  model.markFailed();
  assert.deepEqual(model.failures(), [{ ...failed, cells: [0, 1] }]);
  model.explain(new Map([[second, failed]]));
  model.markFailed();
  assert.deepEqual(states(model).slice(0, 3), [CELL.waiting, CELL.failed, CELL.done]);
});

test('shows the metric of the run in cells', () => {
  const plan = planOf(TWO);
  const model = new GridModel({ ...plan, spec: { ...plan.spec, metric: 'logLoss' } });
  assert.deepEqual(model.snapshot().figure, { title: 'log-loss', sign: -1, share: false });
  const results = resultsOf('a', [0.5, 1, 0.75]);
  const folds = results.models[0].folds.map((fold) => ({ ...fold, logLoss: 1 + fold.fold }));
  model.end({ ...results, models: [{ ...results.models[0], folds }] }, () => false);
  const { cells, places } = model.snapshot();
  for (const [i, [trial, , fold]] of places.entries()) if (trial === 0) assert.equal(cells[i][2], 1 + fold);
});

test('reads accuracies from the results of an ended run, and marks folds without an accuracy as failed', () => {
  const model = new GridModel(planOf(TWO));
  const [first] = model.plan.jobs;
  model.setResult(first.key, 0.5, 3);
  const untimed = model.end(resultsOf('a', [0.5, 1]), () => false);
  const cells = model.snapshot().cells.map(([state, , accuracy]) => [state, accuracy]);
  const { places } = model.snapshot();
  for (const [i, [trial, , fold]] of places.entries()) {
    const known = trial === 0 && fold !== 2;
    assert.deepEqual(cells[i], known ? [CELL.done, fold === 0 ? 0.5 : 1] : [CELL.failed, null]);
  }
  assert.ok(untimed.length > 0 && untimed.every(({ key }) => key !== first.key), 'the duration of the first is known');
});

test('keeps the results of losing trials at the end of a sweep', () => {
  const model = new GridModel(planOf(TWO));
  const loser = model.plan.jobs.filter(({ trial }) => trial === 'b');
  model.setResult(loser[0].key, 0.25, 1);
  model.end(resultsOf('a', [1, 1, 1]), ({ trial }) => trial === 'b');
  assert.equal(model.valueOf(loser[0].key), 0.25);
  assert.equal(model.count(CELL.failed), 2, 'its other folds were never trained');
});

test('keeps the state of folds when the plan grows', () => {
  const both = planOf(TWO);
  const model = new GridModel({ ...both, jobs: both.jobs.filter(({ trial }) => trial === 'a') });
  model.setResult(model.plan.jobs[1].key, 1, 2);
  assert.equal(model.replan(model.plan), false);
  assert.equal(model.replan(both), true);
  assert.equal(model.valueOf(both.jobs.filter(({ trial }) => trial === 'a')[1].key), 1);
  assert.equal(states(model).length, 6);
  assert.deepEqual(model.takeChanges(), [], 'the whole grid is published instead');
});
