import type { ArtifactContent, ArtifactStore } from './artifact-store.js';

/** One completed call to a store. */
export interface StoreOperation {
  operation: 'get' | 'has' | 'stat' | 'put' | 'putIfAbsent' | 'list' | 'delete';
  failed: boolean;
  seconds: number;
  /** Bytes read or written */
  bytes: number;
}

/** Wraps a store to report every operation to an observer. Without an observer, returns the store itself. */
export function observed(store: ArtifactStore, observer?: (operation: StoreOperation) => void): ArtifactStore {
  if (!observer) return store;
  const timed = async <T>(
    operation: StoreOperation['operation'],
    call: () => Promise<T>,
    bytes: (result: T) => number = () => 0,
  ): Promise<T> => {
    const start = performance.now();
    const report = { operation, failed: true, seconds: 0, bytes: 0 };
    try {
      const result = await call();
      Object.assign(report, { failed: false, bytes: bytes(result) });
      return result;
    } finally {
      observer({ ...report, seconds: (performance.now() - start) / 1000 });
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
    // The measured duration includes the time that the consumer of the stream takes.
    open: (key) => openTimed(store, key, observer),
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
    // The measured duration includes the time that the source takes to deliver the content.
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
    // The measured duration includes the time that the consumer of the stream takes.
    async *list(prefix) {
      const start = performance.now();
      let failed = true;
      try {
        yield* store.list(prefix);
        failed = false;
      } finally {
        observer({ operation: 'list', failed, seconds: (performance.now() - start) / 1000, bytes: 0 });
      }
    },
    delete: (key) => timed('delete', () => store.delete(key)),
    close: () => store.close(),
  };
}

/** Reports the read once its stream has ended. */
async function openTimed(
  store: ArtifactStore,
  key: string,
  observer: (operation: StoreOperation) => void,
): Promise<ArtifactContent | undefined> {
  const start = performance.now();
  const report = (failed: boolean, bytes = 0) =>
    observer({ operation: 'get', failed, seconds: (performance.now() - start) / 1000, bytes });
  try {
    const found = await store.open(key);
    if (found) found.stream.once('close', () => report(found.stream.errored !== null, found.bytes));
    else report(false);
    return found;
  } catch (error) {
    report(true);
    throw error;
  }
}
