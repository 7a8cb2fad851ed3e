import { ApiServer, type ServerOptions } from '@cryfold/api-server';
import type { ApiConfig } from '@cryfold/runtime';
import { type ArtifactStore, openStore, RunStore } from '@cryfold/store';

export const READ = 'read-read-read-read';
export const OPERATE = 'operate-operate-operate';

/** Configuration of an API on a free port, with the two tokens above. */
export const API: ApiConfig = {
  ...{ host: '127.0.0.1', port: 0, rate: 10_000 },
  tokens: [
    { role: 'read', token: READ },
    { role: 'operate', token: OPERATE },
  ],
};

/** Starts an API server on the given store, which stays open, or on the store at `storeUrl` by default. */
export async function startApi(
  options: Omit<ServerOptions, 'store' | 'childMemoryMb'>,
  store?: ArtifactStore,
): Promise<ApiServer> {
  const opened = new RunStore(store ?? openStore(options.storeUrl, options.s3));
  const server = new ApiServer({ ...options, store: opened, childMemoryMb: 2048 });
  await server.start();
  return server;
}

/** Starts a coordinator or an aggregator, and returns it. */
export async function started<T extends { start(): Promise<void> }>(service: T): Promise<T> {
  await service.start();
  return service;
}
