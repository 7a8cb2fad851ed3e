import { HttpClient, HttpStore } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { openStore, RunStore } from '@cryfold/store';

/** The records of a store: that of a URL, or that of the server that the command goes through. */
export function openStoreOf(storeUrl: string, config: Pick<Config, 's3' | 'target'>): RunStore {
  const { target } = config;
  const isServers = target.kind === 'server' && target.url === storeUrl;
  return new RunStore(isServers ? new HttpStore(new HttpClient(target)) : openStore(storeUrl, config.s3));
}
