import { CryfoldError } from '@cryfold/core';
import type { ModelControl, StoreControl } from '@cryfold/run-control';
import { type ApiConfig, type Checks, followTokens, type Logger } from '@cryfold/runtime';
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
import type { ReportWriter } from './report-writer.js';
import { RunList } from './run-list.js';
import { addRunRoutes } from './run-routes.js';
import { addSessionRoutes } from './session-routes.js';
import type { TransferLimits } from './transfers.js';
import { Watches } from './watches.js';

export interface ApiOptions {
  api: Pick<ApiConfig, 'host' | 'tokens' | 'tokensFile' | 'rate'>;
  control: StoreControl;
  models: ModelControl;
  reports: ReportWriter;
  /** Checks that must pass for the process to be ready */
  checks: Checks;
  log: Logger;
  transfers?: Partial<TransferLimits> | undefined;
}

/** Creates the API and the live page, without listening. @throws CryfoldError API_EXPOSED */
export async function createApi(options: ApiOptions): Promise<App> {
  const { api, control, log } = options;
  const http = await createHttp(api, log);
  const { app } = http;
  const list = new RunList(control);
  const watches = new Watches(list, log);
  const maker = new ModelMaker(options.models, log);
  const endTokens = api.tokensFile === undefined ? () => {} : followTokens(api.tokensFile, http, log);
  app.addHook('preClose', async () => {
    endTokens();
    watches.stop();
    maker.stop();
  });
  addHealth(app, options.checks);
  await app.register(
    async (plain) => {
      const routes = plain.withTypeProvider<ZodTypeProvider>();
      addChecks(routes, http, log);
      routes.get(
        '/openapi.json',
        { config: { role: 'anyone', rateLimit: false }, schema: { hide: true } },
        async (_request, reply) => reply.type('application/json').serializer(JSON.stringify).send(app.swagger()),
      );
      addSessionRoutes(routes, http.access, http.wrongTokens);
      addRunRoutes(routes, { control, list, reports: options.reports, held: http.held });
      addModelRoutes(routes, { control, models: options.models, maker, list });
      addEventRoutes(routes, watches, http.connections.trustedLimits);
      addArtifactRoutes(routes, control.store.artifacts, options.transfers);
    },
    { prefix: '/api/v1' },
  );
  await addPageRoutes(app);
  if (control.queues) await addBoard(http, control.queues);
  http.refuseOtherMethods();
  return app;
}

/** Adds liveness and readiness checks, which need no token. */
function addHealth(app: App, checks: Checks): void {
  const readiness = new Readiness(checks);
  const anyone = { schema: { hide: true }, config: { rateLimit: false } } as const;
  app.get('/healthz', anyone, async () => 'ok\n');
  app.get('/readyz', anyone, async (_request, reply) => {
    const failing = await readiness.failing();
    return reply.code(Object.keys(failing).length === 0 ? 200 : 503).send(failing);
  });
}

/** Adds access control, and logs changes. */
function addChecks(routes: App, { wrongTokens, trust }: Http, log: Logger): void {
  routes.addHook('onRequest', async (request, reply) => {
    const { principal, routeOptions } = request;
    const needed = routeOptions.config.role ?? 'read';
    if (needed === 'anyone') return;
    if (!principal) throw await wrongTokens.error(request, reply);
    if (needed === 'operate' && principal.role !== 'operate') {
      throw new CryfoldError('API_FORBIDDEN', 'this token is read-only', {
        hint: "Set CRYFOLD_API_TOKEN to a token with the 'operate' role.",
      });
    }
    trust(request);
  });
  routes.addHook('onResponse', async ({ method, url, principal, ip }, { statusCode: status }) => {
    const looks = method === 'GET' || method === 'HEAD';
    // Requests without a token are not logged, so that they cannot fill the log.
    if (looks || !principal) return;
    log.info({ method, path: url.split('?')[0], status, by: principal.name, ip }, 'change requested');
  });
}
