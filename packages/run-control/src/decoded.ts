import type { DatasetManifest, RunPlan } from '@cryfold/plan';
import type { RunStore, StoredPlan } from '@cryfold/store';

/** Maximum number of plans and manifests in the cache. */
const KEPT = 16;
/**
 * Maximum total size in bytes of the cached plans, in their stored form; decoded plans take several times as much
 * memory. The latest plan is always cached.
 */
const PLAN_BYTES = 64 * 2 ** 20;

/**
 * Caches decoded plans and manifests, since decoding a plan of thousands of folds takes tens of milliseconds. Each
 * access to a plan checks that it still exists and has not grown. A manifest never changes.
 */
export class Decoded {
  readonly #store: RunStore;
  readonly #plans = new Map<string, { stamp: string; bytes: number; stored: StoredPlan }>();
  readonly #manifests = new Map<string, DatasetManifest>();

  constructor(store: RunStore) {
    this.#store = store;
  }

  async plan(run: string): Promise<RunPlan> {
    return (await this.storedPlan(run)).plan;
  }

  /** @throws CryfoldError RUN_NOT_FOUND */
  async storedPlan(run: string): Promise<StoredPlan> {
    const found = await this.#store.runs.planInfo(run);
    const stamp = found && `${found.bytes} ${found.modified.getTime()}`;
    const known = this.#plans.get(run);
    if (stamp && known?.stamp === stamp && !(await this.#store.runs.hasGrown(known.stored))) {
      return keep(this.#plans, run, known).stored;
    }
    this.#plans.delete(run);
    const stored = await this.#store.runs.plan(run);
    if (!found || !stamp) return stored;
    keep(this.#plans, run, { stamp, bytes: found.bytes, stored });
    let bytes = [...this.#plans.values()].reduce((sum, plan) => sum + plan.bytes, 0);
    for (const [oldest, plan] of this.#plans) {
      if (bytes <= PLAN_BYTES || oldest === run) break;
      this.#plans.delete(oldest);
      bytes -= plan.bytes;
    }
    return stored;
  }

  async manifest(plan: RunPlan): Promise<DatasetManifest> {
    const { key } = plan.dataset;
    return keep(this.#manifests, key, this.#manifests.get(key) ?? (await this.#store.datasets.manifest(key)));
  }
}

/** Marks an entry as most recently used, and evicts the least recently used one if there are too many. */
function keep<T>(map: Map<string, T>, key: string, value: T): T {
  map.delete(key);
  map.set(key, value);
  if (map.size > KEPT) map.delete(map.keys().next().value as string);
  return value;
}
