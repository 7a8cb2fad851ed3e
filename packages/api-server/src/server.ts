import type { AddressInfo } from 'node:net';
import { CryfoldError } from '@cryfold/core';
import { Queues } from '@cryfold/queue';
import { StoreControl, StoreModels, trainInCluster } from '@cryfold/run-control';
import type { ApiConfig, Checks, Logger } from '@cryfold/runtime';
import type { RunStore, S3Settings } from '@cryfold/store';
import { createApi } from './api.js';
import type { App } from './app.js';
import { ReportWriter } from './report-writer.js';
import type { TransferLimits } from './transfers.js';

export interface ServerOptions {
  redisUrl: string;
  /** The server does not close this store when it stops */
  store: RunStore;
  /** URL of the same store, for the processes that write reports */
  storeUrl: string;
  s3: S3Settings | undefined;
  /** Memory limit in MiB of a process that writes a report */
  childMemoryMb: number;
  api: ApiConfig;
  /** Checks that must pass for the process to be ready */
  checks: Checks;
  log: Logger;
  transfers?: Partial<TransferLimits>;
}

/** The HTTP API of a coordinator. */
export class ApiServer {
  readonly #options: ServerOptions;
  #app: App | undefined;
  #queues: Queues | undefined;
  #url = '';

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  /** URL of the server once it has started. */
  get url(): string {
    return this.#url;
  }

  /** Connects to Redis and listens. @throws CryfoldError API_EXPOSED, API_PORT_TAKEN */
  async start(): Promise<void> {
    const { redisUrl, store, storeUrl, s3, childMemoryMb, api, checks, log, transfers } = this.#options;
    this.#queues = new Queues(redisUrl);
    try {
      const models = new StoreModels(store, {
        train: (plan, trial, watching) => trainInCluster({ store, redisUrl }, plan, trial, watching),
      });
      const control = new StoreControl(store, this.#queues);
      const reports = new ReportWriter({ storeUrl, s3, childMemoryMb });
      this.#app = await createApi({ api, control, models, reports, checks, log, transfers });
      this.#url = await listen(this.#app, api);
    } catch (error) {
      await this.close();
      throw error;
    }
    log.info({ url: this.#url, tokens: api.tokens.length }, 'API ready');
  }

  async close(): Promise<void> {
    await this.#app?.close();
    await this.#queues?.close();
  }
}

/** @returns the URL on which the server listens. @throws CryfoldError API_PORT_TAKEN */
async function listen(app: App, { host, port: wanted }: ApiConfig): Promise<string> {
  try {
    // For `localhost`, Fastify would open a second server on the other IP address, and our limits would not apply to
    // it.
    await app.listen({ port: wanted, host: host === 'localhost' ? '127.0.0.1' : host });
  } catch (cause) {
    throw new CryfoldError('API_PORT_TAKEN', `cannot start the API: ${(cause as Error).message}`, {
      cause,
      context: { port: wanted, host },
      hint: 'Choose another port with --api-port.',
    });
  }
  const { address, family, port } = app.server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
