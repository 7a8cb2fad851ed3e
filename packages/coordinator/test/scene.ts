import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { CryfoldError, type ErrorCode, encodeNpy, sha256 } from '@cryfold/core';
import { repeatedKFold } from '@cryfold/evaluation';
import { type DatasetManifest, type FoldResult, parseSpec, planRun } from '@cryfold/plan';
import type { JobRequest, QueueName } from '@cryfold/queue';
import { createLogger } from '@cryfold/runtime';
import { openStore, RunStore } from '@cryfold/store';
import { RunDriver, type RunQueues } from '../src/run-driver.js';
import { RunFolds } from '../src/run-folds.js';

const manifest: DatasetManifest = {
  format: 1,
  name: 'small',
  contentHash: sha256('small'),
  grouped: true,
  classes: ['a', 'b'],
  clips: Array.from({ length: 6 }, (_, i) => ({ id: `${i}`, label: 'ab'[i % 2], group: `${i}` })),
};

/** Creates a plan with folds of each estimator in a spec, which is given as YAML. */
export function planOf(estimators: string, rest = '', folds = 3) {
  const spec = parseSpec(`version: 1\nname: small\nestimators: ${estimators}\n${rest}`, 'spec.yaml');
  return planRun({ spec, manifest, splits: repeatedKFold(6, { splits: folds, repeats: 1, seed: 0 }) });
}

/** Returns the failure message of a job that failed with the given code. */
export const reason = (code: ErrorCode) => JSON.stringify(new CryfoldError(code, 'it failed').toRecord());

/** In-memory queues that follow those rules of BullMQ on which a run driver relies. */
class MemoryQueues implements RunQueues {
  /** Waiting and running jobs, by queue and id */
  readonly live = new Map<QueueName, Map<string, JobRequest>>();
  readonly active = new Set<string>();
  readonly failed = new Map<string, string>();
  readonly givenBack = new Map<string, number>();

  jobs(queue: QueueName): Map<string, JobRequest> {
    const jobs = this.live.get(queue) ?? new Map<string, JobRequest>();
    this.live.set(queue, jobs);
    return jobs;
  }

  /** Removes a job permanently. */
  fail(queue: QueueName, id: string, why: string): void {
    this.jobs(queue).delete(id);
    this.failed.set(id, why);
  }

  async add(queue: QueueName, jobs: readonly JobRequest[]): Promise<void> {
    for (const job of jobs) if (!this.failed.has(job.id)) this.jobs(queue).set(job.id, job);
  }

  async front(queue: QueueName): Promise<number | undefined> {
    const waiting = [...this.jobs(queue).values()].filter(({ id }) => !this.active.has(id));
    const priorities = waiting.flatMap(({ priority }) => priority ?? []);
    return priorities.length > 0 ? Math.min(...priorities) : undefined;
  }

  async liveIds(queue: QueueName): Promise<Set<string>> {
    return new Set(this.jobs(queue).keys());
  }

  async activeIds(queue: QueueName): Promise<Set<string>> {
    return new Set([...this.jobs(queue).keys()].filter((id) => this.active.has(id)));
  }

  async failures(_queue: QueueName, ids: Iterable<string>): Promise<Map<string, string>> {
    return new Map([...ids].flatMap((id) => (this.failed.has(id) ? [[id, this.failed.get(id) as string]] : [])));
  }

  async forgetFailures(_queue: QueueName, ids: Iterable<string>): Promise<void> {
    for (const id of ids) this.failed.delete(id);
  }

  async giveBacks(): Promise<Map<string, number>> {
    return this.givenBack;
  }

  async forgetGiveBacks(ids: Iterable<string>): Promise<void> {
    for (const id of ids) this.givenBack.delete(id);
  }

  async remove(queue: QueueName, id: string): Promise<boolean> {
    if (this.active.has(id)) return false;
    this.failed.delete(id);
    this.jobs(queue).delete(id);
    return true;
  }
}

/** Creates the driver of a run with its own file store, which is removed after the test. */
export async function scene(t: TestContext, plan: ReturnType<typeof planOf>) {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-coordinator-'));
  t.after(() => rm(folder, { recursive: true }));
  const store = new RunStore(openStore(`file:${folder}`));
  await store.datasets.saveManifest(manifest);
  await store.runs.savePlan(plan);
  const folds = new RunFolds(plan);
  const queues = new MemoryQueues();
  const driver = new RunDriver({ folds, store, queues, log: createLogger('test', 'silent') });
  return { store, folds, queues, driver };
}

/** Commits probabilities of a fold. @param rows two probabilities for each test clip */
export async function commit(store: RunStore, key: string, rows: number[]): Promise<FoldResult> {
  const bytes = encodeNpy(Float64Array.from(rows), [rows.length / 2, 2]);
  const artifact = `folds/${key}/0-a/probabilities.npy`;
  await store.artifacts.put(artifact, bytes);
  const result: FoldResult = {
    ...{ format: 1, key, attempt: '0-a', curve: [], seconds: 1, environment: {} },
    probabilities: { key: artifact, sha256: sha256(bytes) },
  };
  await store.folds.commit(result);
  return result;
}
