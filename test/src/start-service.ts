import { ApiServer, type ServerOptions } from '@cryfold/api-server';
import type { ApiConfig } from '@cryfold/runtime';
import { type ArtifactStore, openStore, RunStore } from '@cryfold/store';

export const READ = 'read-read-read-read';
export const OPERATE = 'operate-operate-operate';

/** An API on a free port that knows these two tokens. */
export const API: ApiConfig = {
  ...{ host: '127.0.0.1', port: 0, rate: 10_000 },
  tokens: [
    { role: 'read', token: READ },
    { role: 'operate', token: OPERATE },
  ],
};

/** A server that listens, over a store that stays open; without one, over the store that `storeUrl` names. */
export async function startApi(
  options: Omit<ServerOptions, 'store' | 'childMemoryMb'>,
  store?: ArtifactStore,
): Promise<ApiServer> {
  const opened = new RunStore(store ?? openStore(options.storeUrl, options.s3));
  const server = new ApiServer({ ...options, store: opened, childMemoryMb: 2048 });
  await server.start();
  return server;
}

/** A coordinator or an aggregator that has started. */
export async function started<T extends { start(): Promise<void> }>(service: T): Promise<T> {
  await service.start();
  return service;
}
