import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError } from '@cryfold/core';
import { type LiveRun, liveRuns } from '@cryfold/local-run/live-run';
import { checkRedis, Queues } from '@cryfold/queue';
import { HttpClient, HttpControl, type RunControl, StoreControl } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import type { RunStore } from '@cryfold/store';
import { openStoreOf } from './open-store.js';
import { folderOfRuns } from './run-folder.js';
import { storeUrlOf } from './store-url.js';

export interface ControlOptions {
  json: boolean;
}

/** Runs, and the store that they lie in: a folder, a cluster's, or a server's. */
export interface Control {
  runs: RunControl;
  store: RunStore;
  storeUrl: string;
  /** Where the runs are a server's */
  server: HttpControl | undefined;
  /** Runs of this store that commands in other terminals work on */
  live: readonly LiveRun[];
}

/** Milliseconds within which the private Redis of another command must answer to be asked. */
const ANSWER_MS = 1000;
/** Milliseconds between checks that the other command is still running. */
const LOOK_MS = 200;

/**
 * Runs `work` with what reaches the runs: a server, a cluster, or a store and the private Redis of a command that works
 * there. Where that Redis goes away meanwhile, `work` runs again without it, so it prints nothing before it has asked.
 */
export async function withControl<T>(config: Config, work: (control: Control) => Promise<T>): Promise<T> {
  const storeUrl = storeUrlOf(config);
  const { target } = config;
  if (target.kind === 'server') {
    const server = new HttpControl(new HttpClient(target));
    return work({ runs: server, store: openStoreOf(storeUrl, config), storeUrl, server, live: [] });
  }
  if (target.kind === 'cluster') await checkRedis(target.redisUrl);
  const store = openStoreOf(storeUrl, config);
  const look = () => (target.kind === 'local' ? liveRuns(folderOfRuns(storeUrl)) : []);
  const withRedis = async (redisUrl: string | undefined): Promise<T> => {
    const live = look();
    const queues = redisUrl === undefined ? undefined : new Queues(redisUrl);
    const runs = new StoreControl(store, queues, new Set(live.map(({ run }) => run)));
    try {
      return await work({ runs, store, storeUrl, server: undefined, live });
    } finally {
      await queues?.close();
    }
  };
  try {
    if (target.kind === 'cluster') return await withRedis(target.redisUrl);
    const redisUrl = await answering(look());
    if (redisUrl === undefined) return await withRedis(undefined);
    const asked = withRedis(redisUrl);
    const gone = new AbortController();
    try {
      return await Promise.race([asked, untilGone(() => look().some((one) => one.redisUrl === redisUrl), gone.signal)]);
    } catch (error) {
      // Its command has ended meanwhile, and the store knows how.
      if (!(error instanceof CryfoldError) || error.code !== 'REDIS_UNREACHABLE') throw error;
      return await withRedis(undefined);
    } finally {
      gone.abort();
    }
  } finally {
    await store.close();
  }
}

/** A question to a Redis that has ended may wait for ever. @throws CryfoldError REDIS_UNREACHABLE once it is gone */
async function untilGone(there: () => boolean, stop: AbortSignal): Promise<never> {
  while (stop.aborted || there()) await sleep(LOOK_MS, undefined, { signal: stop }).catch(() => new Promise(() => {}));
  throw new CryfoldError('REDIS_UNREACHABLE', 'the command whose private Redis was asked has ended');
}

/** The first private Redis that answers: it may be another user's, or have just ended. */
async function answering(live: readonly LiveRun[]): Promise<string | undefined> {
  for (const { redisUrl } of live) {
    if (redisUrl === undefined) continue;
    const answers = await checkRedis(redisUrl, ANSWER_MS).then(
      () => true,
      () => false,
    );
    if (answers) return redisUrl;
  }
  return undefined;
}
