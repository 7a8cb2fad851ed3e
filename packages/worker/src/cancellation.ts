import { setTimeout as sleep } from 'node:timers/promises';
import type { RunStore } from '@cryfold/store';

/** Milliseconds between checks of the store, which contains cancellations even while Redis is unreachable. */
const CHECK_MS = 1000;

export interface CancellableWork {
  store: RunStore;
  run: string;
  /** Aborts the work, regardless of the run */
  signal: AbortSignal;
}

/**
 * Runs work unless the run is already cancelled. If the run is cancelled while the work is running, aborts the signal
 * of the work.
 * @returns false if the run was cancelled
 */
export async function unlessCancelled(
  { store, run, signal }: CancellableWork,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<boolean> {
  if (await store.runs.isCancelled(run)) return false;
  const cancelled = new AbortController();
  const ended = new AbortController();
  const watch = async () => {
    while (!ended.signal.aborted && !cancelled.signal.aborted) {
      await sleep(CHECK_MS, undefined, { signal: ended.signal }).catch(() => {});
      // An unreachable store is not a cancellation. The work itself will fail because of it.
      if (!ended.signal.aborted && (await store.runs.isCancelled(run).catch(() => false))) cancelled.abort();
    }
  };
  void watch();
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
