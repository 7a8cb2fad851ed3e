import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ClusterStatus } from '@cryfold/run-control';
import { openStore, RunStore } from '@cryfold/store';
import { type FollowedRun, type PollResult, RunFollower } from '../src/run-follower.js';

const RUN = 'birds-1';
const folder = await mkdtemp(join(tmpdir(), 'cryfold-follower-'));
const store = new RunStore(openStore(`file:${folder}`));
after(() => rm(folder, { recursive: true, force: true }));

/** A follower and its output. */
function follower(stop = new AbortController().signal) {
  const lines: string[] = [];
  const show = (text: string) => lines.push(text);
  return { follower: new RunFollower(store, { say: show, update: show }, stop), shown: () => lines.join('\n') };
}

/** A run whose polls return these states in turn, and then keep returning the last one. */
function polls(...found: PollResult[]): FollowedRun & { counts: number[] } {
  const counts: number[] = [];
  return {
    pollMs: 1,
    counts,
    poll: async (count) => {
      counts.push(count);
      return found[Math.min(count, found.length - 1)];
    },
  };
}

const NOBODY: PollResult['cluster'] = {
  queues: { gpu: { waiting: 3 }, cpu: { waiting: 0 } } as NonNullable<ClusterStatus['queues']>,
  workers: [],
  untakenSeconds: { gpu: 40.4 },
};

test('follows a run until it has ended, and reports waiting jobs only once', async () => {
  const waiting: PollResult = { state: 'unfinished', line: '0/5 folds', cluster: NOBODY };
  const run = polls(waiting, waiting, { state: 'ended' });
  const { follower: one, shown } = follower();
  // Returns undefined, because this store has no results.
  assert.equal(await one.follow(RUN, run), undefined);
  assert.deepEqual(run.counts, [0, 1, 2]);
  const text = shown();
  assert.equal(
    text.match(/3 gpu jobs wait, the first for 40 s; no gpu worker is running\. .*--queues gpu/g)?.length,
    1,
    text,
  );
  assert.match(text, /0\/5 folds/);
});

test('fails with CANCELLED and a hint to continue if the run was cancelled', async () => {
  await assert.rejects(follower().follower.follow(RUN, polls({ state: 'unfinished' }, { state: 'cancelled' })), {
    code: 'CANCELLED',
    hint: `Finished folds are kept. To continue the run, use: cryfold retry ${RUN}`,
  });
});

test('stops following without affecting the run, even between polls', async () => {
  const stop = new AbortController();
  const run: FollowedRun = {
    pollMs: 600_000,
    poll: async () => {
      setImmediate(() => stop.abort());
      return { state: 'unfinished' };
    },
  };
  assert.equal(await follower(stop.signal).follower.follow(RUN, run), undefined);
  assert.equal(await follower(stop.signal).follower.follow(RUN, polls({ state: 'cancelled' })), undefined);
});
