import { setTimeout as sleep } from 'node:timers/promises';
import type { ArtifactStore } from '@cryfold/artifacts';
import { storeKeys } from '@cryfold/plan';

/** Milliseconds between looks at the store, which knows of a cancellation even while Redis is away. */
const LOOK = 1000;

/**
 * Does work for a run unless the run is cancelled, before or meanwhile: the work's signal is then aborted.
 * @returns false where it was cancelled
 */
export async function unlessCancelled(
  store: ArtifactStore,
  run: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<boolean> {
  const key = storeKeys.cancelled(run);
  if (await store.has(key)) return false;
  const cancelled = new AbortController();
  const ended = new AbortController();
  const look = async () => {
    while (!ended.signal.aborted && !cancelled.signal.aborted) {
      await sleep(LOOK, undefined, { signal: ended.signal }).catch(() => {});
      // A store that is away is no cancellation; the work finds out by itself.
      if (!ended.signal.aborted && (await store.has(key).catch(() => false))) cancelled.abort();
    }
  };
  void look();
  try {
    await work(AbortSignal.any([signal, cancelled.signal]));
    return !cancelled.signal.aborted;
  } catch (error) {
    if (cancelled.signal.aborted && !signal.aborted) return false;
    throw error;
  } finally {
    ended.abort();
  }
}
