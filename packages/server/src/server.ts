import type { AddressInfo } from 'node:net';
import { openStore, type S3Settings } from '@cryfold/artifacts';
import { StoreControl, StoreModels, trainInCluster } from '@cryfold/control';
import { CryfoldError } from '@cryfold/core';
import { Queues } from '@cryfold/queue';
import type { ApiConfig, Checks, Logger } from '@cryfold/runtime';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import fastify from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { Access, refuseOtherSites } from './access.js';
import { onError, sendError } from './answers.js';
import type { App } from './app.js';
import { addArtifactRoutes } from './artifact-routes.js';
import { addBoard } from './board.js';
import { addEventRoutes } from './event-routes.js';
import { ModelMaker } from './model-maker.js';
import { addModelRoutes } from './model-routes.js';
import { addPageRoutes } from './page-routes.js';
import { Readiness } from './readiness.js';
import { ReportWriter } from './report-writer.js';
import { RunList } from './run-list.js';
import { addRunRoutes } from './run-routes.js';
import { addSessionRoutes, unknown } from './session-routes.js';
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

/** Nothing but our own files; no inline script or style. */
const POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  fontSrc: ["'self'"],
  connectSrc: ["'self'"],
  manifestSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
};

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
    const access = new Access(api);
    const control = new StoreControl(openStore(storeUrl, s3), new Queues(redisUrl));
    const app: App = fastify({
      exposeHeadRoutes: false,
      forceCloseConnections: true,
    }).withTypeProvider<ZodTypeProvider>();
    app.setValidatorCompiler(validatorCompiler);
    app.setSerializerCompiler(serializerCompiler);
    app.setErrorHandler(onError(log));
    app.setNotFoundHandler(({ method, url }, reply) =>
      sendError(reply.code(404), new CryfoldError('API_INVALID', `there is no ${method} ${url.split('?')[0]}`)),
    );
    app.decorateRequest('principal', undefined);
    app.addHook('onRequest', async (request) => {
      refuseOtherSites(request, access.open);
      request.principal = access.of(request);
    });
    await app.register(rateLimit, {
      max: api.rate,
      timeWindow: 60_000,
      keyGenerator: ({ principal, ip }) => principal?.name ?? ip,
      errorResponseBuilder: (_request, { ttl }) =>
        new CryfoldError('API_BUSY', `too many requests; try again in ${Math.ceil(ttl / 1000)} s`),
    });
    await app.register(helmet, {
      contentSecurityPolicy: { useDefaults: false, directives: POLICY },
      // Whether the site is HTTPS for good is the business of what stands before it.
      strictTransportSecurity: false,
    });
    await app.register(swagger, {
      openapi: {
        info: {
          title: 'cryfold',
          version: '1',
          description: 'Runs, folds, logs, artifacts and final models of a cluster: docs/api.md',
        },
        components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
        security: [{ token: [] }],
      },
      transform: jsonSchemaTransform,
    });
    const list = new RunList(control);
    const watches = new Watches(list, log);
    const models = new StoreModels(control.store, (plan, trial, watching) =>
      trainInCluster(control.store, redisUrl, plan, trial, watching),
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
        routes.addHook('onRequest', async ({ principal, routeOptions }) => {
          const needed = routeOptions.config.role ?? 'read';
          if (needed === 'anyone') return;
          if (!principal) throw unknown();
          if (needed === 'operate' && principal.role !== 'operate') {
            throw new CryfoldError('API_FORBIDDEN', 'this token may only look', {
              hint: 'Set CRYFOLD_API_TOKEN to one that may operate.',
            });
          }
        });
        routes.addHook('onResponse', async ({ method, url, principal, ip }, { statusCode }) => {
          if (method !== 'GET' && method !== 'HEAD') {
            log.info(
              { method, path: url.split('?')[0], status: statusCode, by: principal?.name, ip },
              'asked to change',
            );
          }
        });
        routes.get('/openapi.json', { config: { role: 'anyone' }, schema: { hide: true } }, async (_request, reply) =>
          reply.type('application/json').serializer(JSON.stringify).send(app.swagger()),
        );
        addSessionRoutes(routes, access);
        addRunRoutes(routes, { control, list, reports: new ReportWriter({ storeUrl, s3 }) });
        addModelRoutes(routes, { control, models, maker, list });
        addEventRoutes(routes, watches);
        addArtifactRoutes(routes, control.store, transfers);
      },
      { prefix: '/api/v1' },
    );
    await addPageRoutes(app);
    if (control.queues) await addBoard(app, control.queues);
    try {
      await app.listen({ port: api.port, host: api.host });
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

async function close({ queues, store }: StoreControl): Promise<void> {
  await queues?.close();
  await store.close();
}
