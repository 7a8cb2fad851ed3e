import type { Target } from '@cryfold/runtime';
import { EXIT } from './exit-codes.js';

/** SIGHUP is sent when the terminal closes. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Milliseconds that a local run may take to stop: 10 s for its services, 5 s for its Redis, and some slack. */
const LOCAL_MS = 20_000;
/**
 * Milliseconds that a command may take to stop if it only follows a run. Otherwise, a pending request to an unreachable
 * store would take a minute.
 */
const FOLLOWING_MS = 3000;

export interface StopOptions {
  /** Determines how long stopping may take */
  target: Target;
  /** Called at the first signal, before the work is stopped */
  onStop?: () => void;
}

/**
 * Runs work that can be stopped by Ctrl-C, by SIGTERM or by closing the terminal. The first signal aborts the work's
 * AbortSignal. A second signal terminates the process immediately, and so does a timeout if the work has not stopped by
 * then.
 */
export async function untilStopped<T>(
  work: (stop: AbortSignal) => Promise<T>,
  { target, onStop }: StopOptions,
): Promise<T> {
  const stop = new AbortController();
  let hungUp = false;
  const onSignal = (signal: NodeJS.Signals) => {
    hungUp ||= signal === 'SIGHUP' && (process.stdout.isTTY || process.stderr.isTTY);
    if (stop.signal.aborted) process.exit(EXIT.cancelled);
    onStop?.();
    stop.abort();
    setTimeout(() => process.exit(EXIT.cancelled), target.kind === 'local' ? LOCAL_MS : FOLLOWING_MS).unref();
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  try {
    return await work(stop.signal);
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
    // At a normal exit, Node restores the terminal settings, and if the terminal is gone, it aborts with a core dump.
    if (hungUp) process.kill(process.pid, 'SIGHUP');
  }
}
