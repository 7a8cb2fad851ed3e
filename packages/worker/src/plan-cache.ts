import type { RunPlan } from '@cryfold/plan';
import type { WorkPayload } from '@cryfold/queue';
import type { RunStore } from '@cryfold/store';

/** Maximum number of plans in the cache. A worker serves only a few runs at a time. */
const KEPT = 8;

/** Cache of the plans of the runs that a worker serves. */
export class PlanCache {
  readonly #store: RunStore;
  readonly #plans = new Map<string, RunPlan>();

  constructor(store: RunStore) {
    this.#store = store;
  }

  /**
   * Returns the plan of a job's run. Reads the plan again if it does not contain the job, because a sweep has extended
   * it.
   */
  async planFor(payload: WorkPayload): Promise<RunPlan> {
    const { run } = payload;
    const known = this.#plans.get(run);
    if (known && (!known.spec.search || covers(known, payload))) return known;
    const { plan } = await this.#store.runs.plan(run);
    const [oldest] = this.#plans.keys();
    if (this.#plans.size >= KEPT && !this.#plans.has(run)) this.#plans.delete(oldest);
    this.#plans.set(run, plan);
    return plan;
  }
}

function covers({ jobs, spec }: RunPlan, payload: WorkPayload): boolean {
  if (payload.kind === 'fold') return jobs.some(({ key }) => key === payload.key);
  return Object.hasOwn(spec.estimators, payload.trial);
}
