import type { EpochPoint } from '@cryfold/core';
import { asCryfoldError } from '@cryfold/queue';
import { loadConfig } from '@cryfold/runtime';
import { observed, openStore, RunStore, type StoreOperation } from '@cryfold/store';
import type { FromChild, ToChild } from './messages.js';
import { TaskRunner } from './task-runner.js';

/**
 * Entry point of a training child: `training-child.js SETTINGS` (JSON), controlled over IPC. It exits when its parent
 * does, so that no orphan continues to train.
 */
const [settings] = process.argv.slice(2);
// Credentials come from the environment and are never sent over IPC, because tasks are more likely to appear in logs or
// debuggers than a process's environment.
const { s3 } = loadConfig();
process.on('disconnect', () => process.exit(0));
// Terminals and some supervisors signal the whole process group. The child ignores these signals, because its parent
// decides what happens to the fold.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});
if (!process.connected) process.exit(0);

const runner = new TaskRunner(JSON.parse(settings));

const send = (message: FromChild) => {
  if (process.connected) process.send?.(message);
};

let operations: StoreOperation[] = [];
const usage = () => {
  const { user, system } = process.cpuUsage();
  const reported = operations;
  operations = [];
  return { rssBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6, operations: reported };
};

let opened: { url: string; store: RunStore } | undefined;
/** All tasks share one store, which is never closed explicitly, because cached objects may still read from it later. */
function storeAt(url: string): RunStore {
  if (opened?.url !== url) {
    opened = { url, store: new RunStore(observed(openStore(url, s3), (operation) => operations.push(operation))) };
  }
  return opened.store;
}

process.on('message', async ({ id, task }: ToChild) => {
  try {
    const store = storeAt(task.storeUrl);
    let last = 0;
    const onProgress = (done: number, total: number) => {
      const now = Date.now();
      if (now - last < 250 && done < total) return;
      last = now;
      send({ id, type: 'progress', done, total, usage: usage() });
    };
    const onEpoch = (point: EpochPoint) => send({ id, type: 'epoch', point });
    const onGroup = (group: number | undefined) => send({ id, type: 'group', group });
    const output = await runner.run(task, store, { onProgress, onEpoch, onGroup });
    send({ id, type: 'done', output, usage: usage() });
  } catch (error) {
    send({ id, type: 'error', error: asCryfoldError(error).toRecord(), usage: usage() });
  }
});
