import { HttpClient, HttpStore } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { openStore, RunStore } from '@cryfold/store';

/** The records of a store: that of a URL, or that of the server that the command goes through. */
export function openStoreOf(storeUrl: string, config: Pick<Config, 's3' | 'server'>): RunStore {
  const { server } = config;
  return new RunStore(
    server?.url === storeUrl ? new HttpStore(new HttpClient(server)) : openStore(storeUrl, config.s3),
  );
}
