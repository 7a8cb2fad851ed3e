import { type ArtifactStore, observed, openStore, RunStore, type S3Settings, storeKeys } from '@cryfold/artifacts';
import { type CryfoldError, encodeRecord } from '@cryfold/core';
import type { RunResults } from '@cryfold/evaluation';
import { Consumer, type RunPayload, runPayload } from '@cryfold/queue';
import {
  type Checks,
  consumerObserver,
  type Logger,
  type Metrics,
  NO_METRICS,
  type Service,
  storeObserver,
  traced,
} from '@cryfold/runtime';
import { evaluateStored } from './evaluate-stored.js';
import { type OnDamaged, readRun } from './read-run.js';
import { readTrials, searchResults } from './search-results.js';

export interface AggregatorOptions {
  redisUrl: string;
  storeUrl: string;
  /** How to reach the server of an `s3:` store */
  s3: S3Settings | undefined;
  log: Logger;
  metrics?: Metrics;
}

/** Fuses a settled run's probabilities, computes its metrics and writes `out-of-fold.csv`, then `results.json`. */
export class Aggregator implements Service {
  readonly #store: ArtifactStore;
  readonly #consumer: Consumer<RunPayload>;
  readonly checks: Checks = {
    redis: () => this.#consumer.check(),
    store: () => this.#store.has('checks/ready'),
  };

  constructor(options: AggregatorOptions) {
    const metrics = options.metrics ?? NO_METRICS;
    this.#store = observed(openStore(options.storeUrl, options.s3), storeObserver(metrics));
    this.#consumer = new Consumer({
      url: options.redisUrl,
      queue: 'aggregate',
      schema: runPayload,
      concurrency: 1,
      // A run is not to blame for how often aggregators die in the days that it takes.
      maxStalledCount: 1e9,
      handle: async ({ run }) => {
        const start = performance.now();
        const results = await traced('aggregate', { run }, () => aggregate(this.#store, run));
        metrics.add('cryfold_aggregations_total', { status: results.status });
        metrics.observe('cryfold_aggregation_duration_seconds', {}, (performance.now() - start) / 1000);
        options.log.info({ run, status: results.status, missing: results.missing.length }, 'run aggregated');
      },
      onError: (error) => options.log.warn({ err: error }, 'queue error'),
      observer: consumerObserver(metrics, 'aggregate'),
    });
    options.log.info('aggregator ready');
  }

  async stop(graceSeconds: number): Promise<void> {
    await this.#consumer.close(graceSeconds === 0);
    await this.#store.close();
  }
}

/**
 * Reads every fold of a run's plan; what is missing is said, never averaged over.
 * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT, JOB_INVALID, NPY_INVALID, PROBABILITIES_INVALID
 */
export async function aggregate(store: ArtifactStore, run: string): Promise<RunResults> {
  let damaged: CryfoldError | undefined;
  const onDamaged: OnDamaged = async (job, error) => {
    // Without its record the fold is missing, and the coordinator has it trained again.
    await store.delete(storeKeys.result(job.key));
    damaged = error;
  };
  const stored = await readRun(store, run, onDamaged);
  const plan = await new RunStore(store).runs.plan(run);
  const tried = await readTrials(store, plan, onDamaged);
  if (damaged) throw damaged;
  const { results: evaluated, csv } = evaluateStored(stored);
  const search = tried && searchResults(plan, stored, tried, evaluated);
  const results = { ...evaluated, ...(search ? { search } : {}) };
  await store.put(storeKeys.outOfFold(run), csv());
  // Last: its presence says that the run is at its end.
  await store.put(storeKeys.results(run), encodeRecord(results));
  return results;
}
