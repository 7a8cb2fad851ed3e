import { CryfoldError, ifReadable, isUnreadable, mapLimited } from '@cryfold/core';
import {
  leakHeadline,
  METRICS,
  type MetricName,
  type RunResults,
  summariseLeaks,
  type TrialRow,
  unknownGroupsNote,
} from '@cryfold/evaluation';
import { type FoldJob, type FoldResult, metricOfSpec, type RunPlan } from '@cryfold/plan';
import { namedTrials } from '@cryfold/report';
import { type Decoded, type Reason, TrialTable } from '@cryfold/run-control';
import type { RunStore, StoredPlan } from '@cryfold/store';

/** Reads the folds of a run from the store. Each result is read only once. */
export class GridReader {
  readonly #store: RunStore;
  readonly #decoded: Decoded;
  readonly #table: TrialTable;

  constructor(store: RunStore, decoded: Decoded) {
    this.#store = store;
    this.#decoded = decoded;
    this.#table = new TrialTable(store);
  }

  /** The plan of a run. Returns the same object until the plan grows. @throws CryfoldError RUN_NOT_FOUND */
  plan(run: string): Promise<StoredPlan> {
    return this.#decoded.storedPlan(run);
  }

  /**
   * Returns a warning about unknown groups and about sounds or groups in both training and test data; null if there is
   * nothing to warn about.
   */
  async warning(plan: RunPlan): Promise<string | null> {
    const sounds = await ifReadable(this.#store.datasets.sharedSounds(plan.dataset.key));
    const manifest = await ifReadable(this.#decoded.manifest(plan)).catch((error) => {
      // The page works without this warning.
      if (error instanceof CryfoldError && error.code === 'ARTIFACT_MISSING') return undefined;
      throw error;
    });
    if (!manifest) return null;
    const { clips, groupSource } = manifest;
    const groups = new Set(clips.map(({ group }) => group)).size;
    const facts = { groupSource, groups, clips: clips.length };
    const unknown = unknownGroupsNote(facts);
    if (!sounds) return unknown ?? null;
    const splits = plan.splits
      .filter(({ outer }) => outer === undefined)
      .map(({ train, test, ...place }) => ({ ...place, train: Int32Array.from(train), test: Int32Array.from(test) }));
    const found = leakHeadline(summariseLeaks({ clips, splits, sounds }), unknown === undefined);
    return [found ?? [], unknown ?? []].flat().join(' ') || null;
  }

  /** Returns the given folds that have a result. */
  async done(jobs: readonly FoldJob[]): Promise<FoldJob[]> {
    const has = await mapLimited(jobs, ({ key }) => this.#store.folds.has(key));
    return jobs.filter((_job, i) => has[i]);
  }

  /**
   * Reads the run's metric on the test clips of a committed fold, and the fold's duration in seconds.
   * @param known the metric, if already known
   * @returns undefined if there is no readable result
   */
  async result(
    { plan, base, search }: StoredPlan,
    job: FoldJob,
    known: number | null,
  ): Promise<{ value: number | null; seconds: number } | undefined> {
    const result = await this.#store.folds.result(job.key).catch((error) => {
      if (!isUnreadable(error)) throw error;
      return undefined;
    });
    if (!result) return undefined;
    if (search) await this.#table.read(plan, job);
    const metric = metricOfSpec(base.spec);
    const last = result.curve.at(-1);
    const inCurve = metric === 'accuracy' ? last?.testAccuracy : metric === 'logLoss' ? last?.testLoss : undefined;
    const value = known ?? inCurve ?? (await this.#valueOf(metric, plan, job, result).catch(() => null));
    return { value, seconds: result.seconds };
  }

  async #valueOf(metric: MetricName, plan: RunPlan, job: FoldJob, result: FoldResult): Promise<number> {
    const { folds } = this.#store;
    const rows = await (METRICS[metric].share ? folds.scores(result) : folds.matrix(result.probabilities));
    const { clips } = await this.#decoded.manifest(plan);
    const labels = plan.splits[job.split].test.map((clip) => plan.dataset.classes.indexOf(clips[clip].label));
    return METRICS[metric].of(labels, rows, plan.dataset.classes.length);
  }

  /** Reads the reasons for which folds failed, by fold key. */
  async reasons(run: string): Promise<Map<string, Reason>> {
    const failures = await this.#store.runs.failures(run);
    return new Map(
      failures.map(({ key, error: { code, message, hint } }) => [key, { code, message, ...(hint ? { hint } : {}) }]),
    );
  }

  /** @returns undefined while the run has not ended */
  results(run: string): Promise<RunResults | undefined> {
    return this.#store.runs.results(run);
  }

  /** Returns the trials of a sweep, based on the folds read so far, with display names. */
  trials(stored: StoredPlan): TrialRow[] {
    return namedTrials(stored.base.spec, this.#table.rows(stored));
  }
}
