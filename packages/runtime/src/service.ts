import type { Checks } from './endpoint.js';
import type { Logger } from './logger.js';

/** A long-running process's work. */
export interface Service {
  /** Ends it in order; what still runs after `graceSeconds` is given back to its queue. */
  stop(graceSeconds: number): Promise<void>;
  /** What it needs in order to do its work. */
  readonly checks: Checks;
}

/** Milliseconds for stopping in order after the grace; what is not given back by then is found by its stalled lock. */
const STOP = 15_000;

/**
 * Runs a service until SIGTERM or SIGINT (a second one ends the grace), or until the parent that started it
 * over IPC goes away. A service started over IPC leaves SIGINT to its parent, since a terminal sends it to both.
 * @returns whether the parent went away, so that what it owned has no owner any more
 */
export async function serve(
  service: Service,
  graceSeconds: number,
  log: Logger,
  onStopping: () => void = () => {},
): Promise<{ orphaned: boolean }> {
  // A parent that is gone already has taken the connection with it, but not the function.
  const supervised = typeof process.send === 'function';
  let orphaned = false;
  await new Promise<void>((resolve, reject) => {
    let stopping = false;
    const stop = (reason: string, grace: number) => {
      if (stopping) {
        log.warn({ reason }, 'stopping at once');
        process.exit(1);
      }
      stopping = true;
      onStopping();
      log.info({ reason, grace }, 'stopping');
      service.stop(grace).then(resolve, reject);
      // A queue cannot be closed in order while Redis is away.
      const late = () => {
        log.warn('could not stop in order');
        process.exit(1);
      };
      setTimeout(late, grace * 1000 + STOP).unref();
    };
    process.on('SIGTERM', () => stop('SIGTERM', supervised ? 0 : graceSeconds));
    process.on('SIGINT', () => {
      if (!supervised) stop('SIGINT', graceSeconds);
    });
    process.on('SIGHUP', () => {
      if (!supervised) stop('SIGHUP', graceSeconds);
    });
    if (supervised && !process.connected) {
      orphaned = true;
      stop('parent gone', 0);
    } else if (supervised) {
      process.once('disconnect', () => {
        orphaned = !stopping;
        if (!stopping) stop('parent gone', 0);
      });
    }
  });
  if (process.connected) process.disconnect();
  return { orphaned };
}
