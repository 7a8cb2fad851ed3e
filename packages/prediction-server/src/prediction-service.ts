import type { AddressInfo } from 'node:net';
import { CryfoldError } from '@cryfold/core';
import { type Checks, type Logger, loadMetrics, type Service, type Tokens } from '@cryfold/runtime';
import type { ArtifactStore } from '@cryfold/store';
import type { FastifyInstance } from 'fastify';
import { createApp } from './app.js';
import { type HostOptions, ModelHost } from './model-host.js';
import { Spool } from './spool.js';

export interface PredictionServiceOptions {
  model: HostOptions['model'];
  store: ArtifactStore | undefined;
  storeUrl: string;
  port: number;
  /** Interface to listen on */
  listen: string;
  /** The tokens of clients that may send requests */
  access: Tokens;
  /** Maximum size of one request in bytes */
  maxUpload: number;
  /** Time limit in seconds for receiving a request, and for its prediction */
  timeoutSeconds: number;
  pollSeconds: number;
  /** Whether to run programs that models contain */
  allowCommands: boolean;
  version: string;
  log: Logger;
}

/** Maximum number of concurrent requests. Each may use `maxUpload` bytes on disk. */
const MAX_REQUESTS = 32;
/** A request may wait for this many times the time limit of one prediction. */
const WAITING_PREDICTIONS = 4;
/**
 * Seconds before the end of the grace period at which pending requests are rejected, so that they still get a response.
 */
const FAREWELL_SECONDS = 1;

/** `cryfold serve`: serves predictions until it is stopped. */
export class PredictionService implements Service {
  readonly checks: Checks = {};
  readonly #options: PredictionServiceOptions;
  #app: FastifyInstance | undefined;
  #host: ModelHost | undefined;
  #spool: Spool | undefined;

  constructor(options: PredictionServiceOptions) {
    this.#options = options;
  }

  /**
   * Loads the model and listens. @throws CryfoldError USAGE if the port is taken; SPOOL_FAILED; any error that
   * `ModelHost.start` throws
   */
  async start(): Promise<void> {
    const { access, maxUpload, timeoutSeconds, version, log } = this.#options;
    const { metrics, textFormat } = await loadMetrics('serve');
    try {
      const spool = await Spool.open(MAX_REQUESTS, maxUpload);
      this.#spool = spool;
      const host = await ModelHost.start({
        ...{ ...this.#options, waitSeconds: WAITING_PREDICTIONS * timeoutSeconds, spool, metrics },
      });
      this.#host = host;
      this.#app = await createApp({
        ...{ host, spool, metrics, textFormat, log, version, access, maxUpload },
        requestSeconds: timeoutSeconds,
      });
      await this.#listen(this.#app);
    } catch (error) {
      await this.#host?.stop();
      await this.#spool?.close();
      throw error;
    }
  }

  async #listen(app: FastifyInstance): Promise<void> {
    const { port, listen, access, log } = this.#options;
    try {
      await app.listen({ port, host: listen, listenTextResolver: () => 'listening' });
    } catch (cause) {
      throw new CryfoldError('USAGE', `port ${port}: ${(cause as Error).message}`, {
        cause,
        context: { port },
        hint: 'Choose another port with --port.',
      });
    }
    const served = { port: (app.server.address() as AddressInfo).port, address: listen, tokens: access.tokens.length };
    log.info(served, 'serving predictions');
  }

  /** Finishes pending requests within the grace period, and rejects those that remain. */
  async stop(graceSeconds: number): Promise<void> {
    const farewellMs = Math.max(0, graceSeconds - FAREWELL_SECONDS) * 1000;
    const timers = [
      setTimeout(() => void this.#host?.stop(), farewellMs),
      setTimeout(() => this.#app?.server.closeAllConnections(), farewellMs + FAREWELL_SECONDS * 1000),
    ];
    await this.#app?.close();
    for (const timer of timers) clearTimeout(timer);
    await this.#host?.stop();
    await this.#spool?.close();
  }
}
