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

/** Access to runs and to their store: a folder, the store of a cluster, or the store of a server. */
export interface Control {
  runs: RunControl;
  store: RunStore;
  storeUrl: string;
  /** Set if runs are accessed through a server */
  server: HttpControl | undefined;
  /** Runs in this store that commands in other terminals are executing */
  live: readonly LiveRun[];
}

/** Milliseconds within which the private Redis of another command must respond; a slower Redis is ignored. */
const ANSWER_MS = 1000;
/** How often to check whether the other command is still running, in milliseconds. */
const POLL_MS = 200;

/**
 * Runs `work` with access to the runs: through a server, a cluster, or a store and the private Redis of each command
 * that is executing runs there. If one of these commands exits in the meantime, `work` runs again without that
 * command's Redis. Therefore, `work` must not print anything before its last query.
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
  try {
    if (target.kind === 'local') return await withLiveRuns(store, storeUrl, work);
    const queues = new Queues(target.redisUrl);
    try {
      const runs = new StoreControl(store, queues);
      return await work({ runs, store, storeUrl, server: undefined, live: [] });
    } finally {
      await queues.close();
    }
  } finally {
    await store.close();
  }
}

async function withLiveRuns<T>(store: RunStore, storeUrl: string, work: (control: Control) => Promise<T>): Promise<T> {
  const findLive = () => liveRuns(folderOfRuns(storeUrl));
  const ask = async (urls: readonly string[]): Promise<T> => {
    const live = findLive();
    const reached = new Map(urls.map((url) => [url, new Queues(url)]));
    const working = live.map(({ run, redisUrl = '' }) => [run, reached.get(redisUrl)] as const);
    const runs = new StoreControl(store, undefined, new Map(working));
    try {
      return await work({ runs, store, storeUrl, server: undefined, live });
    } finally {
      await Promise.all([...reached.values()].map((queues) => queues.close()));
    }
  };
  let urls = await answering(findLive());
  for (;;) {
    const gone = new AbortController();
    const there = () => new Set(findLive().map(({ redisUrl }) => redisUrl));
    const lost = () => urls.some((url) => !there().has(url));
    try {
      return await (urls.length === 0 ? ask([]) : Promise.race([ask(urls), untilGone(() => !lost(), gone.signal)]));
    } catch (error) {
      if (urls.length === 0 || !(error instanceof CryfoldError) || error.code !== 'REDIS_UNREACHABLE') throw error;
      // If commands exited in the meantime, the store contains their final state. If all of them are still running, the
      // error is real.
      urls = lost() ? urls.filter((url) => there().has(url)) : [];
    } finally {
      gone.abort();
    }
  }
}

/**
 * Fails once a private Redis is gone, because a query to it may never return.
 * @throws CryfoldError REDIS_UNREACHABLE
 */
async function untilGone(there: () => boolean, stop: AbortSignal): Promise<never> {
  while (stop.aborted || there()) await sleep(POLL_MS, undefined, { signal: stop }).catch(() => new Promise(() => {}));
  throw new CryfoldError('REDIS_UNREACHABLE', 'the command that started this private Redis has exited');
}

/** URLs of the private Redis servers that respond. The others may belong to another user or may have just exited. */
async function answering(live: readonly LiveRun[]): Promise<string[]> {
  const asked = live.map(async ({ redisUrl }) => {
    if (redisUrl === undefined) return [];
    return checkRedis(redisUrl, ANSWER_MS).then(
      () => [redisUrl],
      () => [],
    );
  });
  return (await Promise.all(asked)).flat();
}
