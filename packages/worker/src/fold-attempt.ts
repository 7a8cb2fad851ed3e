import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { CryfoldError, FORMATS } from '@cryfold/core';
import { kindOf, type Matrix } from '@cryfold/estimators';
import { isGrouped } from '@cryfold/evaluation';
import { type FoldJob, type FoldResult, prerequisiteOf, type RunPlan } from '@cryfold/plan';
import { type Attempt, asCryfoldError } from '@cryfold/queue';
import { type Logger, type RepeatedErrors, traced } from '@cryfold/runtime';
import type { RunStore } from '@cryfold/store';
import { FoldLog } from './fold-log.js';
import type { GracePeriod } from './grace-period.js';
import { modelToKeep } from './kept-models.js';
import type { FoldOutput } from './messages.js';
import type { Training } from './training.js';
import type { FoldMetrics, FoldPlace, WorkerMetrics } from './worker-metrics.js';

export interface FoldAttemptOptions {
  plan: RunPlan;
  job: FoldJob;
  attempt: Attempt;
  training: Training;
  store: RunStore;
  log: Logger;
  /** Shared by all folds, so that the same message is not logged too often during an outage */
  errors: RepeatedErrors;
  metrics: WorkerMetrics;
  grace: GracePeriod;
}

/** Executes a fold job once: trains the fold, and commits the result unless another attempt was first. */
export class FoldAttempt {
  readonly #options: FoldAttemptOptions;
  readonly #name: string;
  readonly #place: FoldPlace;
  readonly #log: FoldLog;
  readonly #metrics: FoldMetrics;
  readonly #epochs: number;
  readonly #started = performance.now();

  constructor(options: FoldAttemptOptions) {
    const { plan, job, attempt, log, errors, metrics } = options;
    const { repeat, fold, train } = plan.splits[job.split];
    const estimator = plan.spec.estimators[job.trial];
    this.#options = options;
    this.#name = `${attempt.previous}-${randomBytes(6).toString('hex')}`;
    this.#place = { run: plan.run, trial: job.trial, repeat, fold };
    this.#log = new FoldLog({ log, errors }, { ...this.#place, key: job.key.slice(0, 12), attempt: this.#name });
    this.#epochs = kindOf(estimator).epochs?.of(estimator) ?? 0;
    this.#metrics = metrics.fold(this.#place, {
      queue: job.queue,
      estimator: estimator.kind,
      clips: train.length,
      epochs: this.#epochs,
    });
  }

  async run(): Promise<void> {
    const { job, store, attempt } = this.#options;
    if (await store.folds.has(job.key)) {
      this.#log.info({}, 'already committed');
      return;
    }
    this.#log.info({ host: hostname() }, 'fold started');
    // Do not wait for Redis, so that a fold can be trained, and a worker can be stopped, while Redis is unreachable.
    attempt.progress({ done: 0, total: 1 }).catch(() => {});
    const place = { ...this.#place, key: job.key, attempt: this.#name };
    const output = await traced('train', place, () => this.train());
    const seconds = this.#seconds();
    const won = await traced('commit', place, () => this.commit(output));
    this.#measured(seconds);
    if (won) this.#metrics.committed(seconds);
    else if (!attempt.signal.aborted) this.#metrics.duplicate();
    const checkpoint = this.#checkpoint();
    if (checkpoint) await store.artifacts.delete(checkpoint.key);
  }

  /**
   * @throws CryfoldError any error that occurs during training, in which case the log of the attempt is in the store
   */
  async train(): Promise<FoldOutput> {
    try {
      const output = await this.#trainInChild();
      if (!output) throw new CryfoldError('CHILD_DIED', 'the training child returned no probabilities');
      this.#log.info({ seconds: this.#seconds(), accuracy: output.accuracy }, 'fold trained');
      return output;
    } catch (thrown) {
      throw await this.#failed(thrown);
    } finally {
      this.#metrics.ended();
    }
  }

  async #trainInChild(): Promise<FoldOutput | undefined> {
    const { plan, job, attempt, training } = this.#options;
    const { train, test } = plan.splits[job.split];
    const checkpoint = this.#checkpoint();
    let from: number | undefined;
    return training.fold(
      {
        train,
        test,
        seed: job.seed,
        shuffled: job.shuffle !== undefined,
        grouped: isGrouped(plan.spec.protocol.splitter),
        prerequisite: prerequisiteOf(plan, job.trial)?.artifact,
        checkpoint,
        model: await this.#modelToKeep(),
      },
      {
        signal: attempt.signal,
        onProgress: (done, total) => {
          // If the first progress value that an attempt reports is above 0, the attempt has resumed from another
          // attempt's checkpoint.
          if (checkpoint && from === undefined && total > 0) this.#log.info({ from: done / total }, 'training');
          from ??= done / total;
          this.#metrics.progress(done, total);
          // A Redis outage must not make the fold fail.
          attempt.progress({ done, total }).catch(() => {});
        },
        onEpoch: (point) => {
          this.#metrics.epoch(point);
          this.#log.epoch(point);
          this.#measured(point.seconds * this.#epochs);
        },
      },
    );
  }

  #checkpoint() {
    const { plan, job, store, grace } = this.#options;
    const estimator = plan.spec.estimators[job.trial];
    return grace.checkpoint(store.folds.checkpoint(job.key), estimator, plan.spec.checkpoint === 'epoch');
  }

  /** @param seconds duration of the fold */
  #measured(seconds: number): void {
    const { plan, job, grace } = this.#options;
    grace.measured(this.#place, seconds, plan.spec.estimators[job.trial]);
  }

  /**
   * The learning curves determine which fold's model is kept, so this only applies to estimators with epochs.
   */
  async #modelToKeep() {
    const { plan, job, store } = this.#options;
    if (!kindOf(plan.spec.estimators[job.trial]).epochs) return undefined;
    return modelToKeep(store, plan, job, store.folds.modelFolder(job.key, this.#name));
  }

  /** Saves the log of a failed attempt, so that it can be read from any machine. */
  async #failed(thrown: unknown): Promise<unknown> {
    const { attempt, job, store, training } = this.#options;
    const record = asCryfoldError(thrown).toRecord();
    if (attempt.signal.aborted) {
      this.#measured(this.#seconds());
      this.#log.warn({ seconds: this.#seconds() }, 'attempt aborted');
      return thrown;
    }
    if (record.failure === 'infrastructure') {
      // This is not a failure: the fold just waits for the outage to end.
      this.#log.waits({ code: record.code, error: record.message });
      return thrown;
    }
    const checkpoint = record.code === 'CHECKPOINT_DAMAGED' && this.#checkpoint();
    if (checkpoint) await store.artifacts.delete(checkpoint.key).catch(() => {});
    // The failure record contains the name of the attempt, so that its log can be found.
    const error = CryfoldError.fromRecord({ ...record, context: { ...record.context, attempt: this.#name } });
    this.#log.warn(error.toRecord(), 'attempt failed');
    attempt.count('failedAttempts').catch(() => {});
    await store.folds.saveLog(job.key, this.#name, this.#log.bytes(training.childOutput)).catch(() => {});
    return error;
  }

  /**
   * Writes the data before the record. Only the record of the first attempt is stored, and the data of later attempts
   * is removed. @returns whether the record of this attempt was first
   */
  async commit(output: FoldOutput): Promise<boolean> {
    const { attempt, store } = this.#options;
    const seconds = this.#seconds();
    const { record, written } = await this.#write(output, seconds);
    const held = !attempt.signal.aborted;
    if (held && (await store.folds.commit(record))) {
      this.#log.info({ seconds }, 'fold committed');
      return true;
    }
    this.#log.warn({}, held ? 'another attempt committed first; discarding this one' : 'attempt aborted');
    if (held) attempt.count('duplicates').catch(() => {});
    for (const key of written) await store.artifacts.delete(key);
    return false;
  }

  async #write(output: FoldOutput, seconds: number): Promise<{ record: FoldResult; written: string[] }> {
    const { job, store, training } = this.#options;
    const { model, curve, accuracy, environment } = output;
    checkFinite(output, job.trial);
    const [probabilities, decisions, log] = await Promise.all([
      store.folds.saveMatrix(job.key, this.#name, 'probabilities.npy', output.probabilities),
      output.decisions && store.folds.saveMatrix(job.key, this.#name, 'decisions.npy', output.decisions),
      store.folds.saveLog(job.key, this.#name, this.#log.bytes(training.childOutput)),
    ]);
    const record: FoldResult = {
      format: curve.every(({ testLoss }) => testLoss !== undefined) ? 1 : FORMATS.fold,
      key: job.key,
      attempt: this.#name,
      probabilities,
      ...(decisions ? { decisions } : {}),
      ...(model ? { model } : {}),
      curve,
      ...(accuracy === undefined ? {} : { accuracy }),
      seconds,
      started: new Date(Date.now() - 1000 * seconds).toISOString(),
      environment: { ...environment, node: process.version, host: hostname() },
    };
    // The first key is that of the record itself, which is left out because the stored record may belong to another
    // attempt.
    const [, ...files] = store.folds.keysOf(record);
    return { record, written: [...files, log] };
  }

  #seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }
}

/** Results must not contain NaN. -Infinity is allowed as the decision value of a class without training rows. */
function checkFinite({ probabilities, decisions }: FoldOutput, trial: string): void {
  const refuse = (file: string, { data }: Matrix, bad: (value: number) => boolean) => {
    if (!data.some(bad)) return;
    throw new CryfoldError('NN_LOSS_NOT_FINITE', `${trial}: ${file} contains values that are not finite`, {
      context: { trial },
      hint: 'Lower the learning rate of this estimator.',
    });
  };
  refuse('probabilities.npy', probabilities, (value) => !Number.isFinite(value));
  if (decisions) refuse('decisions.npy', decisions, Number.isNaN);
}
