import { CryfoldError } from '@cryfold/core';
import {
  Access,
  type ApiConfig,
  type Connections,
  clientAddress,
  connectionBudget,
  isLoopback,
  type Logger,
  limitConnections,
  refuseOtherSites,
  WRONG_TOKENS,
  WrongTokens,
} from '@cryfold/runtime';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import fastify, { type FastifyRequest } from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { onBadPath, onError, onMalformed } from './answers.js';
import type { App } from './app.js';
import { checkDepth } from './depth.js';
import { HeldAnswers } from './held-answers.js';
import { otherMethods } from './other-methods.js';

/** Default maximum size of a JSON body in bytes. */
const BODY = 64 * 1024;
/** Maximum length of a path segment. The names of runs, trials and artifacts can be long. */
const PART = 512;

/** Allows only the server's own files, and no inline scripts or styles. */
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

export interface Http {
  app: App;
  access: Access;
  wrongTokens: WrongTokens<FastifyRequest>;
  connections: Connections;
  held: HeldAnswers;
  /** Counts a request with a valid token. @throws CryfoldError API_BUSY */
  trust: (request: FastifyRequest) => void;
  /** Must be called after all routes have been added. */
  refuseOtherMethods: () => void;
}

/** @throws CryfoldError API_EXPOSED */
function refuseExposed({ tokens, host }: Pick<ApiConfig, 'tokens' | 'host'>): void {
  if (tokens.length > 0 || isLoopback(host)) return;
  throw new CryfoldError('API_EXPOSED', `the API would listen on ${host} without any token`, {
    context: { host },
    hint: 'Set CRYFOLD_API_TOKENS to lines of the form read:TOKEN or operate:TOKEN, or CRYFOLD_API_TOKENS_FILE to the path of a file with such lines.',
  });
}

/** A server without routes: its limits, its headers, its authentication, and its error responses. */
export async function createHttp(api: Pick<ApiConfig, 'host' | 'tokens' | 'rate'>, log: Logger): Promise<Http> {
  refuseExposed(api);
  const access = new Access(api.tokens);
  const app: App = fastify({
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    bodyLimit: BODY,
    routerOptions: { maxParamLength: PART },
    frameworkErrors: onBadPath,
    clientErrorHandler: onMalformed,
  }).withTypeProvider<ZodTypeProvider>();
  const connections = limitConnections(app.server, { ...connectionBudget().main, log });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(onError(log));
  // Registered first, so that error responses also get its headers.
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: POLICY },
    // The proxy in front of the server is responsible for HSTS.
    strictTransportSecurity: false,
  });
  app.decorateRequest('principal', undefined);
  app.addHook('onRequest', async (request) => {
    refuseOtherSites(request, access.open);
    request.principal = access.of(request);
  });
  app.addHook('preParsing', async ({ is404, method, url }) => {
    // Runs before a body is read.
    if (is404) throw new CryfoldError('API_NOT_FOUND', `there is no ${method} ${url.split('?')[0].slice(0, 200)}`);
  });
  app.addHook('preValidation', async ({ body }) => checkDepth(body));
  const held = new HeldAnswers();
  app.addHook('onSend', async (request, reply, payload) => held.hold(request, reply, payload));
  const refuseOtherMethods = otherMethods(app);
  await app.register(rateLimit, {
    max: api.rate,
    timeWindow: 60_000,
    keyGenerator: ({ principal, ip }) => principal?.name ?? clientAddress(ip),
    errorResponseBuilder: (_request, { ttl }) =>
      new CryfoldError('API_BUSY', `too many requests; retry in ${Math.ceil(ttl / 1000)} s`),
  });
  await app.register(swagger, {
    openapi: {
      info: {
        title: 'cryfold',
        version: '1',
        description: 'Runs, folds, logs, artifacts and final models of a cluster (see docs/api.md)',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  });
  const trust = ({ principal, raw }: FastifyRequest) => {
    if (!principal || connections.trust(raw, principal.name)) return;
    throw new CryfoldError('API_BUSY', 'too many concurrent requests with this token');
  };
  const wrongTokens = new WrongTokens(access, log, app.createRateLimit(WRONG_TOKENS));
  return { app, access, wrongTokens, connections, held, trust, refuseOtherMethods };
}
