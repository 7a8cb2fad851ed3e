import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressDisplay } from '../src/progress.js';

/** A stream that is no terminal, and what was written to it. */
function file(): { stream: NodeJS.WriteStream; lines: () => string[] } {
  const parts: string[] = [];
  const stream = { isTTY: false, write: (part: string) => parts.push(part) } as unknown as NodeJS.WriteStream;
  return { stream, lines: () => parts.join('').split('\n').slice(0, -1) };
}

test('in a file, a step has a line for each tenth at most, however long it takes', (t) => {
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

test('in a file, quick steps leave few lines, and a new step is shown', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const { stream, lines } = file();
  const display = new ProgressDisplay(stream, false);
  for (let done = 1; done <= 60; done++) {
    display.update(`reading ${done}/60 files`);
    t.mock.timers.tick(50);
  }
  t.mock.timers.tick(5000);
  display.update('the server does not answer; trying again');
  t.mock.timers.tick(5000);
  display.update('0/12 folds · 0 running');
  assert.deepEqual(lines(), [
    'reading 1/60 files',
    'the server does not answer; trying again',
    '0/12 folds · 0 running',
  ]);
});
