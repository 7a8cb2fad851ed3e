import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import type { ClusterStatus, RunStatus } from '@cryfold/run-control';
import { openStore, RunStore } from '@cryfold/store';
import { ProgressDisplay } from '../src/progress.js';
import { type FollowedRun, type Look, RunFollower } from '../src/run-follower.js';
import { ServerRun } from '../src/server-run.js';

const RUN = 'cries-1';
const folder = await mkdtemp(join(tmpdir(), 'cryfold-follower-'));
const store = new RunStore(openStore(`file:${folder}`));
after(() => rm(folder, { recursive: true, force: true }));

/** A follower, and what it showed. */
function follower(stop = new AbortController().signal) {
  const stream = new PassThrough();
  const display = new ProgressDisplay(stream as unknown as NodeJS.WriteStream, false);
  return { follower: new RunFollower(store, display, stop), shown: () => String(stream.read() ?? '') };
}

/** A run that is found in these states, one after the other; the last one stays. */
function looks(...found: Look[]): FollowedRun & { counts: number[] } {
  const counts: number[] = [];
  return {
    poll: 1,
    counts,
    look: async (count) => {
      counts.push(count);
      return found[Math.min(count, found.length - 1)];
    },
  };
}

const NOBODY: Look['cluster'] = {
  queues: { gpu: { waiting: 3 }, cpu: { waiting: 0 } } as NonNullable<ClusterStatus['queues']>,
  workers: [],
};

function statusOf(state: RunStatus['state'], done = 0): RunStatus {
  const nothing = { failed: 0, trials: {}, active: [], etaSeconds: null, failures: [] };
  return { run: RUN, name: 'cries', state, total: 5, done, ...nothing };
}

test('follows a run until it has ended, and says once that no worker takes its jobs', async () => {
  const waiting: Look = { state: 'unfinished', line: '0/5 folds', cluster: NOBODY };
  const run = looks(waiting, waiting, { state: 'ended' });
  const { follower: one, shown } = follower();
  // The run has ended without results in this store, which is what is returned.
  assert.equal(await one.follow(RUN, run), undefined);
  assert.deepEqual(run.counts, [0, 1, 2]);
  const text = shown();
  assert.equal(text.match(/no worker takes gpu jobs/g)?.length, 1, text);
  assert.match(text, /0\/5 folds/);
});

test('a run that somebody cancelled ends with CANCELLED and how to go on', async () => {
  await assert.rejects(follower().follower.follow(RUN, looks({ state: 'unfinished' }, { state: 'cancelled' })), {
    code: 'CANCELLED',
    hint: `Its finished folds are kept; cryfold retry ${RUN} goes on from there.`,
  });
});

test('a stopped follower leaves the run, also between two looks', async () => {
  const stop = new AbortController();
  const run: FollowedRun = {
    poll: 600_000,
    look: async () => {
      setImmediate(() => stop.abort());
      return { state: 'unfinished' };
    },
  };
  assert.equal(await follower(stop.signal).follower.follow(RUN, run), undefined);
  assert.equal(await follower(stop.signal).follower.follow(RUN, looks({ state: 'cancelled' })), undefined);
});

test('a server’s run outlasts a server that is away, and asks for workers only while nothing trains', async () => {
  const away = new CryfoldError('SERVER_UNREACHABLE', 'no answer');
  const answers = [statusOf('running', 1), away, statusOf('running', 2), statusOf('incomplete', 4)];
  let clusters = 0;
  const control = {
    status: async () => {
      const answer = answers.shift()!;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    cluster: async () => {
      clusters++;
      return { ...NOBODY, counters: null, unfinished: [] } as ClusterStatus;
    },
  };
  const run = new ServerRun(control, RUN);
  const found: Look[] = [];
  for (let i = 0; i < 4; i++) found.push(await run.look(i));
  assert.deepEqual(
    found.map(({ state, line }) => `${state}: ${line}`),
    [
      'unfinished: 1/5 folds · 0 running · time left not known yet',
      'unfinished: the server does not answer; trying again',
      'unfinished: 2/5 folds · 0 running · time left not known yet',
      'ended: 4/5 folds · 0 running · time left not known yet',
    ],
  );
  assert.deepEqual([clusters, found[2].cluster?.workers], [1, []]);
});

test('a server that never answered is an error at once', async () => {
  const control = {
    status: () => Promise.reject(new CryfoldError('SERVER_UNREACHABLE', 'no answer')),
    cluster: () => Promise.reject(new Error('not asked')),
  };
  await assert.rejects(new ServerRun(control, RUN).look(0), { code: 'SERVER_UNREACHABLE' });
});
