import { type ArtifactStore, readArtifact, type StoredPlan } from '@cryfold/artifacts';
import { decodeNpy } from '@cryfold/core';
import { searchScore, type TrialRow } from '@cryfold/evaluation';
import { contextSplits, type FoldJob, type RunPlan } from '@cryfold/plan';
import { meanScore, trialStatistics } from '@cryfold/search';
import { readManifest } from './fold-detail.js';
import { readResult } from './logs.js';
import { mapLimited } from './status.js';

/** The trials of a sweep's search over all data as they stand now; each fold's score is read once. */
export class TrialTable {
  readonly #store: ArtifactStore;
  /** By key of the fold */
  readonly #scores = new Map<string, number>();
  #labels: Promise<number[]> | undefined;

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  /** Reads what is committed of a fold; what cannot be read counts as not there. */
  async read(plan: RunPlan, job: FoldJob): Promise<void> {
    const score = this.#scores.get(job.key) ?? (await this.#score(plan, job).catch(() => undefined));
    if (score !== undefined) this.#scores.set(job.key, score);
  }

  /** Best first within each estimator; a trial that goes on by what was read of it. No rows where there is no sweep. */
  rows({ plan, base, search }: StoredPlan): TrialRow[] {
    const spec = base.spec.search;
    if (!search || !spec) return [];
    const splits = contextSplits(base, 0);
    const ratio = meanScore(splits.map((s) => base.splits[s].test.length / base.splits[s].train.length));
    const scores = new Map<string, Map<number, number>>();
    for (const { trial, key, split } of plan.jobs) {
      const score = this.#scores.get(key);
      if (score === undefined) continue;
      const own = scores.get(trial) ?? new Map<number, number>();
      scores.set(trial, own.set(split, score));
    }
    const ranked = [...search.trials.values()]
      .filter(({ context }) => context === 0)
      .map(({ trial, base: name, state, reason = '', parameters, ...rest }) => {
        const own = scores.get(trial) ?? new Map<number, number>();
        const statistics = rest.statistics ?? trialStatistics(own, ratio, spec);
        const { folds, mean, standardDeviation, low, high } = statistics;
        const figures = { folds, planned: splits.length, mean, standardDeviation, low, high };
        const row: TrialRow = { trial, base: name, state, reason, parameters, ...figures };
        return { row, score: mean === null ? Number.NEGATIVE_INFINITY : spec.metric === 'logLoss' ? -mean : mean };
      });
    const bases = Object.keys(spec.space);
    // Two trials without a score: neither is before the other.
    const order = (a: number, b: number) => (a === b ? 0 : b - a);
    ranked.sort((a, b) => bases.indexOf(a.row.base) - bases.indexOf(b.row.base) || order(a.score, b.score));
    return ranked.map(({ row }) => row);
  }

  async #score(plan: RunPlan, job: FoldJob): Promise<number | undefined> {
    const metric = plan.spec.search?.metric ?? 'accuracy';
    const result = await readResult(this.#store, job);
    if (!result) return undefined;
    const { key, sha256 } = metric === 'logLoss' ? result.probabilities : (result.decisions ?? result.probabilities);
    const { data } = decodeNpy(await readArtifact(this.#store, key, sha256), '<f8', 2, key);
    this.#labels ??= readManifest(this.#store, plan.dataset.key).then(({ clips }) =>
      clips.map(({ label }) => plan.dataset.classes.indexOf(label)),
    );
    const all = await this.#labels;
    const labels = plan.splits[job.split].test.map((clip) => all[clip]);
    return searchScore(metric, labels, data, plan.dataset.classes.length);
  }
}

/** The rows of `TrialTable` with everything that the store has; of no sweep, none. */
export async function readTrialRows(store: ArtifactStore, stored: StoredPlan): Promise<TrialRow[]> {
  const table = new TrialTable(store);
  const jobs = stored.plan.jobs.filter(({ trial }) => stored.search?.trials.get(trial)?.state === 'RUNNING');
  await mapLimited(jobs, (job) => table.read(stored.plan, job));
  return table.rows(stored);
}
