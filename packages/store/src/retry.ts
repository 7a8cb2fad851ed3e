import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  /** No further attempt is started after this many milliseconds. */
  milliseconds: number;
  /** Delay before the second attempt, milliseconds; it doubles up to `ceilingMs`. */
  firstMs?: number;
  ceilingMs?: number;
}

/**
 * Retries an action until it succeeds, fails permanently or runs out of time. Throws the last error. Half of each delay
 * is random, so that many workers do not hit a recovering server at the same time.
 * @param isFinal whether retrying after this error would be useless
 */
export async function retry<T>(
  action: (attempt: number) => Promise<T>,
  isFinal: (error: unknown) => boolean,
  { milliseconds, firstMs = 100, ceilingMs = 5000 }: Patience,
): Promise<T> {
  const end = Date.now() + milliseconds;
  for (let attempt = 0; ; attempt++) {
    try {
      return await action(attempt);
    } catch (error) {
      if (isFinal(error) || Date.now() >= end) throw error;
      const delayMs = Math.min(firstMs * 2 ** attempt, ceilingMs);
      await sleep(delayMs * (0.5 + Math.random() / 2));
    }
  }
}
