import type { Checks } from './endpoint.js';
import type { Logger } from './logger.js';

/** A long-running process's work. */
export interface Service {
  /** Ends it in order; what still runs after `graceSeconds` is given back to its queue. */
  stop(graceSeconds: number): Promise<void>;
  /** What it needs in order to do its work. */
  readonly checks: Checks;
}

export interface ServeOptions {
  graceSeconds: number;
  log: Logger;
  /** Whether cryfold run started it: then there is no grace, and Ctrl-C, which a terminal sends to both, is its parent's. */
  local?: boolean;
  onStopping?: () => void;
}

/** Milliseconds for stopping in order after the grace; what is not given back by then is found by its stalled lock. */
const STOP_MS = 15_000;
/** The same for a service of a command that is gone: its private Redis is gone as well, so nothing can be given back. */
const ORPHAN_MS = 500;

/**
 * Runs a service until SIGTERM, SIGINT or SIGHUP (a second one ends the grace), or until the parent that started it over
 * IPC is gone. It touches nothing that its parent owned.
 */
export async function serve(
  service: Service,
  { graceSeconds, log, local = false, onStopping = () => {} }: ServeOptions,
): Promise<void> {
  const patienceSeconds = local ? 0 : graceSeconds;
  await new Promise<void>((resolve, reject) => {
    let stopping = false;
    const stop = (reason: string, afterMs = patienceSeconds * 1000 + STOP_MS) => {
      if (stopping) {
        log.warn({ reason }, 'stopping at once');
        process.exit(1);
      }
      stopping = true;
      onStopping();
      log.info({ reason, grace: patienceSeconds }, 'stopping');
      service.stop(patienceSeconds).then(resolve, reject);
      // A queue cannot be closed in order while Redis is away.
      const late = () => {
        log.warn('could not stop in order');
        process.exit(1);
      };
      setTimeout(late, afterMs).unref();
    };
    process.on('SIGTERM', () => stop('SIGTERM'));
    for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => local || stop(signal));
    const orphaned = () => {
      if (local && stopping) setTimeout(() => process.exit(1), ORPHAN_MS).unref();
      else if (!stopping) stop('parent gone', local ? ORPHAN_MS : undefined);
    };
    process.once('disconnect', orphaned);
    // A parent that is gone already has taken the connection with it, but not the function.
    if (typeof process.send === 'function' && !process.connected) orphaned();
  });
  if (process.connected) process.disconnect();
}
