import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError, type ErrorCode, endsWithin } from '@cryfold/core';
import { type Logger, RepeatedErrors } from '@cryfold/runtime';

/** Number of milliseconds past the time limit after which a start that hangs counts as failed. */
const STUCK_MS = 10_000;

/** Infrastructure errors after which a starting service does not retry, because only an operator can fix them. */
const WAITING_IS_NO_USE: ReadonlySet<ErrorCode> = new Set(['STORE_BUCKET_MISSING', 'STORE_CLOCK_WRONG']);

function mayPass(error: unknown): error is CryfoldError {
  return error instanceof CryfoldError && error.failure === 'infrastructure' && !WAITING_IS_NO_USE.has(error.code);
}

/**
 * Starts a service. During an outage, retries and logs warnings for up to `seconds` instead of failing immediately.
 * @param start starts the service; each check that it passes to `patiently` is retried as long as the infrastructure
 * makes it fail
 * @throws CryfoldError the last error of `start`, or START_TIMEOUT
 */
export async function inTime<T>(
  seconds: number,
  log: Logger,
  start: (patiently: <R>(check: () => Promise<R>) => Promise<R>) => Promise<T>,
): Promise<T> {
  const errors = new RepeatedErrors(log);
  const end = Date.now() + 1000 * seconds;
  const patiently = async <R>(check: () => Promise<R>): Promise<R> => {
    for (;;) {
      try {
        return await check();
      } catch (error) {
        if (!mayPass(error) || Date.now() >= end) throw error;
        errors.warn({ code: error.code }, error.message);
        await sleep(Math.min(1000, end - Date.now()));
      }
    }
  };
  const started = start(patiently);
  if (await endsWithin(1000 * seconds + STUCK_MS, started)) return started;
  throw new CryfoldError('START_TIMEOUT', `not started after ${seconds + STUCK_MS / 1000} s`, {
    hint: 'Redis or the store does not respond. CRYFOLD_START_TIMEOUT sets how many seconds to wait.',
  });
}
