import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FoldJob, Priority } from '@cryfold/plan';
import { MAX_PRIORITY } from '@cryfold/queue';
import { FairLane } from '../src/fair-lane.js';

const jobs = (run: string, count: number): FoldJob[] =>
  Array.from({ length: count }, (_, i) => ({ key: `${run}-${i}`, trial: run, queue: 'cpu', split: i, seed: 0 }));

/** A queue ordered as in BullMQ: by ascending priority, then by insertion. */
class OneQueue {
  readonly #waiting: { key: string; priority: number }[] = [];

  get front(): number | undefined {
    return this.#waiting.length > 0 ? Math.min(...this.#waiting.map(({ priority }) => priority)) : undefined;
  }

  fill(lane: FairLane, room: number, priority: Priority = 'normal'): void {
    const taken = lane.take({ front: this.front, room, priority }, () => true);
    for (const { job, priority } of taken) this.#waiting.push({ key: job.key, priority });
  }

  take(): string | undefined {
    const at = this.#waiting.findIndex(({ priority }) => priority === this.front);
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0].key;
  }

  /** Takes `count` jobs. @returns the number of jobs of each run */
  shares(count: number): Record<string, number> {
    const shares: Record<string, number> = {};
    for (let i = 0; i < count; i++) {
      const run = (this.take() ?? 'none').split('-')[0];
      shares[run] = (shares[run] ?? 0) + 1;
    }
    return shares;
  }
}

function lane(run: string, count: number): FairLane {
  const made = new FairLane();
  made.reset(jobs(run, count), []);
  return made;
}

test('lets two runs of equal priority progress equally, even if one enqueued all its folds first', () => {
  const queue = new OneQueue();
  queue.fill(lane('a', 1000), 1000);
  queue.shares(300);
  queue.fill(lane('b', 1000), 1000);
  const { a, b } = queue.shares(1000);
  assert.ok(Math.abs(a - b) <= 1, `${a} and ${b}`);
});

test('starts a small run on a busy queue immediately, alternating its folds with those of the large run', () => {
  const queue = new OneQueue();
  queue.fill(lane('sweep', 2000), 2000);
  queue.shares(100);
  queue.fill(lane('small', 10), 10);
  assert.equal(queue.shares(21).small, 10);
});

test('gives each priority level four times the share of the level below', () => {
  const queue = new OneQueue();
  queue.fill(lane('low', 200), 200, 'low');
  queue.fill(lane('normal', 500), 500, 'normal');
  queue.fill(lane('high', 2000), 2000, 'high');
  const { low, normal, high } = queue.shares(2100);
  assert.ok(Math.abs(normal / low - 4) < 0.1, `${normal} / ${low}`);
  assert.ok(Math.abs(high / normal - 4) < 0.1, `${high} / ${normal}`);
});

test('does not let a run accumulate turns while it has no jobs', () => {
  const queue = new OneQueue();
  queue.fill(lane('a', 1000), 1000);
  queue.shares(500);
  queue.fill(lane('b', 400), 400);
  assert.deepEqual(queue.shares(200), { a: 100, b: 100 });
});

test('drains the queue and restarts from the first tag when tags run out', () => {
  const queue = new OneQueue();
  const long = lane('a', 300);
  // This is the state after half a million folds on a queue that was never empty.
  long.take({ front: MAX_PRIORITY - 20, room: 0, priority: 'normal' }, () => true);
  long.take({ front: MAX_PRIORITY - 20, room: 2, priority: 'normal' }, () => true);
  assert.equal(long.take({ front: MAX_PRIORITY - 12, room: 100, priority: 'normal' }, () => true).length, 4);
  assert.deepEqual(
    long.take({ front: MAX_PRIORITY, room: 100, priority: 'normal' }, () => true),
    [],
  );
  queue.fill(long, 10);
  assert.equal(queue.front, 1);
  assert.deepEqual(queue.shares(10), { a: 10 });
});

test('skips folds that are no longer needed', () => {
  const one = lane('a', 3);
  const taken = one.take({ front: undefined, room: 3, priority: 'normal' }, (key) => key !== 'a-1');
  assert.deepEqual(
    taken.map(({ job }) => job.key),
    ['a-0', 'a-2'],
  );
  assert.equal(one.enqueued, 2);
});
