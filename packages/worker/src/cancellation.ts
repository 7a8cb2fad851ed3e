import { setTimeout as sleep } from 'node:timers/promises';
import type { RunStore } from '@cryfold/store';

/** Milliseconds between looks at the store, which knows of a cancellation even while Redis is away. */
const LOOK_MS = 1000;

export interface CancellableWork {
  store: RunStore;
  run: string;
  /** Aborts the work, whatever becomes of the run */
  signal: AbortSignal;
}

/**
 * Does work for a run unless the run is cancelled, before or meanwhile: the work's signal is then aborted.
 * @returns false where it was cancelled
 */
export async function unlessCancelled(
  { store, run, signal }: CancellableWork,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<boolean> {
  if (await store.runs.isCancelled(run)) return false;
  const cancelled = new AbortController();
  const ended = new AbortController();
  const look = async () => {
    while (!ended.signal.aborted && !cancelled.signal.aborted) {
      await sleep(LOOK_MS, undefined, { signal: ended.signal }).catch(() => {});
      // A store that is away is no cancellation; the work finds out by itself.
      if (!ended.signal.aborted && (await store.runs.isCancelled(run).catch(() => false))) cancelled.abort();
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
