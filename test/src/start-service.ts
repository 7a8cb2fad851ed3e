import { ApiServer, type ServerOptions } from '@cryfold/api-server';
import { type ArtifactStore, openStore, RunStore } from '@cryfold/store';

/** A server that listens, over a store that stays open; without one, over the store that `storeUrl` names. */
export async function startApi(options: Omit<ServerOptions, 'store'>, store?: ArtifactStore): Promise<ApiServer> {
  const opened = new RunStore(store ?? openStore(options.storeUrl, options.s3));
  const server = new ApiServer({ ...options, store: opened });
  await server.start();
  return server;
}

/** A coordinator or an aggregator that has started. */
export async function started<T extends { start(): Promise<void> }>(service: T): Promise<T> {
  await service.start();
  return service;
}
