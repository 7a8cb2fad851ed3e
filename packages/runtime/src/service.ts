import type { Checks } from './endpoint.js';
import type { Logger } from './logger.js';

/** The work of a long-running process. */
export interface Service {
  /** Stops the service in an orderly way. Work that is still running after `graceSeconds` is returned to its queue. */
  stop(graceSeconds: number): Promise<void>;
  /** Checks of its dependencies. */
  readonly checks: Checks;
}

export interface ServeOptions {
  graceSeconds: number;
  log: Logger;
  /**
   * Whether cryfold run started the service. If so, there is no grace period, and Ctrl-C, which a terminal sends to
   * both processes, is handled by the parent.
   */
  local?: boolean;
  onStopping?: () => void;
}

/**
 * Time limit in milliseconds for an orderly stop after the grace period. Jobs that were not returned by then are
 * recovered once their locks expire.
 */
const STOP_MS = 15_000;
/**
 * Milliseconds for an orderly stop if the command that started the service has exited. The command's private Redis is
 * gone as well, so no job can be returned to a queue.
 */
const ORPHAN_MS = 500;

/**
 * Runs a service until it receives SIGTERM, SIGINT or SIGHUP (a second signal ends the grace period), or until the
 * parent that started it over IPC has exited. Does not touch anything that belongs to the parent.
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
        log.warn({ reason }, 'stopping immediately');
        process.exit(1);
      }
      stopping = true;
      onStopping();
      log.info({ reason, grace: patienceSeconds }, 'stopping');
      service.stop(patienceSeconds).then(resolve, reject);
      // A queue cannot be closed properly while Redis is unavailable.
      const late = () => {
        log.warn('could not stop cleanly');
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
    // If the parent has already exited, the connection is closed, but `process.send` still exists.
    if (typeof process.send === 'function' && !process.connected) orphaned();
  });
  if (process.connected) process.disconnect();
}
