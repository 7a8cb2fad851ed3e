import { CryfoldError } from '@cryfold/core';

export interface Waiter<T> {
  /** Does the work, once it is its turn. */
  work: () => Promise<T>;
  /** Aborted when nobody wants the result any more */
  signal: AbortSignal;
}

interface Entry {
  run: () => Promise<void>;
  drop: (error: CryfoldError) => void;
}

/**
 * Work that is done one at a time, in order of arrival. Whoever waits can be dropped, without harm to what is running:
 * when the client is gone, or after `waitSeconds`.
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

  /** @throws CryfoldError SERVER_BUSY when dropped; and as `work` */
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

  /** Whether work can be done now; until then all wait. */
  set open(open: boolean) {
    this.#open = open;
    this.#next();
  }

  /** Drops all that wait; what runs is left alone. */
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

/** @param message what keeps the service from predicting now */
export const busy = (message: string) =>
  new CryfoldError('SERVER_BUSY', message, { hint: 'Try again in a few seconds.' });
const waited = (seconds: number) => busy(`the recording waited ${seconds} s for its turn`);
const gone = () => busy('the client closed the connection');
export const stopping = () => busy('the service is stopping');
