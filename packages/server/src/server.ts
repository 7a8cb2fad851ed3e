import type { AddressInfo } from 'node:net';
import { openStore, type S3Settings } from '@cryfold/artifacts';
import { StoreControl, StoreModels, trainInCluster } from '@cryfold/control';
import { CryfoldError } from '@cryfold/core';
import { Queues } from '@cryfold/queue';
import type { ApiConfig, Checks, Logger } from '@cryfold/runtime';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { App } from './app.js';
import { addArtifactRoutes } from './artifact-routes.js';
import { addBoard } from './board.js';
import { addEventRoutes } from './event-routes.js';
import { createHttp, type Http } from './http.js';
import { ModelMaker } from './model-maker.js';
import { addModelRoutes } from './model-routes.js';
import { addPageRoutes } from './page-routes.js';
import { Readiness } from './readiness.js';
import { ReportWriter } from './report-writer.js';
import { RunList } from './run-list.js';
import { addRunRoutes } from './run-routes.js';
import { addSessionRoutes } from './session-routes.js';
import type { TransferLimits } from './transfers.js';
import { Watches } from './watches.js';

export interface ServerOptions {
  redisUrl: string;
  storeUrl: string;
  s3: S3Settings | undefined;
  api: ApiConfig;
  /** What must be there for the process to be ready */
  checks: Checks;
  log: Logger;
  transfers?: Partial<TransferLimits>;
}

/** The HTTP API of a coordinator. */
export class ApiServer {
  readonly url: string;
  readonly #app: App;
  readonly #control: StoreControl;

  private constructor(url: string, app: App, control: StoreControl) {
    this.url = url;
    this.#app = app;
    this.#control = control;
  }

  /** @throws CryfoldError API_EXPOSED, API_PORT_TAKEN */
  static async start({ redisUrl, storeUrl, s3, api, checks, log, transfers }: ServerOptions): Promise<ApiServer> {
    const http = await createHttp(api, log);
    const { app, access, wrongTokens, connections } = http;
    const control = new StoreControl(openStore(storeUrl, s3), new Queues(redisUrl));
    const list = new RunList(control);
    const watches = new Watches(list, log);
    const models = new StoreModels(control.store, (plan, trial, watching) =>
      trainInCluster({ store: control.store, redisUrl }, plan, trial, watching),
    );
    const maker = new ModelMaker(models, log);
    app.addHook('preClose', async () => {
      watches.stop();
      maker.stop();
    });
    const readiness = new Readiness(checks);
    app.get('/healthz', { schema: { hide: true }, config: { rateLimit: false } }, async () => 'ok\n');
    app.get('/readyz', { schema: { hide: true }, config: { rateLimit: false } }, async (_request, reply) => {
      const failing = await readiness.failing();
      return reply.code(Object.keys(failing).length === 0 ? 200 : 503).send(failing);
    });
    await app.register(
      async (plain) => {
        const routes = plain.withTypeProvider<ZodTypeProvider>();
        addChecks(routes, http, log);
        routes.get(
          '/openapi.json',
          { config: { role: 'anyone', rateLimit: false }, schema: { hide: true } },
          async (_request, reply) => reply.type('application/json').serializer(JSON.stringify).send(app.swagger()),
        );
        addSessionRoutes(routes, access, wrongTokens);
        addRunRoutes(routes, { control, list, reports: new ReportWriter({ storeUrl, s3 }), held: http.held });
        addModelRoutes(routes, { control, models, maker, list });
        addEventRoutes(routes, watches, connections.trustedLimits);
        addArtifactRoutes(routes, control.store, transfers);
      },
      { prefix: '/api/v1' },
    );
    await addPageRoutes(app);
    if (control.queues) await addBoard(http, control.queues);
    http.refuseOtherMethods();
    try {
      // Of localhost's two addresses fastify would open another server, which nothing limits.
      await app.listen({ port: api.port, host: api.host === 'localhost' ? '127.0.0.1' : api.host });
    } catch (cause) {
      await app.close();
      await close(control);
      throw new CryfoldError('API_PORT_TAKEN', `the API cannot listen: ${(cause as Error).message}`, {
        cause,
        context: { port: api.port, host: api.host },
        hint: 'Choose another --api-port.',
      });
    }
    const { address, family, port } = app.server.address() as AddressInfo;
    const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
    log.info({ url, tokens: api.tokens.length }, 'API ready');
    return new ApiServer(url, app, control);
  }

  async close(): Promise<void> {
    await this.#app.close();
    await close(this.#control);
  }
}

/** Who may use the routes, and a log of what was changed. */
function addChecks(routes: App, { wrongTokens, trust }: Http, log: Logger): void {
  routes.addHook('onRequest', async (request, reply) => {
    const { principal, routeOptions } = request;
    const needed = routeOptions.config.role ?? 'read';
    if (needed === 'anyone') return;
    if (!principal) throw await wrongTokens.error(request, reply);
    if (needed === 'operate' && principal.role !== 'operate') {
      throw new CryfoldError('API_FORBIDDEN', 'this token may only look', {
        hint: 'Set CRYFOLD_API_TOKEN to one that may operate.',
      });
    }
    trust(request);
  });
  routes.addHook('onResponse', async ({ method, url, principal, ip }, { statusCode: status }) => {
    const looks = method === 'GET' || method === 'HEAD';
    // Nobody without a token may fill the log.
    if (looks || !principal) return;
    log.info({ method, path: url.split('?')[0], status, by: principal.name, ip }, 'asked to change');
  });
}

async function close({ queues, store }: StoreControl): Promise<void> {
  await queues?.close();
  await store.close();
}
