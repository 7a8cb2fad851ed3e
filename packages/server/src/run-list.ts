import { type RunStatus, runIds, type StoreControl } from '@cryfold/control';

/** Milliseconds that a list of runs is good for, however many ask. */
const FRESH = 1000;

/** All runs of the store, looked up once for all who ask; a complete run is never looked up again. */
export class RunList {
  readonly #control: StoreControl;
  readonly #complete = new Map<string, RunStatus>();
  #looked = 0;
  #runs: Promise<RunStatus[]> | undefined;

  constructor(control: StoreControl) {
    this.#control = control;
  }

  runs(): Promise<RunStatus[]> {
    if (this.#runs && Date.now() - this.#looked < FRESH) return this.#runs;
    this.#looked = Date.now();
    const runs = this.#look();
    this.#runs = runs;
    runs.catch(() => {
      if (this.#runs === runs) this.#runs = undefined;
    });
    return runs;
  }

  /** Has the next to ask look anew. */
  changed(status: RunStatus): RunStatus {
    this.#runs = undefined;
    return status;
  }

  async #look(): Promise<RunStatus[]> {
    const runs: RunStatus[] = [];
    for (const run of await runIds(this.#control.store)) {
      const known = this.#complete.get(run) ?? (await this.#control.status(run));
      if (known.state === 'complete') this.#complete.set(run, known);
      runs.push(known);
    }
    return runs;
  }
}
