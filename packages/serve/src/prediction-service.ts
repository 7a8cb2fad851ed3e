import type { AddressInfo } from 'node:net';
import type { ArtifactStore } from '@cryfold/artifacts';
import { CryfoldError } from '@cryfold/core';
import { type Checks, type Logger, loadMetrics, type Service } from '@cryfold/runtime';
import type { FastifyInstance } from 'fastify';
import { createApp } from './app.js';
import { type HostOptions, ModelHost } from './model-host.js';

export interface PredictionServiceOptions {
  model: HostOptions['model'];
  store: ArtifactStore | undefined;
  storeUrl: string;
  port: number;
  /** Interface to listen on */
  listen: string;
  /** Of one request, bytes */
  maxUpload: number;
  timeoutSeconds: number;
  pollSeconds: number;
  version: string;
  log: Logger;
}

/** Requests that may wait for the predicting process; each holds an upload in memory. */
const MAX_PENDING = 32;

/** `cryfold serve`: answers until it is stopped. */
export class PredictionService implements Service {
  readonly checks: Checks = {};
  readonly #app: FastifyInstance;
  readonly #host: ModelHost;

  private constructor(app: FastifyInstance, host: ModelHost) {
    this.#app = app;
    this.#host = host;
  }

  /** @throws CryfoldError USAGE where the port cannot be had, and as `ModelHost.start` */
  static async start(options: PredictionServiceOptions): Promise<PredictionService> {
    const { port, listen, maxUpload, timeoutSeconds, version, log } = options;
    const { metrics, textFormat } = await loadMetrics('serve');
    const host = await ModelHost.start({ ...options, maxPending: MAX_PENDING, metrics });
    let app: FastifyInstance | undefined;
    try {
      app = await createApp({ host, metrics, textFormat, log, version, maxUpload, requestSeconds: timeoutSeconds });
      await app.listen({ port, host: listen, listenTextResolver: () => 'listening' });
    } catch (cause) {
      await host.stop();
      if (!app) throw cause;
      throw new CryfoldError('USAGE', `port ${port}: ${(cause as Error).message}`, {
        cause,
        context: { port },
        hint: 'Give another one with --port.',
      });
    }
    log.info({ port: (app.server.address() as AddressInfo).port, address: listen }, 'predictions served');
    return new PredictionService(app, host);
  }

  /** Answers what was asked; new connections are turned away. */
  async stop(graceSeconds: number): Promise<void> {
    const late = setTimeout(() => this.#app.server.closeAllConnections(), graceSeconds * 1000);
    await this.#app.close();
    clearTimeout(late);
    await this.#host.stop();
  }

  /** The port that it listens on. */
  get port(): number {
    return (this.#app.server.address() as AddressInfo).port;
  }
}
