import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError, endsWithin } from '@cryfold/core';
import { type ModelCard, ModelRegistry, type PredictOptions, type RecordingPrediction } from '@cryfold/model-registry';
import { type Logger, type Metrics, RepeatedErrors } from '@cryfold/runtime';
import type { ArtifactStore } from '@cryfold/store';
import type { ModelSource } from './messages.js';
import { ModelChild } from './model-child.js';
import { busy, PredictionQueue } from './prediction-queue.js';
import type { Recording, Spool } from './spool.js';

/**
 * If a check for a new champion is in progress when the service stops, the service waits at most this many milliseconds
 * for the check to finish.
 */
const STOPPING_MS = 1000;

export interface HostOptions {
  /** If no version is given, the service follows the champion. */
  model: { name: string; version?: string } | { folder: string };
  /** Required unless the model is a folder */
  store: ArtifactStore | undefined;
  storeUrl: string;
  /** Seconds between checks for a new champion */
  pollSeconds: number;
  /** Time limit of one prediction in seconds */
  timeoutSeconds: number;
  /** Seconds that a request may wait for its prediction to start */
  waitSeconds: number;
  /** Whether to run programs that models contain */
  allowCommands: boolean;
  spool: Spool;
  log: Logger;
  metrics: Metrics;
}

/**
 * Serves predictions with the current version of a model. Loads a new champion in a second process, switches requests
 * to that process once it is ready, and stops the old process when its pending predictions are done.
 */
export class ModelHost {
  readonly #options: HostOptions;
  readonly #stopped = new AbortController();
  readonly #retiring = new Set<Promise<void>>();
  readonly #errors: RepeatedErrors;
  readonly #queue: PredictionQueue;
  #child: ModelChild | undefined;
  #card!: ModelCard;
  #watching: Promise<void> = Promise.resolve();

  private constructor(options: HostOptions) {
    this.#options = options;
    this.#errors = new RepeatedErrors(options.log);
    this.#queue = new PredictionQueue(options.waitSeconds);
  }

  /** @throws CryfoldError MODEL_NOT_FOUND, ARTIFACT_*, TENSORFLOW_MISSING */
  static async start(options: HostOptions): Promise<ModelHost> {
    const host = new ModelHost(options);
    await host.#use(await host.#wanted());
    options.metrics.series('cryfold_serve_pending', () => [{ labels: {}, value: host.pending }]);
    if ('name' in options.model && options.model.version === undefined) host.#watching = host.#watch();
    return host;
  }

  /** Card of the current version. */
  get card(): ModelCard {
    return this.#card;
  }

  get ready(): boolean {
    return this.#child !== undefined && !this.#stopped.signal.aborted;
  }

  get pending(): number {
    return this.#queue.length;
  }

  /**
   * Predictions run one after the other. Waiting requests keep their place while the prediction process is replaced.
   * @param signal aborted when the client disconnects, which removes a waiting request
   * @throws CryfoldError SERVER_BUSY, or any error that `ModelChild.predict` throws
   */
  predict(
    recordings: Recording[],
    options: PredictOptions,
    signal: AbortSignal,
  ): Promise<{ card: ModelCard; predictions: RecordingPrediction[] }> {
    const work = async () => {
      const child = this.#child;
      if (!child) throw busy('the model is loading');
      return { card: child.card, predictions: await child.predict(recordings, options, this.#options.timeoutSeconds) };
    };
    return this.#queue.add({ work, signal });
  }

  /** Rejects all waiting requests, and aborts the running prediction. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#queue.stop();
    // A check may block for a minute if the store is unreachable, so it may be abandoned.
    await Promise.all([endsWithin(STOPPING_MS, this.#watching), ...this.#retiring, this.#child?.retire(true)]);
  }

  async #wanted(): Promise<ModelSource> {
    const { model, store, storeUrl } = this.#options;
    if ('folder' in model) return model;
    if (!store) throw new CryfoldError('USAGE', 'there is no store to load the model from');
    const { name, version } = await new ModelRegistry(store).find(model.name, model.version);
    return { storeUrl, name, version };
  }

  async #use(source: ModelSource): Promise<void> {
    const { log, metrics } = this.#options;
    const child = await ModelChild.start({
      source,
      allowCommands: this.#options.allowCommands,
      spool: this.#options.spool.descriptor,
      onDeath: () => void this.#revive(child, source),
    });
    if (this.#stopped.signal.aborted) return child.retire(true);
    const old = this.#child;
    if (this.#card) metrics.remove('cryfold_serve_model_info', labels(this.#card));
    this.#child = child;
    this.#card = child.card;
    this.#queue.open = true;
    metrics.set('cryfold_serve_model_info', labels(child.card), 1);
    log.info({ model: child.card.name, version: child.card.version }, 'model ready');
    if (!old) return;
    const retiring = old.retire().finally(() => this.#retiring.delete(retiring));
    this.#retiring.add(retiring);
  }

  /** Restarts a process that died. Meanwhile, requests wait. */
  async #revive(child: ModelChild, source: ModelSource): Promise<void> {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#queue.open = false;
    while (!this.#child && !this.#stopped.signal.aborted) {
      this.#errors.warn({}, 'prediction process exited; restarting it');
      try {
        await this.#use(source);
      } catch (error) {
        this.#errors.error({ err: error }, 'cannot load the model');
        await sleep(1000, undefined, { signal: this.#stopped.signal }).catch(() => {});
      }
    }
  }

  async #watch(): Promise<void> {
    const { pollSeconds, metrics } = this.#options;
    let refused: string | undefined;
    while (!this.#stopped.signal.aborted) {
      await sleep(pollSeconds * 1000, undefined, { signal: this.#stopped.signal }).catch(() => {});
      if (this.#stopped.signal.aborted) return;
      try {
        const source = await this.#wanted();
        const version = 'version' in source ? source.version : undefined;
        if (version === this.#card.version || version === refused) continue;
        refused = version;
        await this.#use(source);
        refused = undefined;
        metrics.add('cryfold_serve_switches_total', { outcome: 'done' });
      } catch (error) {
        // Keeps the current version, and does not retry a version that cannot be loaded.
        metrics.add('cryfold_serve_switches_total', { outcome: 'failed' });
        this.#errors.error({ err: error }, 'champion update failed');
      }
    }
  }
}

const labels = ({ name, version }: ModelCard) => ({ model: name, version });
