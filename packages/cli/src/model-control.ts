import { checkCommandsAllowed } from '@cryfold/estimators';
import { finalRequest } from '@cryfold/plan';
import {
  HttpClient,
  HttpModels,
  type ModelControl,
  StoreModels,
  type Training,
  trainInCluster,
  trainingProgress,
} from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { type ArtifactStore, RunStore } from '@cryfold/store';

type ModelSettings = Pick<Config, 'target' | 'cacheDir' | 'childMemoryMb'> & {
  /** Whether command estimators that are trained on this machine may run their programs */
  allowCommands?: boolean | undefined;
};

/** Operations on the models of a store, performed by a server, by the workers of a cluster, or on this machine. */
export function modelControl(store: ArtifactStore, storeUrl: string, config: ModelSettings): ModelControl {
  const { target, cacheDir, childMemoryMb, allowCommands = false } = config;
  if (target.kind === 'server') return new HttpModels(new HttpClient(target));
  const records = new RunStore(store);
  if (target.kind === 'cluster') {
    const { redisUrl } = target;
    return new StoreModels(records, {
      train: (plan, trial, follower) => trainInCluster({ store: records, redisUrl }, plan, trial, follower),
    });
  }
  const check: Training['check'] = ({ run, spec }, trials) => {
    for (const trial of trials) {
      checkCommandsAllowed([spec.estimators[trial]], allowCommands, {
        where: `${trial} of ${run} is trained by a program, and this command`,
        hint: 'If you trust the source of the run, add --allow-commands (see docs/security.md).',
      });
    }
  };
  const train: Training['train'] = async (plan, trial, follower) => {
    const { say, steps } = trainingProgress(plan, trial, follower.onProgress);
    say('');
    const { trainFinalHere } = await import('@cryfold/worker');
    return trainFinalHere({
      ...{
        store: records,
        storeUrl,
        request: finalRequest(plan, trial),
        cacheDir,
        childMemoryMb,
        signal: follower.signal,
      },
      onProgress: steps,
    });
  };
  return new StoreModels(records, { check, train });
}
