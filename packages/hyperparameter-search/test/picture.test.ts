import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrialRow } from '@cryfold/evaluation';
import { sweepPictures } from '../src/index.js';

function row(number: number, parameters: Record<string, unknown>, more: Partial<TrialRow> = {}): TrialRow {
  const trial = `svm-${String(number).padStart(3, '0')}`;
  const figures = { folds: 5, planned: 5, mean: 0.5, standardDeviation: null, low: null, high: null };
  return { ...{ trial, base: 'svm', state: 'COMPLETE', reason: '', parameters }, ...figures, ...more };
}
const space = {
  svm: {
    kernel: { choice: ['rbf', 'linear'] },
    C: { log: [0.1, 1000] },
    gamma: { uniform: [0, 1], when: { kernel: 'rbf' } },
    degree: { int: [2, 5] },
  },
};

test('the history lists trials in starting order, and its best score ignores trials stopped early', () => {
  const rows = [
    row(3, {}, { mean: 0.7 }),
    row(1, {}, { mean: 0.5 }),
    row(2, {}, { mean: 0.9, state: 'PRUNED', folds: 1 }),
    row(4, {}, { mean: 0.6 }),
    row(5, {}, { mean: null, state: 'RUNNING', folds: 0 }),
    row(6, {}, { mean: 0.9, state: 'FAILED' }),
  ];
  const [{ trials }] = sweepPictures({}, { metric: 'accuracy', trials: rows });
  assert.deepEqual(
    trials.map(({ number, best, complete }) => [number, best, complete]),
    [
      [1, 0.5, true],
      [2, 0.5, false],
      [3, 0.7, true],
      [4, 0.7, true],
    ],
  );
  const loss = sweepPictures({}, { metric: 'logLoss', trials: rows });
  assert.deepEqual(
    loss[0].trials.map(({ best }) => best),
    [0.5, 0.5, 0.5, 0.5],
    'a smaller log-loss is better',
  );
});

test('axes cover the searched range on its scale, and parameters that are not set are placed outside the range', () => {
  const rows = [
    row(1, { kernel: 'rbf', C: 10, gamma: 0.25, degree: 2 }),
    row(2, { kernel: 'linear', C: 1000, degree: 5 }),
  ];
  const [{ axes, trials }] = sweepPictures({ search: { space } }, { metric: 'accuracy', trials: rows });
  assert.deepEqual(
    axes.map(({ name }) => name),
    ['kernel', 'C', 'gamma', 'degree'],
  );
  assert.deepEqual(
    trials.map(({ at }) => at),
    [
      [0, 0.5, 0.25, 0],
      [1, 1, -0.15, 1],
    ],
  );
  assert.deepEqual(axes[0].ticks, [
    { at: 0, text: 'rbf' },
    { at: 1, text: 'linear' },
  ]);
  assert.deepEqual(
    axes[1].ticks.map(({ text }) => text),
    ['0.1', '1', '10', '100', '1000'],
  );
  assert.deepEqual(
    axes[2].ticks.map(({ text }) => text),
    ['not set', '0', '0.5', '1'],
  );
  assert.deepEqual(
    axes[3].ticks.map(({ text }) => text),
    ['2', '4', '5'],
  );
});

test('axis ticks are distinct, even on narrow ranges', () => {
  const ticksOf = (parameter: Record<string, unknown>, value: number) => {
    const spec = { search: { space: { svm: { C: parameter } } } };
    const [{ axes }] = sweepPictures(spec, { metric: 'accuracy', trials: [row(1, { C: value })] });
    return axes[0].ticks.map(({ text }) => text);
  };
  assert.deepEqual(ticksOf({ int: [2, 3] }, 2), ['2', '3']);
  assert.deepEqual(ticksOf({ uniform: [0.12345, 0.12349] }, 0.12346), ['0.12345', '0.12347', '0.12349']);
  assert.deepEqual(ticksOf({ uniform: [1000, 1001] }, 1000), ['1000', '1000.5', '1001']);
  assert.deepEqual(ticksOf({ uniform: [0, 0.3333333] }, 0.1), ['0', '0.167', '0.333']);
  assert.deepEqual(ticksOf({ uniform: [-1, 1] }, 0.1), ['-1', '0', '1']);
  assert.deepEqual(ticksOf({ log: [1e-9, 1e-3] }, 1e-5), ['1e-9', '1e-7', '1e-5', '0.001']);
});

test('without a readable search space, axes cover the values that were tried', () => {
  const rows = [row(1, { C: 2, filters: [4, 8] }), row(2, { C: 4, filters: [8] })];
  for (const spec of [{}, { search: { space: { svm: { C: { gaussian: 1 } } } } }, { search: 7 }]) {
    const [{ axes, trials }] = sweepPictures(spec, { metric: 'accuracy', trials: rows });
    assert.deepEqual(
      axes.map(({ ticks }) => ticks.map(({ text }) => text)),
      [
        ['2', '3', '4'],
        ['[4,8]', '[8]'],
      ],
    );
    assert.deepEqual(
      trials.map(({ at }) => at),
      [
        [0, 0],
        [1, 1],
      ],
    );
  }
});

test('a large sweep keeps its best trials, and each estimator has its own picture', () => {
  const rows = Array.from({ length: 1000 }, (_, i) => row(i + 1, { C: i }, { mean: i / 1000 }));
  const others = [{ ...row(1, { epochs: 3 }), base: 'small-cnn', trial: 'small-cnn-001 (random weights)' }];
  const [svm, network] = sweepPictures({}, { metric: 'accuracy', trials: [...rows, ...others] });
  assert.deepEqual([svm.trials.length, svm.hidden, svm.trials[0].number], [400, 600, 601]);
  assert.deepEqual([network.base, network.trials[0].number, network.hidden], ['small-cnn', 1, 0]);
});
