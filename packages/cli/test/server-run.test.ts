import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import type { PollResult } from '@cryfold/local-run';
import type { ClusterStatus, RunStatus } from '@cryfold/run-control';
import { ServerRun } from '../src/server-run.js';

const RUN = 'birds-1';

const NOBODY: PollResult['cluster'] = {
  queues: { gpu: { waiting: 3 }, cpu: { waiting: 0 } } as NonNullable<ClusterStatus['queues']>,
  workers: [],
};

function statusOf(state: RunStatus['state'], done = 0): RunStatus {
  const nothing = { failed: 0, trials: {}, active: [], etaSeconds: null, failures: [] };
  return { run: RUN, name: 'birds', state, total: 5, done, ...nothing };
}

test('tolerates an unreachable server, and queries workers only while no fold is active', async () => {
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
  const found: PollResult[] = [];
  for (let i = 0; i < 4; i++) found.push(await run.poll(i));
  assert.deepEqual(
    found.map(({ state, line }) => `${state}: ${line}`),
    [
      'unfinished: 1/5 folds · 0 running · time left unknown',
      'unfinished: the server does not respond; retrying',
      'unfinished: 2/5 folds · 0 running · time left unknown',
      'ended: 4/5 folds · 0 running · time left unknown',
    ],
  );
  assert.deepEqual([clusters, found[2].cluster?.workers], [1, []]);
});

test('fails immediately if the server has never responded', async () => {
  const control = {
    status: () => Promise.reject(new CryfoldError('SERVER_UNREACHABLE', 'no answer')),
    cluster: () => Promise.reject(new Error('not asked')),
  };
  await assert.rejects(new ServerRun(control, RUN).poll(0), { code: 'SERVER_UNREACHABLE' });
});
