import { EXIT } from './exit-codes.js';

/** A closed terminal hangs up. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Does work that Ctrl-C, SIGTERM or a closed terminal stops. The first signal aborts the work's AbortSignal; a second
 * one ends the process at once.
 * @param onStop called at the first signal, before the work is stopped
 */
export async function untilStopped<T>(work: (stop: AbortSignal) => Promise<T>, onStop?: () => void): Promise<T> {
  const stop = new AbortController();
  let hungUp = false;
  const onSignal = (signal: NodeJS.Signals) => {
    hungUp ||= signal === 'SIGHUP' && (process.stdout.isTTY || process.stderr.isTTY);
    if (stop.signal.aborted) process.exit(EXIT.cancelled);
    onStop?.();
    stop.abort();
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
