import { CryfoldError, decodeRecord, encodeRecord, FORMATS, LIMITS, mapLimited, unlessUnreadable } from '@cryfold/core';
import { decodeResults, type RunResults } from '@cryfold/evaluation';
import {
  type Decision,
  decodePlan,
  encodePlan,
  type FoldFailure,
  foldFailureSchema,
  growPlan,
  initialScheduling,
  type RunPlan,
  replay,
  type Scheduling,
  type SearchLog,
  type SearchRecord,
  schedulingSchema,
  searchRecordSchema,
} from '@cryfold/plan';
import type { ArtifactInfo, ArtifactStore } from '../artifact-store.js';
import { readArtifact } from '../open-store.js';
import { replaceRecord } from '../replace-record.js';
import { storeKeys } from './keys.js';

/** A run's id. */
export const RUN_ID = /^[a-z0-9][a-z0-9-]*$/;

export interface StoredPlan {
  /** With every trial that the sweep has begun; for other runs, the plan as it was stored */
  plan: RunPlan;
  /** As it was stored */
  base: RunPlan;
  /** Undefined for a run that is not a sweep */
  search: SearchLog | undefined;
  /** Number of the sweep's next record */
  next: number;
}

/** Records under `runs/<run>/`: the plan, what a sweep decided, failures, cancellation and results. */
export class RunRecords {
  readonly #artifacts: ArtifactStore;

  constructor(artifacts: ArtifactStore) {
    this.#artifacts = artifacts;
  }

  /** Ids of all runs that have a plan, in order. */
  async ids(): Promise<string[]> {
    return this.#having(storeKeys.plan);
  }

  /** Ids of all runs that have results, in order. */
  async withResults(): Promise<string[]> {
    return this.#having(storeKeys.results);
  }

  /** Ids of all runs that have a plan, and neither results nor a cancellation. */
  async unfinished(): Promise<string[]> {
    const planned: string[] = [];
    const ended = new Set<string>();
    for await (const { run, key } of this.#records()) {
      if (key === storeKeys.plan(run)) planned.push(run);
      if (key === storeKeys.results(run) || key === storeKeys.cancelled(run)) ended.add(run);
    }
    return planned.filter((run) => !ended.has(run));
  }

  async #having(keyOf: (run: string) => string): Promise<string[]> {
    const found: string[] = [];
    for await (const { run, key } of this.#records()) if (key === keyOf(run)) found.push(run);
    return found;
  }

  /** Keys of all runs' records. A folder whose name no run has, such as a copy, is no run. */
  async *#records(): AsyncIterable<{ run: string; key: string }> {
    for await (const key of this.#artifacts.list('runs/')) {
      const run = key.split('/')[1];
      if (RUN_ID.test(run)) yield { run, key };
    }
  }

  async #failureKeys(run: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const key of this.#artifacts.list(storeKeys.failures(run))) keys.push(key);
    return keys;
  }

  /** Size and time of a run's plan; undefined where there is no such run. */
  async planInfo(run: string): Promise<ArtifactInfo | undefined> {
    return RUN_ID.test(run) ? this.#artifacts.stat(storeKeys.plan(run)) : undefined;
  }

  /** When a run ended; undefined while it has no results. */
  async endedAt(run: string): Promise<Date | undefined> {
    return (await this.#artifacts.stat(storeKeys.results(run)))?.modified;
  }

  async has(run: string): Promise<boolean> {
    return RUN_ID.test(run) && this.#artifacts.has(storeKeys.plan(run));
  }

  /**
   * A run's plan, which in a sweep grows by what was decided so far.
   * @throws CryfoldError RUN_NOT_FOUND, ARTIFACT_TOO_LARGE, JOB_INVALID, FORMAT_NEWER
   */
  async plan(run: string): Promise<StoredPlan> {
    const base = await this.#basePlan(run);
    if (!base.spec.search) return { plan: base, base, search: undefined, next: 0 };
    const decisions: Decision[] = [];
    let next = 0;
    for (; ; next++) {
      const name = storeKeys.searchRecord(run, next);
      const record = await this.#artifacts.get(name);
      if (!record) break;
      decisions.push(...decodeRecord(searchRecordSchema, record, name).decisions);
    }
    const search = replay(decisions);
    return { plan: growPlan(base, search), base, search, next };
  }

  async #basePlan(run: string): Promise<RunPlan> {
    const key = storeKeys.plan(run);
    // The size first: parsing a plan that is too large would block everything else that the process does.
    const { bytes: size = 0 } = (await this.planInfo(run)) ?? {};
    if (size > LIMITS.planBytes) {
      throw new CryfoldError('ARTIFACT_TOO_LARGE', `${key}: ${size} bytes; a plan has at most ${LIMITS.planBytes}`, {
        context: { key, bytes: size, limit: LIMITS.planBytes },
        hint: `Submit it with fewer repeats, folds or estimators, after it is cancelled: cryfold cancel ${run}`,
      });
    }
    const bytes = RUN_ID.test(run) ? await this.#artifacts.get(key) : undefined;
    if (bytes) return decodePlan(bytes, key);
    throw new CryfoldError('RUN_NOT_FOUND', `the store has no run ${JSON.stringify(run)}`, {
      context: { run },
      hint: '--store says where to look. Show what is there: cryfold list',
    });
  }

  /** Stores a plan, over an equal or a damaged one. @throws CryfoldError FORMAT_NEWER */
  async savePlan(plan: RunPlan): Promise<void> {
    await replaceRecord(this.#artifacts, storeKeys.plan(plan.run), encodePlan(plan), decodePlan);
  }

  /** Whether a sweep has decided more than `stored` knows. */
  async hasGrown({ base, search, next }: StoredPlan): Promise<boolean> {
    return search !== undefined && this.#artifacts.has(storeKeys.searchRecord(base.run, next));
  }

  /** Commits a sweep's decisions as its record `number`. @returns whether this record is the one */
  async addDecisions(run: string, number: number, record: SearchRecord): Promise<boolean> {
    return this.#artifacts.putIfAbsent(storeKeys.searchRecord(run, number), encodeRecord(record));
  }

  async isCancelled(run: string): Promise<boolean> {
    return this.#artifacts.has(storeKeys.cancelled(run));
  }

  async cancel(run: string): Promise<void> {
    const record = { format: FORMATS.cancelled, run, at: new Date().toISOString() };
    await this.#artifacts.putIfAbsent(storeKeys.cancelled(run), encodeRecord(record));
  }

  /** How a run shares the workers: as its spec says until somebody changes it. */
  async scheduling(plan: RunPlan): Promise<Scheduling> {
    const key = storeKeys.scheduling(plan.run);
    const bytes = await this.#artifacts.get(key);
    const record = bytes && unlessUnreadable(() => decodeRecord(schedulingSchema, bytes, key));
    if (!record) return initialScheduling(plan.spec);
    const { format: _, ...scheduling } = record;
    return scheduling;
  }

  /** @throws CryfoldError FORMAT_NEWER where a newer cryfold's record is there */
  async saveScheduling(run: string, scheduling: Scheduling): Promise<void> {
    const record = encodeRecord({ format: FORMATS.scheduling, ...scheduling });
    const decode = (bytes: Uint8Array, key: string) => decodeRecord(schedulingSchema, bytes, key);
    await replaceRecord(this.#artifacts, storeKeys.scheduling(run), record, decode);
  }

  /** Folds that will not be tried again; one whose record cannot be read is tried again. */
  async failures(run: string): Promise<FoldFailure[]> {
    const found = await mapLimited(await this.#failureKeys(run), async (key) => {
      const bytes = await this.#artifacts.get(key);
      return bytes && unlessUnreadable(() => decodeRecord(foldFailureSchema, bytes, key));
    });
    return found.flatMap((failure) => failure ?? []);
  }

  async failure(run: string, fold: string): Promise<FoldFailure | undefined> {
    const key = storeKeys.failure(run, fold);
    const bytes = await this.#artifacts.get(key);
    return bytes && decodeRecord(foldFailureSchema, bytes, key);
  }

  async saveFailure(run: string, failure: FoldFailure): Promise<void> {
    await this.#artifacts.put(storeKeys.failure(run, failure.key), encodeRecord(failure));
  }

  /** Makes a run unfinished again: failed folds are tried again, and a cancellation ends. */
  async reopen(run: string): Promise<void> {
    for (const key of await this.#failureKeys(run)) await this.#artifacts.delete(key);
    // Last: without these the run is unfinished, and a coordinator may take it at once.
    await this.#artifacts.delete(storeKeys.cancelled(run));
    await this.#artifacts.delete(storeKeys.results(run));
  }

  async hasResults(run: string): Promise<boolean> {
    return this.#artifacts.has(storeKeys.results(run));
  }

  /** @returns undefined while the run has not ended */
  async results(run: string): Promise<RunResults | undefined> {
    const key = storeKeys.results(run);
    const bytes = await this.#artifacts.get(key);
    return bytes && decodeResults(bytes, key);
  }

  /** A run's results with the bytes that they were read from. @throws CryfoldError ARTIFACT_MISSING, JOB_INVALID */
  async resultsFile(run: string): Promise<{ results: RunResults; bytes: Uint8Array }> {
    const key = storeKeys.results(run);
    const bytes = await readArtifact(this.#artifacts, key);
    return { results: decodeResults(bytes, key), bytes };
  }

  /** The bytes of results.json and out-of-fold.csv. @throws CryfoldError ARTIFACT_MISSING */
  async resultFiles(run: string): Promise<{ results: Uint8Array; outOfFold: Uint8Array }> {
    const [outOfFold, results] = await Promise.all(
      [storeKeys.outOfFold(run), storeKeys.results(run)].map((key) => readArtifact(this.#artifacts, key)),
    );
    return { results, outOfFold };
  }

  /** Keeps what people read of a run that ended: its page, and its tables as text. */
  async saveReport(run: string, page: string | Uint8Array, tables: string): Promise<void> {
    await this.#artifacts.put(storeKeys.table(run), Buffer.from(tables));
    await this.#artifacts.put(storeKeys.report(run), Buffer.from(page));
  }

  /** Keeps the page that shows a run beside others over the same data. */
  async saveProtocols(run: string, page: string | Uint8Array): Promise<void> {
    await this.#artifacts.put(storeKeys.protocols(run), Buffer.from(page));
  }

  /** When something was last written that says a run was started, ended or shown; undefined where there is no such run. */
  async lastUsed(run: string): Promise<Date | undefined> {
    const keys = [storeKeys.plan(run), storeKeys.results(run), storeKeys.report(run)];
    const [plan, ...later] = await Promise.all(keys.map((key) => this.#artifacts.stat(key)));
    if (!plan) return undefined;
    return new Date(Math.max(...[plan, ...later].map((info) => info?.modified.getTime() ?? 0)));
  }

  /** Writes both files; results.json last, since it says that the run has ended. */
  async saveResults(run: string, results: RunResults, outOfFold: Uint8Array): Promise<void> {
    await this.#artifacts.put(storeKeys.outOfFold(run), outOfFold);
    await this.#artifacts.put(storeKeys.results(run), encodeRecord(results));
  }
}
