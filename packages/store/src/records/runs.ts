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
  /** For a sweep, the plan including all trials that the sweep has started; for other runs, the same as `base` */
  plan: RunPlan;
  /** The plan as it was stored */
  base: RunPlan;
  /** Undefined for a run that is not a sweep */
  search: SearchLog | undefined;
  /** Number of the next record of the sweep's decisions */
  next: number;
}

/** Records under `runs/<run>/`: the plan, the decisions of a sweep, failures, cancellation and results. */
export class RunRecords {
  readonly #artifacts: ArtifactStore;

  constructor(artifacts: ArtifactStore) {
    this.#artifacts = artifacts;
  }

  /** Returns the ids of all runs that have a plan, in order. */
  async ids(): Promise<string[]> {
    return this.#having(storeKeys.plan);
  }

  /** Returns the ids of all runs that have results, in order. */
  async withResults(): Promise<string[]> {
    return this.#having(storeKeys.results);
  }

  /** Returns the ids of all runs that have a plan, but neither results nor a cancellation. */
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

  /** Lists the keys of all records of all runs. Ignores folders whose names are not run ids, such as copies. */
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

  /** Returns the size and time of a run's plan; undefined if there is no such run. */
  async planInfo(run: string): Promise<ArtifactInfo | undefined> {
    return RUN_ID.test(run) ? this.#artifacts.stat(storeKeys.plan(run)) : undefined;
  }

  /** Returns the time at which a run ended; undefined while it has no results. */
  async endedAt(run: string): Promise<Date | undefined> {
    return (await this.#artifacts.stat(storeKeys.results(run)))?.modified;
  }

  async has(run: string): Promise<boolean> {
    return RUN_ID.test(run) && this.#artifacts.has(storeKeys.plan(run));
  }

  /**
   * Reads a run's plan, which for a sweep includes the trials decided so far.
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
    // The size is checked first, because parsing a plan that is too large would block everything else in the process.
    const { bytes: size = 0 } = (await this.planInfo(run)) ?? {};
    if (size > LIMITS.planBytes) {
      throw new CryfoldError(
        'ARTIFACT_TOO_LARGE',
        `${key}: ${size} bytes; a plan can have at most ${LIMITS.planBytes}`,
        {
          context: { key, bytes: size, limit: LIMITS.planBytes },
          hint: `Cancel the run (cryfold cancel ${run}), and submit it again with fewer repeats, folds or estimators.`,
        },
      );
    }
    const bytes = RUN_ID.test(run) ? await this.#artifacts.get(key) : undefined;
    if (bytes) return decodePlan(bytes, key);
    throw new CryfoldError('RUN_NOT_FOUND', `the store has no run ${JSON.stringify(run)}`, {
      context: { run },
      hint: 'Check --store. To list the runs in the store, use: cryfold list',
    });
  }

  /** Stores a plan, replacing an equal or damaged one. @throws CryfoldError FORMAT_NEWER */
  async savePlan(plan: RunPlan): Promise<void> {
    await replaceRecord(this.#artifacts, storeKeys.plan(plan.run), encodePlan(plan), decodePlan);
  }

  /** Whether a sweep has recorded further decisions since its plan was read. */
  async hasGrown({ base, search, next }: StoredPlan): Promise<boolean> {
    return search !== undefined && this.#artifacts.has(storeKeys.searchRecord(base.run, next));
  }

  /** Commits a sweep's decisions as its record `number`. @returns false if another process committed it first */
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

  /** Returns how a run shares the workers: as specified in its spec, unless this was changed later. */
  async scheduling(plan: RunPlan): Promise<Scheduling> {
    const key = storeKeys.scheduling(plan.run);
    const bytes = await this.#artifacts.get(key);
    const record = bytes && unlessUnreadable(() => decodeRecord(schedulingSchema, bytes, key));
    if (!record) return initialScheduling(plan.spec);
    const { format: _, ...scheduling } = record;
    return scheduling;
  }

  /** @throws CryfoldError FORMAT_NEWER if a newer version of cryfold wrote the existing record */
  async saveScheduling(run: string, scheduling: Scheduling): Promise<void> {
    const record = encodeRecord({ format: FORMATS.scheduling, ...scheduling });
    const decode = (bytes: Uint8Array, key: string) => decodeRecord(schedulingSchema, bytes, key);
    await replaceRecord(this.#artifacts, storeKeys.scheduling(run), record, decode);
  }

  /** Returns the folds that will not be retried. A fold whose failure record is unreadable is retried. */
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

  /** Reopens a run: removes its cancellation, results and failures, so that failed folds are retried. */
  async reopen(run: string): Promise<void> {
    for (const key of await this.#failureKeys(run)) await this.#artifacts.delete(key);
    // The results are removed last, because a run without results counts as unfinished and a coordinator may then
    // continue it immediately.
    await this.#artifacts.delete(storeKeys.cancelled(run));
    await this.#artifacts.delete(storeKeys.results(run));
  }

  async hasResults(run: string): Promise<boolean> {
    return this.#artifacts.has(storeKeys.results(run));
  }

  /** @returns undefined until the run has ended */
  async results(run: string): Promise<RunResults | undefined> {
    const key = storeKeys.results(run);
    const bytes = await this.#artifacts.get(key);
    return bytes && decodeResults(bytes, key);
  }

  /**
   * Reads a run's results together with the bytes from which they were parsed. @throws CryfoldError ARTIFACT_MISSING,
   * JOB_INVALID
   */
  async resultsFile(run: string): Promise<{ results: RunResults; bytes: Uint8Array }> {
    const key = storeKeys.results(run);
    const bytes = await readArtifact(this.#artifacts, key);
    return { results: decodeResults(bytes, key), bytes };
  }

  /** Reads the bytes of results.json and out-of-fold.csv. @throws CryfoldError ARTIFACT_MISSING */
  async resultFiles(run: string): Promise<{ results: Uint8Array; outOfFold: Uint8Array }> {
    const [outOfFold, results] = await Promise.all(
      [storeKeys.outOfFold(run), storeKeys.results(run)].map((key) => readArtifact(this.#artifacts, key)),
    );
    return { results, outOfFold };
  }

  /** Stores the readable output of a finished run: its HTML report and its tables as text. */
  async saveReport(run: string, page: string | Uint8Array, tables: string): Promise<void> {
    await this.#artifacts.put(storeKeys.table(run), Buffer.from(tables));
    await this.#artifacts.put(storeKeys.report(run), Buffer.from(page));
  }

  /** Stores the HTML report that shows a run next to other runs on the same data. */
  async saveProtocols(run: string, page: string | Uint8Array): Promise<void> {
    await this.#artifacts.put(storeKeys.protocols(run), Buffer.from(page));
  }

  /**
   * Returns the time at which the run's plan, results or report were last written; undefined if there is no such run.
   */
  async lastUsed(run: string): Promise<Date | undefined> {
    const keys = [storeKeys.plan(run), storeKeys.results(run), storeKeys.report(run)];
    const [plan, ...later] = await Promise.all(keys.map((key) => this.#artifacts.stat(key)));
    if (!plan) return undefined;
    return new Date(Math.max(...[plan, ...later].map((info) => info?.modified.getTime() ?? 0)));
  }

  /** Writes both files. results.json comes last, since it marks the run as finished. */
  async saveResults(run: string, results: RunResults, outOfFold: Uint8Array): Promise<void> {
    await this.#artifacts.put(storeKeys.outOfFold(run), outOfFold);
    await this.#artifacts.put(storeKeys.results(run), encodeRecord(results));
  }
}
