import { type Decoded, type RunStatus, runStatusSchema, type StoreControl, unlessDeleted } from '@cryfold/run-control';
import type { RunStore } from '@cryfold/store';

/** Milliseconds for which the list of runs is cached for all clients. */
const FRESH_MS = 1000;
/** Milliseconds for which the status of an inactive run is cached. */
const STILL_MS = 10_000;

/** Progress that the coordinator publishes with a run's job. */
const progress = runStatusSchema.pick({
  total: true,
  done: true,
  failed: true,
  trials: true,
  active: true,
  etaSeconds: true,
  givenBack: true,
  scheduling: true,
});

interface Known {
  status: RunStatus;
  looked: number;
  live: boolean;
}

/** A cached list of all runs in the store. All clients share the list, and a complete run is looked up only once. */
export class RunList {
  readonly #control: StoreControl;
  readonly #complete = new Map<string, RunStatus>();
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, { at: number; status: Promise<RunStatus> }>();
  #looked = 0;
  #runs: Promise<RunStatus[]> | undefined;

  constructor(control: StoreControl) {
    this.#control = control;
  }

  get store(): RunStore {
    return this.#control.store;
  }

  get decoded(): Decoded {
    return this.#control.decoded;
  }

  get queues() {
    return this.#control.queues;
  }

  runs(): Promise<RunStatus[]> {
    if (this.#runs && Date.now() - this.#looked < FRESH_MS) return this.#runs;
    this.#looked = Date.now();
    const runs = this.#each((run) => this.#control.status(run));
    this.#runs = runs;
    runs.catch(() => {
      if (this.#runs === runs) this.#runs = undefined;
    });
    return runs;
  }

  /** Status of one run, cached for a second. For a complete run, only checks whether it still exists. */
  async statusOf(run: string): Promise<RunStatus> {
    const complete = this.#complete.get(run);
    if (complete) {
      await this.decoded.plan(run);
      return complete;
    }
    const asked = this.#asked.get(run);
    if (asked && Date.now() - asked.at < FRESH_MS) return asked.status;
    const status = this.#control.status(run);
    const now = { at: Date.now(), status };
    this.#asked.set(run, now);
    const forget = () => void (this.#asked.get(run) === now && this.#asked.delete(run));
    setTimeout(forget, FRESH_MS).unref();
    status.then((found) => found.state === 'complete' && this.#complete.set(run, found)).catch(forget);
    return status;
  }

  /** Like `runs`, without failures. For active runs, uses the progress that the coordinator last published. */
  brief(): Promise<RunStatus[]> {
    return this.#each((run) => this.briefOf(run));
  }

  async briefOf(run: string): Promise<RunStatus> {
    const complete = this.#complete.get(run);
    if (complete) return complete;
    const known = this.#known.get(run);
    const job = await this.queues?.job('runs', run);
    const live = job !== undefined && job.state !== 'failed' && job.state !== 'completed';
    const published = live ? progress.safeParse(job.progress) : undefined;
    if (known && live && known.live && published?.success) {
      known.status = { ...known.status, ...published.data };
      return known.status;
    }
    if (known && known.live === live && Date.now() - known.looked < (live ? FRESH_MS : STILL_MS)) return known.status;
    const status = { ...(await this.#control.status(run)), failures: [] };
    this.#known.set(run, { status, looked: Date.now(), live: live && status.state === 'running' });
    if (status.state === 'complete') this.#complete.set(run, status);
    return status;
  }

  /** Invalidates the cache of a run that has changed. */
  changed(status: RunStatus): RunStatus {
    this.#runs = undefined;
    this.#known.delete(status.run);
    this.#asked.delete(status.run);
    this.#complete.delete(status.run);
    return status;
  }

  async #each(look: (run: string) => Promise<RunStatus>): Promise<RunStatus[]> {
    const runs: RunStatus[] = [];
    for (const run of await this.store.runs.ids()) {
      const status = this.#complete.get(run) ?? (await unlessDeleted(look(run)));
      if (!status) continue;
      if (status.state === 'complete') this.#complete.set(run, status);
      runs.push(status);
    }
    return runs;
  }
}
