import { setTimeout as sleep } from 'node:timers/promises';
import type { Checks } from '@cryfold/runtime';

/** How long a result is cached and how long a check may take, both in milliseconds. */
const FRESH_MS = 2000;
const PATIENCE_MS = 3000;

/** Runs readiness checks. Concurrent requests share the results of the same checks. */
export class Readiness {
  readonly #checks: Checks;
  #looked = 0;
  #failing: Promise<Record<string, string>> | undefined;

  constructor(checks: Checks) {
    this.#checks = checks;
  }

  /** The reasons for failed checks, by name; empty if the process is ready. */
  failing(): Promise<Record<string, string>> {
    if (!this.#failing || Date.now() - this.#looked > FRESH_MS) {
      this.#looked = Date.now();
      this.#failing = this.#look();
    }
    return this.#failing;
  }

  async #look(): Promise<Record<string, string>> {
    const failing: Record<string, string> = {};
    const late = sleep(PATIENCE_MS, undefined, { ref: false }).then(() => {
      throw new Error(`no response within ${PATIENCE_MS} ms`);
    });
    late.catch(() => {});
    await Promise.all(
      Object.entries(this.#checks).map(([name, check]) =>
        Promise.race([check(), late]).catch((error) => {
          failing[name] = (error as Error).message;
        }),
      ),
    );
    return failing;
  }
}
