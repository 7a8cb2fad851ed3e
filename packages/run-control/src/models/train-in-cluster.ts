import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError } from '@cryfold/core';
import { queueOf } from '@cryfold/estimators';
import { type FinalResult, finalRequest, type RunPlan } from '@cryfold/plan';
import { checkRedis, failureOf, Queues } from '@cryfold/queue';
import type { RunStore } from '@cryfold/store';
import { isTaken, noWorker } from '../no-worker.js';
import { type Follower, trainingProgress } from './training.js';

/** Milliseconds between checks for the model in the store. */
const POLL_MS = 300;

/** Queues and store of a cluster. */
export interface Cluster {
  store: RunStore;
  redisUrl: string;
}

/**
 * Has a worker train an estimator on all clips of a run, so that the caller needs neither TensorFlow nor a GPU.
 * @param trial one of the plan's estimators
 * @throws CryfoldError CANCELLED, REDIS_UNREACHABLE; also any error that occurs during training
 */
export async function trainInCluster(
  { store, redisUrl }: Cluster,
  plan: RunPlan,
  trial: string,
  { signal, onProgress }: Follower,
): Promise<FinalResult> {
  const request = finalRequest(plan, trial);
  const { finals } = store;
  const known = await finals.result(request.key);
  if (known) return known;
  const { say, steps } = trainingProgress(plan, trial, onProgress);
  say('');
  await finals.saveRequest(request);
  await checkRedis(redisUrl);
  const queue = queueOf(request.estimator);
  const id = `final-${request.key}`;
  const queues = new Queues(redisUrl);
  let failed: CryfoldError | undefined;
  const train = async (): Promise<FinalResult | undefined> => {
    await queues.listen(queue, {
      failed: (job, reason) => {
        if (job === id) failed = CryfoldError.fromRecord(failureOf(reason));
      },
      progress: (job, data) => {
        const { done, total } = data as { done: number; total: number };
        if (job === id && total > 0) steps(done, total);
      },
    });
    await queues.remove(queue, id);
    const payload = { format: 1, kind: 'final', run: plan.run, trial, key: request.key } as const;
    while (!signal.aborted) {
      // The job is added repeatedly, in case Redis loses it. Adding a job that already exists has no effect.
      await unlessAway(async () => {
        await queues.add(queue, [{ id, payload }]);
        if (isTaken(queue, await queues.workers())) return;
        const { waiting: jobs = 0 } = await queues.counts(queue);
        if (jobs > 0) say(`: ${noWorker({ queue, jobs, seconds: await queues.oldestSeconds(queue) })}`);
      });
      for (let looks = 0; looks < 20 && !signal.aborted; looks++) {
        const result = await finals.result(request.key);
        if (result) return result;
        if (failed) throw failed;
        await sleep(POLL_MS, undefined, { signal }).catch(() => {});
      }
    }
    return undefined;
  };
  // When the command is stopped, stop waiting even while Redis is unreachable.
  const stopped = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  try {
    const trained = await Promise.race([train(), stopped]);
    if (trained) return trained;
    throw new CryfoldError('CANCELLED', `training ${trial} on all clips was stopped`, {
      hint: 'A worker may still finish the training. Run the same command again to use the result.',
    });
  } finally {
    await queues.close();
  }
}

/** Training continues while Redis is unreachable, so keep waiting. */
async function unlessAway(ask: () => Promise<void>): Promise<void> {
  await ask().catch((error) => {
    if (!(error instanceof CryfoldError) || error.code !== 'REDIS_UNREACHABLE') throw error;
  });
}
