import type { AddressInfo } from 'node:net';
import { CryfoldError } from '@cryfold/core';
import { type Checks, type Logger, loadMetrics, type Service } from '@cryfold/runtime';
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
  /** Of one request, bytes */
  maxUpload: number;
  /** For a request to arrive, and for a prediction from when it begins, seconds */
  timeoutSeconds: number;
  pollSeconds: number;
  version: string;
  log: Logger;
}

/** Requests that are received, wait or are predicted at a time; each may have `maxUpload` bytes on disk. */
const MAX_REQUESTS = 32;
/** A request may wait for as long as this many predictions may take. */
const WAIT = 4;
/** Seconds before the end of the grace at which what waits and runs is turned away, so that it gets an answer. */
const FAREWELL_SECONDS = 1;

/** `cryfold serve`: answers until it is stopped. */
export class PredictionService implements Service {
  readonly checks: Checks = {};
  readonly #app: FastifyInstance;
  readonly #host: ModelHost;
  readonly #spool: Spool;

  private constructor(app: FastifyInstance, host: ModelHost, spool: Spool) {
    this.#app = app;
    this.#host = host;
    this.#spool = spool;
  }

  /** @throws CryfoldError USAGE where the port cannot be had; SPOOL_FAILED; and as `ModelHost.start` */
  static async start(options: PredictionServiceOptions): Promise<PredictionService> {
    const { port, listen, maxUpload, timeoutSeconds, version, log } = options;
    const { metrics, textFormat } = await loadMetrics('serve');
    const spool = await Spool.open(MAX_REQUESTS, maxUpload);
    let host: ModelHost | undefined;
    let app: FastifyInstance | undefined;
    try {
      host = await ModelHost.start({ ...options, waitSeconds: WAIT * timeoutSeconds, spool, metrics });
      app = await createApp({
        ...{ host, spool, metrics, textFormat, log, version, maxUpload },
        requestSeconds: timeoutSeconds,
      });
      await app.listen({ port, host: listen, listenTextResolver: () => 'listening' });
    } catch (cause) {
      await host?.stop();
      await spool.close();
      if (!app) throw cause;
      throw new CryfoldError('USAGE', `port ${port}: ${(cause as Error).message}`, {
        cause,
        context: { port },
        hint: 'Give another one with --port.',
      });
    }
    log.info({ port: (app.server.address() as AddressInfo).port, address: listen }, 'predictions served');
    return new PredictionService(app, host, spool);
  }

  /** Answers what was asked, as far as the grace allows; the rest is told that the service is stopping. */
  async stop(graceSeconds: number): Promise<void> {
    const farewell = Math.max(0, graceSeconds - FAREWELL_SECONDS) * 1000;
    const timers = [
      setTimeout(() => void this.#host.stop(), farewell),
      setTimeout(() => this.#app.server.closeAllConnections(), farewell + FAREWELL_SECONDS * 1000),
    ];
    await this.#app.close();
    for (const timer of timers) clearTimeout(timer);
    await this.#host.stop();
    await this.#spool.close();
  }

  /** The port that it listens on. */
  get port(): number {
    return (this.#app.server.address() as AddressInfo).port;
  }
}
