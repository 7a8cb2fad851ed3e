import type { Target } from '@cryfold/runtime';
import { EXIT } from './exit-codes.js';

/** A closed terminal hangs up. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Milliseconds that a local run may take to stop: its services and its Redis have 10 s and 5 s. */
const LOCAL_MS = 20_000;
/** The same for a command that only follows: a question to a store that is away takes a minute, and nothing needs it. */
const FOLLOWING_MS = 3000;

export interface StopOptions {
  /** Decides how long stopping may take */
  target: Target;
  /** Called at the first signal, before the work is stopped */
  onStop?: () => void;
}

/**
 * Does work that Ctrl-C, SIGTERM or a closed terminal stops. The first signal aborts the work's AbortSignal; a second
 * one ends the process at once, and so does work that has not stopped in time, whatever cannot be reached.
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
    // An exit would restore the settings of the terminal, and Node aborts with a core dump where that is gone.
    if (hungUp) process.kill(process.pid, 'SIGHUP');
  }
}
