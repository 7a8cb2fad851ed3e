import { type ArtifactStore, readArtifact, storeKeys } from '@cryfold/artifacts';
import { decodeNpy, decodeRecord } from '@cryfold/core';
import { type SearchMetric, searchScore } from '@cryfold/evaluation';
import { decodeManifest, type FoldJob, foldResultSchema, type RunPlan } from '@cryfold/plan';

/** Scores of committed folds, each read once. */
export class FoldScores {
  readonly #store: ArtifactStore;
  readonly #scores = new Map<string, number>();
  #labels: Int32Array | undefined;

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  get(key: string): number | undefined {
    return this.#scores.get(key);
  }

  /**
   * Reads a committed fold's score; larger is better, so a log-loss has its sign changed.
   * @returns undefined where nothing is committed
   * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT, NPY_INVALID, JOB_INVALID
   */
  async read(plan: RunPlan, job: FoldJob, metric: SearchMetric): Promise<number | undefined> {
    const known = this.#scores.get(job.key);
    if (known !== undefined) return known;
    const key = storeKeys.result(job.key);
    const bytes = await this.#store.get(key);
    if (!bytes) return undefined;
    const record = decodeRecord(foldResultSchema, bytes, key);
    const artifact = metric === 'logLoss' ? record.probabilities : (record.decisions ?? record.probabilities);
    const { data } = decodeNpy(await readArtifact(this.#store, artifact.key, artifact.sha256), '<f8', 2, artifact.key);
    const score = await this.#score(plan, job, metric, data);
    this.#scores.set(job.key, score);
    return score;
  }

  async #score(plan: RunPlan, job: FoldJob, metric: SearchMetric, rows: Float64Array): Promise<number> {
    this.#labels ??= await this.#readLabels(plan);
    const all = this.#labels;
    const classes = plan.dataset.classes.length;
    const labels = plan.splits[job.split].test.map((clip) => all[clip]);
    return searchScore(metric, labels, rows, classes);
  }

  async #readLabels(plan: RunPlan): Promise<Int32Array> {
    const key = storeKeys.manifest(plan.dataset.key);
    const { clips } = decodeManifest(await readArtifact(this.#store, key), key);
    return Int32Array.from(clips, ({ label }) => plan.dataset.classes.indexOf(label));
  }
}
