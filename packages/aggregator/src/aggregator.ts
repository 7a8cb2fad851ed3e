import type { CryfoldError } from '@cryfold/core';
import type { RunResults } from '@cryfold/evaluation';
import { Consumer, type RunPayload, runPayload } from '@cryfold/queue';
import {
  type Checks,
  consumerObserver,
  type Logger,
  type Metrics,
  NO_METRICS,
  RepeatedErrors,
  type Service,
  traced,
} from '@cryfold/runtime';
import type { RunStore } from '@cryfold/store';
import { evaluateStored } from './evaluate-stored.js';
import { type OnDamaged, readPlanned } from './read-run.js';
import { readTrials, searchResults } from './search-results.js';

export interface AggregatorOptions {
  redisUrl: string;
  /** The aggregator does not close this store when it stops */
  store: RunStore;
  log: Logger;
  metrics?: Metrics;
}

/**
 * Fuses the probabilities of a settled run, computes its metrics, and writes `out-of-fold.csv` and then `results.json`.
 */
export class Aggregator implements Service {
  readonly #options: AggregatorOptions;
  readonly #metrics: Metrics;
  #consumer: Consumer<RunPayload> | undefined;
  readonly checks: Checks = {
    redis: async () => this.#consumer?.check(),
    store: () => this.#options.store.ping(),
  };

  constructor(options: AggregatorOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? NO_METRICS;
  }

  /** Connects to Redis and starts processing runs. */
  async start(): Promise<void> {
    const { redisUrl, log } = this.#options;
    const errors = new RepeatedErrors(log);
    this.#consumer = new Consumer({
      url: redisUrl,
      queue: 'aggregate',
      schema: runPayload,
      concurrency: 1,
      // A run may take days. Aggregators may die many times during that period for reasons unrelated to the run.
      maxStalledCount: 1e9,
      handle: ({ run }) => this.#aggregate(run),
      onError: (error) => errors.warn({ err: error }, 'queue error'),
      observer: consumerObserver(this.#metrics, 'aggregate'),
    });
    log.info('aggregator ready');
  }

  async stop(graceSeconds: number): Promise<void> {
    await this.#consumer?.stop(graceSeconds);
  }

  async #aggregate(run: string): Promise<void> {
    const { store, log } = this.#options;
    const start = performance.now();
    const { status, missing } = await traced('aggregate', { run }, () => aggregate(store, run));
    this.#metrics.add('cryfold_aggregations_total', { status });
    this.#metrics.observe('cryfold_aggregation_duration_seconds', {}, (performance.now() - start) / 1000);
    log.info({ run, status, missing: missing.length }, 'run aggregated');
  }
}

/**
 * Aggregates all folds of a run's plan. If folds are missing, reports them instead of averaging over the others.
 * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT, JOB_INVALID, NPY_INVALID, PROBABILITIES_INVALID
 */
export async function aggregate(store: RunStore, run: string): Promise<RunResults> {
  let damaged: CryfoldError | undefined;
  const onDamaged: OnDamaged = async (job, error) => {
    // Once the record is deleted, the fold counts as missing, so the coordinator has it retrained.
    await store.folds.drop(job.key);
    damaged = error;
  };
  const plan = await store.runs.plan(run);
  const stored = await readPlanned(store, plan, onDamaged);
  const tried = await readTrials(store, plan, onDamaged);
  if (damaged) throw damaged;
  const { results: evaluated, csv } = evaluateStored(stored);
  const search = tried && searchResults(plan, stored, tried, evaluated);
  const results = { ...evaluated, ...(search ? { search } : {}) };
  await store.runs.saveResults(run, results, csv());
  return results;
}
