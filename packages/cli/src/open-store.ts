import { HttpClient, HttpStore } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { openStore, RunStore } from '@cryfold/store';

/** Opens the records of the store at a URL, or of the server that the command uses. */
export function openStoreOf(storeUrl: string, config: Pick<Config, 's3' | 'target'>): RunStore {
  const { target } = config;
  const isServers = target.kind === 'server' && target.url === storeUrl;
  return new RunStore(isServers ? new HttpStore(new HttpClient(target)) : openStore(storeUrl, config.s3));
}
