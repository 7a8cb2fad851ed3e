import type { ArtifactContent, ArtifactStore } from './artifact-store.js';

/** One call of a store that has ended. */
export interface StoreOperation {
  operation: 'get' | 'has' | 'stat' | 'put' | 'putIfAbsent' | 'list' | 'delete';
  failed: boolean;
  seconds: number;
  /** Bytes read or written */
  bytes: number;
}

/** The same store, which tells an observer of every operation; without one, the store itself. */
export function observed(store: ArtifactStore, tell?: (operation: StoreOperation) => void): ArtifactStore {
  if (!tell) return store;
  const timed = async <T>(
    operation: StoreOperation['operation'],
    call: () => Promise<T>,
    bytes: (result: T) => number = () => 0,
  ): Promise<T> => {
    const start = performance.now();
    const told = { operation, failed: true, seconds: 0, bytes: 0 };
    try {
      const result = await call();
      Object.assign(told, { failed: false, bytes: bytes(result) });
      return result;
    } finally {
      tell({ ...told, seconds: (performance.now() - start) / 1000 });
    }
  };
  return {
    check: () => store.check(),
    get: (key) =>
      timed(
        'get',
        () => store.get(key),
        (found) => found?.length ?? 0,
      ),
    // Its time is the consumer's as well.
    open: (key) => openTimed(store, key, tell),
    has: (key) => timed('has', () => store.has(key)),
    stat: (key) => timed('stat', () => store.stat(key)),
    put: (key, bytes) =>
      timed(
        'put',
        () => store.put(key, bytes),
        () => bytes.length,
      ),
    putIfAbsent: (key, bytes) =>
      timed(
        'putIfAbsent',
        () => store.putIfAbsent(key, bytes),
        () => bytes.length,
      ),
    // Its time is the source's as well.
    putStreamIfAbsent: (key, source, sha256) => {
      let length = 0;
      const counted = async function* () {
        for await (const chunk of source) {
          length += chunk.length;
          yield chunk;
        }
      };
      return timed(
        'putIfAbsent',
        () => store.putStreamIfAbsent(key, counted(), sha256),
        () => length,
      );
    },
    // Its time is the consumer's as well.
    async *list(prefix) {
      const start = performance.now();
      let failed = true;
      try {
        yield* store.list(prefix);
        failed = false;
      } finally {
        tell({ operation: 'list', failed, seconds: (performance.now() - start) / 1000, bytes: 0 });
      }
    },
    delete: (key) => timed('delete', () => store.delete(key)),
    close: () => store.close(),
  };
}

/** Tells of the read once its stream has ended. */
async function openTimed(
  store: ArtifactStore,
  key: string,
  tell: (operation: StoreOperation) => void,
): Promise<ArtifactContent | undefined> {
  const start = performance.now();
  const told = (failed: boolean, bytes = 0) =>
    tell({ operation: 'get', failed, seconds: (performance.now() - start) / 1000, bytes });
  try {
    const found = await store.open(key);
    if (found) found.stream.once('close', () => told(found.stream.errored !== null, found.bytes));
    else told(false);
    return found;
  } catch (error) {
    told(true);
    throw error;
  }
}
