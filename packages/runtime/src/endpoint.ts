import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CryfoldError } from '@cryfold/core';
import { connectionBudget, limitConnections } from './connections.js';
import type { Logger } from './logger.js';
import { NO_METRICS } from './metrics.js';
import type { Metrics } from './metrics-interface.js';

/** Health checks of the service's dependencies, by name. A check throws or rejects if its dependency is unavailable. */
export type Checks = Readonly<Record<string, () => Promise<unknown>>>;

export interface EndpointOptions {
  role: string;
  /**
   * Port of the endpoint. If absent, there is no endpoint and nothing is measured. If 0, the endpoint uses any free
   * port, and logs it.
   */
  port: number | undefined;
  /** Address to listen on; if absent, the endpoint listens on all interfaces. */
  host: string | undefined;
  log: Logger;
}

/** Milliseconds between checks of the dependencies, and the timeout of each check. */
const EVERY_MS = 5000;
const PATIENCE_MS = 4000;

/**
 * Serves `/metrics` (Prometheus), `/healthz` (200 while the process responds at all) and `/readyz` (200 while all
 * checks pass, otherwise 503; the body is JSON with the result of each check). Checks run on a timer, so that a scrape
 * or probe never waits for Redis.
 */
export class Endpoint {
  readonly metrics: Metrics;
  readonly #server: Server | undefined;
  #timer: NodeJS.Timeout | undefined;
  #found: Record<string, string> = { started: 'starting' };

  private constructor(metrics: Metrics, server?: Server) {
    this.metrics = metrics;
    this.#server = server;
  }

  /** @throws CryfoldError USAGE if the port is unavailable */
  static async open({ role, port, host, log }: EndpointOptions): Promise<Endpoint> {
    if (port === undefined) return new Endpoint(NO_METRICS);
    const { createMetrics, TEXT_FORMAT } = await import('./prometheus.js');
    const server = createServer();
    limitConnections(server, { ...connectionBudget().probes, log });
    const endpoint = new Endpoint(createMetrics(role), server);
    const answers: Record<string, () => Promise<[status: number, type: string, body: string]>> = {
      '/metrics': async () => [200, TEXT_FORMAT, await endpoint.metrics.text()],
      '/healthz': async () => [200, 'text/plain', 'ok\n'],
      '/readyz': async () => [endpoint.#ready ? 200 : 503, 'application/json', endpoint.#readiness()],
    };
    server.on('request', async ({ url = '', method }, response) => {
      const answer = answers[url.split('?')[0]];
      const body = method === 'GET' || method === 'HEAD' ? await answer?.() : undefined;
      const [status, type, text] = body ?? [404, 'text/plain', 'GET /metrics, /healthz or /readyz\n'];
      response.writeHead(status, { 'content-type': type }).end(method === 'HEAD' ? undefined : text);
    });
    try {
      server.listen({ port, host });
      await once(server, 'listening');
    } catch (cause) {
      throw new CryfoldError('USAGE', `metrics port ${port}: ${(cause as Error).message}`, {
        cause,
        context: { port },
        hint: 'Choose another port with --metrics-port or CRYFOLD_METRICS_PORT; two services cannot share a port.',
      });
    }
    endpoint.metrics.set('cryfold_service_info', { role, version: '0.1.0', node: process.version }, 1);
    log.info({ port: (server.address() as AddressInfo).port }, 'metrics served');
    return endpoint;
  }

  /** Marks the service as ready from now on, as long as all checks pass. */
  watch(checks: Checks): void {
    if (!this.#server) return;
    this.#found = Object.fromEntries(Object.keys(checks).map((name) => [name, 'not checked yet']));
    const busy = new Set<string>();
    const check = async (name: string) => {
      if (busy.has(name)) return;
      busy.add(name);
      const answer = checks[name]().then(
        () => 'ok',
        (error: Error) => error.message,
      );
      answer.then(() => busy.delete(name));
      const late = new Promise<string>((resolve) => {
        setTimeout(() => resolve(`no response within ${PATIENCE_MS} ms`), PATIENCE_MS).unref();
      });
      const found = await Promise.race([answer, late]);
      if (!(name in this.#found)) return;
      this.#found[name] = found;
      this.metrics.set('cryfold_check_ok', { check: name }, found === 'ok' ? 1 : 0);
      if (found === 'ok')
        this.metrics.set('cryfold_check_passed_timestamp_seconds', { check: name }, Date.now() / 1000);
    };
    const all = () => {
      for (const name of Object.keys(checks)) void check(name);
    };
    all();
    this.#timer = setInterval(all, EVERY_MS);
    this.#timer.unref();
  }

  /** Marks the service as not ready from now on, so that no more work is sent to it. */
  stopping(): void {
    clearInterval(this.#timer);
    this.#found = { running: 'stopping' };
  }

  async close(): Promise<void> {
    this.stopping();
    this.#server?.closeAllConnections();
    await new Promise((resolve) => (this.#server ? this.#server.close(resolve) : resolve(undefined)));
  }

  get #ready(): boolean {
    return Object.values(this.#found).every((found) => found === 'ok');
  }

  #readiness(): string {
    return `${JSON.stringify({ ready: this.#ready, checks: this.#found })}\n`;
  }
}
