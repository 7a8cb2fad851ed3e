import { type ArtifactStore, openStore } from '@cryfold/artifacts';
import { HttpClient, HttpStore } from '@cryfold/control';
import type { Config } from '@cryfold/runtime';

/** The store of a URL, or that of the server that the command goes through. */
export function openStoreOf(storeUrl: string, config: Pick<Config, 's3' | 'server'>): ArtifactStore {
  const { server } = config;
  return server?.url === storeUrl ? new HttpStore(new HttpClient(server)) : openStore(storeUrl, config.s3);
}
