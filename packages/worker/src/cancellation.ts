import { setTimeout as sleep } from 'node:timers/promises';
import type { RunStore } from '@cryfold/store';

/** Milliseconds between checks of the store for a cancellation. These checks also work while Redis is unreachable. */
const CHECK_MS = 1000;

export interface CancellableWork {
  store: RunStore;
  run: string;
  /** Aborts the work for reasons other than the cancellation of its run */
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
      // An unreachable store does not count as a cancellation; the work itself will fail if the outage lasts too long.
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
