import { setTimeout as sleep } from 'node:timers/promises';
import type { ArtifactStore } from '@cryfold/artifacts';
import { CryfoldError, encodeRecord, type FinalResult, finalRequest, type RunPlan, storeKeys } from '@cryfold/core';
import { failureOf, Queues } from '@cryfold/queue';
import type { Config } from '@cryfold/runtime';
import { readFinal, trainFinalHere } from '@cryfold/worker';

export interface MemberTraining {
  store: ArtifactStore;
  storeUrl: string;
  plan: RunPlan;
  /** One of the plan's estimators */
  trial: string;
  config: Pick<Config, 'redisUrl' | 'cacheDir' | 'childMemoryMb'>;
  signal: AbortSignal;
  onProgress: (text: string) => void;
}

/** Milliseconds between looks at whether the model is in the store. */
const POLL = 300;

/**
 * Trains an estimator of a run on all its clips: by a worker of the cluster at REDIS_URL, where there is one, since this
 * machine need have neither TensorFlow nor a GPU; else here.
 * @throws CryfoldError as training does; CANCELLED
 */
export async function trainMember(training: MemberTraining): Promise<FinalResult> {
  const { store, storeUrl, plan, trial, config, signal, onProgress } = training;
  const request = finalRequest(plan, trial);
  const say = (rest: string) => onProgress(`training ${trial} on all ${plan.dataset.clips} clips${rest}`);
  say('');
  if (config.redisUrl === undefined) {
    const { cacheDir, childMemoryMb } = config;
    const percent = (done: number, total: number) => say(`: ${Math.floor((100 * done) / total)} %`);
    return trainFinalHere({ store, storeUrl, request, cacheDir, childMemoryMb, signal, onProgress: percent });
  }
  const known = await readFinal(store, request.key);
  if (known) return known;
  await store.put(storeKeys.finalRequest(request.key), encodeRecord(request));
  const queue = request.estimator.kind === 'svm' ? 'cpu' : 'gpu';
  const id = `final-${request.key}`;
  const queues = new Queues(config.redisUrl);
  let failed: CryfoldError | undefined;
  try {
    await queues.listen(queue, {
      failed: (job, reason) => {
        if (job === id) failed = CryfoldError.fromRecord(failureOf(reason));
      },
      progress: (job, data) => {
        const { done, total } = data as { done: number; total: number };
        if (job === id && total > 0) say(`: ${Math.floor((100 * done) / total)} %`);
      },
    });
    await queues.remove(queue, id);
    const payload = { format: 1, kind: 'final', run: plan.run, trial, key: request.key } as const;
    while (!signal.aborted) {
      // Again and again, in case Redis forgets: adding what is there changes nothing.
      await queues.add(queue, [{ id, payload }]);
      for (let looks = 0; looks < 20 && !signal.aborted; looks++) {
        const result = await readFinal(store, request.key);
        if (result) return result;
        if (failed) throw failed;
        await sleep(POLL, undefined, { signal }).catch(() => {});
      }
    }
    throw new CryfoldError('CANCELLED', `training ${trial} on all clips was stopped`, {
      hint: 'A worker may still end it; the same command finds it then.',
    });
  } finally {
    await queues.close();
  }
}
