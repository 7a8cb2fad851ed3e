import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunProgress, SearchProgress } from '@cryfold/coordinator';
import { ProgressDisplay, progressLine } from '../src/progress.js';

const progress: RunProgress = {
  ...{
    run: 'r',
    total: 8,
    done: 3,
    failed: 0,
    found: 0,
    trials: {},
    active: [],
    givenBack: [],
    etaSeconds: null,
    phase: 'folds',
  },
};
const states = { RUNNING: 2, COMPLETE: 1, PRUNED: 0, FAILED: 0 };
const line = (search: Omit<SearchProgress, 'states'>) => progressLine({ ...progress, search: { states, ...search } });

test('shows the metric, folds and epochs of the best trial of a sweep', () => {
  const best = { trial: 'svm-001', mean: 0.48546, folds: 3 };
  assert.match(
    line({ metric: 'balancedAccuracy', best }),
    /trials: 2 running, 1 complete · best svm-001, balanced accuracy 48\.55 % \(3 folds\) · /,
  );
  const epochs = { trained: 2, planned: 8 };
  assert.match(line({ metric: 'logLoss', best: { ...best, epochs } }), /log-loss 0\.4855 \(3 folds, 2 epochs\)/);
  assert.match(line({ metric: 'logLoss', best: null }), /1 complete · 0 running/);
  assert.match(line({ best }), /best svm-001, 0\.4855 \(3 folds\)/, 'from a coordinator of an earlier version');
});

/** A stream that is not a terminal, and the lines written to it. */
function file(): { stream: NodeJS.WriteStream; lines: () => string[] } {
  const parts: string[] = [];
  const stream = { isTTY: false, write: (part: string) => parts.push(part) } as unknown as NodeJS.WriteStream;
  return { stream, lines: () => parts.join('').split('\n').slice(0, -1) };
}

test('writes at most one progress line per tenth of a step to a file, however long the step takes', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const { stream, lines } = file();
  const display = new ProgressDisplay(stream, false);
  for (let done = 0; done <= 200; done++) {
    for (const eta of [9, 8]) {
      display.update(`${done}/200 folds · svm ${done}/200 · about ${eta} s left`);
      t.mock.timers.tick(60_000);
    }
  }
  const folds = lines().map((line) => Number(line.split('/')[0]));
  assert.deepEqual(
    folds,
    Array.from({ length: 11 }, (_, i) => 20 * i),
  );
});

test('writes only a few progress lines about a quick step to a file, and shows each new step', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const { stream, lines } = file();
  const display = new ProgressDisplay(stream, false);
  for (let done = 1; done <= 60; done++) {
    display.update(`reading ${done}/60 files`);
    t.mock.timers.tick(50);
  }
  t.mock.timers.tick(5000);
  display.update('the server does not respond; retrying');
  t.mock.timers.tick(5000);
  display.update('0/12 folds · 0 running');
  assert.deepEqual(lines(), ['reading 1/60 files', 'the server does not respond; retrying', '0/12 folds · 0 running']);
});
