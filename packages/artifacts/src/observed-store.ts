import type { ArtifactStore } from './artifact-store.js';

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
