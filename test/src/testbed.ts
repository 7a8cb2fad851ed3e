import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { synthesizeCorpus } from '@cryfold/corpus';
import type { ArtifactStore } from '@cryfold/store';
import { Cluster, findRedis } from './cluster.js';
import { temporaryFolder } from './command.js';
import { storeKind } from './stores.js';

const redis = await findRedis();

const kind = storeKind();

/** The reason to skip tests that need Redis, or false. */
export const withoutRedis =
  (redis === undefined && 'neither redis-server nor valkey-server is on PATH or in the cache') || kind.skip;

export interface Testbed {
  folder: string;
  cluster: Cluster;
  store: ArtifactStore;
  /** Variables for Redis and the store, and a grace period of 0 */
  environment: Record<string, string>;
  /** Returns a path in the folder. */
  path: (...parts: string[]) => string;
  /** Returns the arguments to evaluate one of the specs on the corpus. */
  run: (spec: string, ...flags: string[]) => string[];
  remove: () => Promise<void>;
}

/**
 * Creates a folder with specs (by file name) and a corpus of 60 clips, and starts a cluster of processes on a store of
 * the kind `storeKind`, which is a file store in the folder by default.
 * @returns undefined if Redis is not installed
 */
export async function testbed(
  specs: Record<string, string>,
  members: Record<string, string[]>,
): Promise<Testbed | undefined> {
  if (!redis || withoutRedis) return undefined;
  const folder = await temporaryFolder();
  const path = (...parts: string[]) => join(folder.path, ...parts);
  for (const [name, text] of Object.entries(specs)) await writeFile(path(name), text);
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
  const bed = await kind.create(path('store'));
  const cluster = await Cluster.start(folder.path, redis);
  const environment = {
    REDIS_URL: `redis://127.0.0.1:${cluster.redisPort}`,
    ...bed.environment,
    CRYFOLD_GRACE_SECONDS: '0',
  };
  cluster.run(environment, members);
  return {
    folder: folder.path,
    cluster,
    store: bed.store,
    environment,
    path,
    run: (spec, ...flags) => ['run', path(spec), '--data', path('corpus'), '--out', path('out'), '--force', ...flags],
    remove: async () => {
      await cluster.stop();
      await bed.remove();
      await folder.remove();
    },
  };
}
