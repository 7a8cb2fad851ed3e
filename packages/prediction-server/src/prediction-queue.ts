import { CryfoldError } from '@cryfold/core';

export interface Waiter<T> {
  /** Called when it is this item's turn */
  work: () => Promise<T>;
  /** Aborted when the result is no longer needed */
  signal: AbortSignal;
}

interface Entry {
  run: () => Promise<void>;
  drop: (error: CryfoldError) => void;
}

/**
 * Runs work items one at a time, in order of arrival. A waiting item is dropped when its client disconnects or after
 * `waitSeconds`. Running work is not affected.
 */
export class PredictionQueue {
  readonly #waitSeconds: number;
  readonly #waiting = new Set<Entry>();
  #running: Promise<void> | undefined;
  #open = false;
  #stopped = false;

  constructor(waitSeconds: number) {
    this.#waitSeconds = waitSeconds;
  }

  get length(): number {
    return this.#waiting.size + (this.#running ? 1 : 0);
  }

  /** @throws CryfoldError SERVER_BUSY if the work is dropped, or any error that `work` throws */
  add<T>({ work, signal }: Waiter<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#stopped) return reject(stopping());
      if (signal.aborted) return reject(gone());
      const leave = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#waiting.delete(entry);
      };
      const entry: Entry = {
        run: () => {
          leave();
          return work().then(resolve, reject);
        },
        drop: (error) => {
          leave();
          reject(error);
        },
      };
      const onAbort = () => entry.drop(gone());
      const timer = setTimeout(() => entry.drop(waited(this.#waitSeconds)), this.#waitSeconds * 1000);
      signal.addEventListener('abort', onAbort);
      this.#waiting.add(entry);
      this.#next();
    });
  }

  /** Sets whether work can run. While it cannot, all work waits. */
  set open(open: boolean) {
    this.#open = open;
    this.#next();
  }

  /** Drops all waiting work. Running work continues. */
  stop(): void {
    this.#stopped = true;
    for (const { drop } of [...this.#waiting]) drop(stopping());
  }

  #next(): void {
    if (this.#running || !this.#open) return;
    const [first] = this.#waiting;
    if (!first) return;
    this.#running = first.run().finally(() => {
      this.#running = undefined;
      this.#next();
    });
  }
}

/** @param message why the service cannot predict now */
export const busy = (message: string) =>
  new CryfoldError('SERVER_BUSY', message, { hint: 'Try again in a few seconds.' });
const waited = (seconds: number) => busy(`the request timed out after waiting ${seconds} s`);
const gone = () => busy('the client closed the connection');
export const stopping = () => busy('the service is stopping');
