import { checkRedis, Queues } from '@cryfold/queue';
import { HttpClient, HttpControl, type RunControl, StoreControl } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import type { RunStore } from '@cryfold/store';
import { openStoreOf } from './open-store.js';
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
}

export async function withControl<T>(config: Config, work: (control: Control) => Promise<T>): Promise<T> {
  const storeUrl = storeUrlOf(config);
  const { target } = config;
  if (target.kind === 'server') {
    const server = new HttpControl(new HttpClient(target));
    return work({ runs: server, store: openStoreOf(storeUrl, config), storeUrl, server });
  }
  if (target.kind === 'cluster') await checkRedis(target.redisUrl);
  const store = openStoreOf(storeUrl, config);
  const queues = target.kind === 'cluster' ? new Queues(target.redisUrl) : undefined;
  try {
    return await work({ runs: new StoreControl(store, queues), store, storeUrl, server: undefined });
  } finally {
    await queues?.close();
    await store.close();
  }
}
