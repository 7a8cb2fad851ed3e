import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import {
  type ArtifactStore,
  observed,
  openStore,
  readArtifact,
  readRunPlan,
  type S3Settings,
} from '@cryfold/artifacts';
import {
  CryfoldError,
  decodeRecord,
  encodeNpy,
  encodeRecord,
  type FoldJob,
  type FoldQueue,
  type FoldResult,
  finalRequestSchema,
  isGrouped,
  prerequisiteOf,
  type RunPlan,
  sha256,
  storeKeys,
} from '@cryfold/core';
import { type Attempt, asCryfoldError, Beacon, Consumer, type WorkPayload, workPayload } from '@cryfold/queue';
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
import { unlessCancelled } from './cancellation.js';
import { FoldLog } from './fold-log.js';
import { watchGpus } from './gpu-metrics.js';
import { modelToKeep } from './kept-models.js';
import type { FoldOutput, Matrix, Task } from './messages.js';
import { trainFinal } from './train-final.js';
import { type ChildSettings, WarmChild } from './warm-child.js';
import { WorkerMetrics } from './worker-metrics.js';

export interface WorkerOptions {
  redisUrl: string;
  storeUrl: string;
  /** How to reach the server of an `s3:` store */
  s3: S3Settings | undefined;
  queues: readonly FoldQueue[];
  /** Training children per queue, each with one fold at a time. */
  children: number;
  /** The GPU of each child of the `gpu` queue, the only one it sees; their number then is that queue's children. */
  gpus?: readonly string[] | undefined;
  childMemoryMb: number;
  /** Where pretrained weights are kept, shared by all workers of a machine */
  cacheDir: string;
  log: Logger;
  metrics?: Metrics;
}

/** Plans kept in memory; a worker serves few runs at a time. */
const PLAN_CACHE = 8;

/** Takes fold jobs, has warm children compute them, and commits each result once. */
export class Worker implements Service {
  readonly #options: WorkerOptions;
  readonly #store: ArtifactStore;
  readonly #consumers: Consumer<WorkPayload>[] = [];
  readonly #children: WarmChild[] = [];
  readonly #metrics: WorkerMetrics;
  readonly #stopped = new AbortController();
  readonly #plans = new Map<string, RunPlan>();
  readonly #beacon: Beacon;
  readonly checks: Checks = {
    redis: () => Promise.all(this.#consumers.map((consumer) => consumer.check())),
    store: () => this.#store.has('checks/ready'),
  };

  constructor(options: WorkerOptions) {
    this.#options = options;
    const metrics = options.metrics ?? NO_METRICS;
    this.#store = observed(openStore(options.storeUrl, options.s3), storeObserver(metrics));
    const { gpus } = options;
    const slots = (queue: string) => (queue === 'gpu' && gpus?.length) || options.children;
    this.#metrics = new WorkerMetrics(metrics, options.queues, slots);
    const id = `${hostname()}-${process.pid}`;
    this.#beacon = new Beacon(options.redisUrl, {
      id,
      host: hostname(),
      pid: process.pid,
      queues: [...options.queues],
      children: Math.max(...options.queues.map(slots)),
    });
    for (const queue of options.queues) {
      const idle = Array.from(
        { length: slots(queue) },
        (_, child) => new WarmChild(this.#metrics.child(queue, child), queue === 'gpu' ? gpus?.[child] : undefined),
      );
      this.#children.push(...idle);
      this.#consumers.push(
        new Consumer({
          url: options.redisUrl,
          queue,
          schema: workPayload,
          concurrency: slots(queue),
          maxStalledCount: 8,
          onError: (error) => options.log.warn({ queue, err: error }, 'queue error'),
          observer: consumerObserver(metrics, queue),
          handle: async (payload, attempt) => {
            const child = idle.pop();
            if (!child) throw new CryfoldError('CHILD_DIED', 'no training child is free');
            this.#metrics.busy(queue, 1);
            try {
              await this.#handle(payload, attempt, child, queue === 'gpu' ? 'nn' : 'svm');
            } finally {
              idle.push(child);
              this.#metrics.busy(queue, -1);
            }
          },
        }),
      );
    }
    if (options.queues.includes('gpu')) void watchGpus(metrics, this.#stopped.signal);
    options.log.info({ queues: options.queues, children: options.children, gpus }, 'worker ready');
  }

  async stop(graceSeconds: number): Promise<void> {
    this.#stopped.abort();
    const timer = setTimeout(() => this.#abort(), graceSeconds * 1000);
    await Promise.all(this.#consumers.map((consumer) => consumer.close(graceSeconds === 0)));
    clearTimeout(timer);
    await Promise.all(this.#children.map((child) => child.stop()));
    await this.#beacon.stop();
    await this.#store.close();
  }

  #abort(): void {
    for (const consumer of this.#consumers) void consumer.close(true);
  }

  /** The plan, read anew where it lacks what a sweep has asked for since. */
  async #plan(run: string, has: (plan: RunPlan) => boolean): Promise<RunPlan> {
    let plan = this.#plans.get(run);
    if (!plan || (plan.spec.search && !has(plan))) {
      plan = (await readRunPlan(this.#store, run)).plan;
      const [oldest] = this.#plans.keys();
      if (this.#plans.size >= PLAN_CACHE && !this.#plans.has(run)) this.#plans.delete(oldest);
      this.#plans.set(run, plan);
    }
    return plan;
  }

  async #handle(payload: WorkPayload, attempt: Attempt, child: WarmChild, engine: 'nn' | 'svm'): Promise<void> {
    const plan = await this.#plan(payload.run, ({ jobs, spec }) =>
      payload.kind === 'fold'
        ? jobs.some(({ key }) => key === payload.key)
        : Object.hasOwn(spec.estimators, payload.trial),
    );
    const settings = {
      engine,
      threads: plan.spec.threads,
      xla: plan.spec.xla ?? false,
      maxMemoryMb: this.#options.childMemoryMb,
    };
    const went = await unlessCancelled(this.#store, payload.run, attempt.signal, async (signal) => {
      const told = this.#announce(plan, payload);
      const progress = async (data: { done: number; total: number }) => {
        told.progress(data.done / data.total);
        await attempt.progress(data);
      };
      const own = { ...attempt, signal, progress };
      try {
        if (payload.kind === 'fold') await this.#fold(plan, payload.key, own, child, settings);
        else if (payload.kind === 'final') await this.#final(payload.key, own, child);
        else await this.#prepare(plan, payload.trial, own, child, settings);
      } finally {
        told.end();
      }
    });
    if (went) return;
    this.#options.log.info({ run: payload.run }, 'job dropped: the run is cancelled');
    await attempt.count('cancelled').catch(() => {});
  }

  #announce(plan: RunPlan, payload: WorkPayload) {
    const { run } = plan;
    if (payload.kind !== 'fold') return this.#beacon.begin({ run, trial: payload.trial });
    const job = plan.jobs.find(({ key }) => key === payload.key);
    const split = job && plan.splits[job.split];
    return this.#beacon.begin({ run, trial: job?.trial ?? '', repeat: split?.repeat, fold: split?.fold });
  }

  /** Computes what all folds of a trial need, unless it is there. The child writes it: it is as immutable as its key. */
  async #prepare(
    plan: RunPlan,
    trial: string,
    attempt: Attempt,
    child: WarmChild,
    settings: ChildSettings,
  ): Promise<void> {
    const estimator = Object.hasOwn(plan.spec.estimators, trial) ? plan.spec.estimators[trial] : undefined;
    const needed = estimator && prerequisiteOf(plan, trial);
    if (!needed) throw new CryfoldError('JOB_INVALID', `run ${plan.run} has nothing to prepare for ${trial}`);
    if (await this.#store.has(needed.artifact)) return;
    const { storeUrl, cacheDir, log } = this.#options;
    log.info({ run: plan.run, trial, kind: needed.kind }, 'preparing');
    const features = plan.features.key;
    const task: Task =
      estimator.kind === 'tl-resnet50'
        ? { kind: 'embeddings', storeUrl, features, estimator, artifact: needed.artifact, cacheDir }
        : { kind: 'distances', storeUrl, features };
    await child.run(settings, task, attempt.signal, () => {});
  }

  async #final(key: string, attempt: Attempt, child: WarmChild): Promise<void> {
    const { storeUrl, cacheDir, childMemoryMb, log } = this.#options;
    const name = storeKeys.finalRequest(key);
    const request = decodeRecord(finalRequestSchema, await readArtifact(this.#store, name), name);
    log.info({ key: key.slice(0, 12) }, 'training on all clips');
    const onProgress = (done: number, total: number) => void attempt.progress({ done, total }).catch(() => {});
    const { signal } = attempt;
    await trainFinal({ store: this.#store, storeUrl, request, cacheDir, childMemoryMb, signal, onProgress }, child);
  }

  async #fold(plan: RunPlan, key: string, attempt: Attempt, child: WarmChild, settings: ChildSettings): Promise<void> {
    const job = plan.jobs.find((candidate) => candidate.key === key);
    if (!job) throw new CryfoldError('JOB_INVALID', `run ${plan.run} has no fold ${key.slice(0, 12)}`);
    const { repeat, fold, train, test } = plan.splits[job.split];
    const name = `${attempt.previous}-${randomBytes(6).toString('hex')}`;
    const place = { run: plan.run, trial: job.trial, repeat, fold };
    const log = new FoldLog(this.#options.log, { ...place, key: key.slice(0, 12), attempt: name });
    if (await this.#store.has(storeKeys.result(key))) return log.info({}, 'already committed');
    log.info({ host: hostname() }, 'fold started');
    const started = performance.now();
    await attempt.progress({ done: 0, total: 1 });
    const checkpoint = plan.spec.checkpoint === 'epoch' && job.queue === 'gpu' ? storeKeys.checkpoint(key) : undefined;
    const folder = storeKeys.attempt(key, name, 'model/');
    const model = job.queue === 'gpu' ? await modelToKeep(this.#store, plan, job, folder) : undefined;
    const estimator = plan.spec.estimators[job.trial];
    const epochs = estimator.kind === 'svm' ? 0 : estimator.epochs;
    const metrics = this.#metrics.fold(place, job.queue, estimator.kind, train.length, epochs);
    let from: number | undefined;
    const output = await this.#logged(job, name, attempt, child, log, () =>
      traced('train', { ...place, key, attempt: name }, () =>
        child.run(
          settings,
          {
            kind: 'fold',
            storeUrl: this.#options.storeUrl,
            dataset: plan.dataset.key,
            features: plan.features.key,
            estimator,
            train,
            test,
            seed: job.seed,
            shuffled: job.shuffle !== undefined,
            grouped: isGrouped(plan.spec.protocol.splitter),
            embeddings: prerequisiteOf(plan, job.trial)?.artifact,
            checkpoint,
            model,
            cacheDir: this.#options.cacheDir,
          },
          attempt.signal,
          // Progress is a courtesy: an outage must not end the fold.
          (done, total) => {
            // Where an attempt begins beyond nothing, it goes on from another one's checkpoint.
            if (checkpoint && from === undefined && total > 0) log.info({ from: done / total }, 'training');
            from ??= done / total;
            metrics.progress(done, total);
            attempt.progress({ done, total }).catch(() => {});
          },
          (point) => {
            metrics.epoch(point);
            log.epoch(point);
          },
        ),
      ),
    ).finally(() => metrics.ended());
    if (!output) throw new CryfoldError('CHILD_DIED', 'the training child returned no probabilities');
    const seconds = (performance.now() - started) / 1000;
    log.info({ seconds, accuracy: output.accuracy }, 'fold trained');
    const won = await traced('commit', { ...place, key, attempt: name }, () =>
      this.#commit(job, name, output, seconds, attempt, log, child.recentOutput),
    );
    if (won) metrics.committed(seconds);
    else if (!attempt.signal.aborted) metrics.duplicate();
    if (checkpoint) await this.#store.delete(checkpoint);
  }

  /** Keeps what was said of an attempt that failed, so that it can be read from any machine. */
  async #logged<T>(
    job: FoldJob,
    name: string,
    attempt: Attempt,
    child: WarmChild,
    log: FoldLog,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      const record = asCryfoldError(thrown).toRecord();
      // What waits for an outage to end is no failure of this fold.
      if (attempt.signal.aborted) throw thrown;
      if (record.failure === 'infrastructure') {
        log.warn({ code: record.code, error: record.message }, 'attempt waits for an outage to end');
        throw thrown;
      }
      // The record of the failure leads to the log.
      const error = CryfoldError.fromRecord({ ...record, context: { ...record.context, attempt: name } });
      log.warn(error.toRecord(), 'attempt failed');
      await attempt.count('failedAttempts').catch(() => {});
      await this.#store.put(storeKeys.log(job.key, name), log.bytes(child.recentOutput)).catch(() => {});
      throw error;
    }
  }

  /**
   * Bytes before record; the first record wins, and a later attempt's bytes are removed.
   * @returns whether this attempt's record is the one
   */
  async #commit(
    job: FoldJob,
    name: string,
    output: FoldOutput,
    seconds: number,
    attempt: Attempt,
    log: FoldLog,
    childOutput: string,
  ): Promise<boolean> {
    const written = output.model?.map((file) => file.key) ?? [];
    const said = storeKeys.log(job.key, name);
    const logged = this.#store.put(said, log.bytes(childOutput)).then(() => written.push(said));
    logged.catch(() => {});
    const put = async (file: string, matrix: Matrix) => {
      checkFinite(matrix, file, job);
      const bytes = encodeNpy(matrix.data, [matrix.rows, matrix.columns]);
      const key = storeKeys.attempt(job.key, name, file);
      await this.#store.put(key, bytes);
      written.push(key);
      return { key, sha256: sha256(bytes) };
    };
    const probabilities = await put('probabilities.npy', output.probabilities);
    const decisions = output.decisions && (await put('decisions.npy', output.decisions));
    await logged;
    const record: FoldResult = {
      format: 1,
      key: job.key,
      attempt: name,
      probabilities,
      ...(decisions ? { decisions } : {}),
      ...(output.model ? { model: output.model } : {}),
      curve: output.curve,
      accuracy: output.accuracy,
      seconds,
      started: new Date(Date.now() - 1000 * seconds).toISOString(),
      environment: { ...output.environment, node: process.version, host: hostname() },
    };
    const taken = !attempt.signal.aborted;
    if (taken && (await this.#store.putIfAbsent(storeKeys.result(job.key), encodeRecord(record)))) {
      log.info({ seconds }, 'fold committed');
      return true;
    }
    log.warn({}, taken ? 'another attempt was first; this one is dropped' : 'attempt taken back');
    if (taken) await attempt.count('duplicates').catch(() => {});
    for (const key of written) await this.#store.delete(key);
    return false;
  }
}

/** No result may hold NaN; -Infinity is the decision value of a class that no training row has. */
function checkFinite(matrix: Matrix, file: string, job: FoldJob): void {
  const bad = file === 'decisions.npy' ? Number.isNaN : (value: number) => !Number.isFinite(value);
  if (!matrix.data.some(bad)) return;
  throw new CryfoldError('NN_LOSS_NOT_FINITE', `${job.trial}: ${file} holds values that are not finite`, {
    context: { trial: job.trial },
    hint: 'Lower the learning rate of this estimator.',
  });
}
