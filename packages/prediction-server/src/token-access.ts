import {
  Access,
  type Connections,
  followTokens,
  isSecure,
  type Logger,
  refuseOtherSites,
  type Tokens,
  WRONG_TOKENS,
  WrongTokens,
} from '@cryfold/runtime';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { dropBody } from './drop-body.js';
import { ERROR_SCHEMA } from './schemas.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether a route can be used without a token, such as the page, the health checks and the login */
    tokenless?: boolean;
  }
}

/** Maximum size of a login request in bytes. */
const LOGIN = 4096;

export interface TokenAccessOptions extends Tokens {
  connections: Connections;
  log: Logger;
}

/**
 * Makes a service require a token, which is checked before the body of a request is read, and adds the login for its
 * page. Must be called before routes are added.
 * @returns a function that returns the name of the client that sent a request
 */
export async function askForTokens(
  app: FastifyInstance,
  options: TokenAccessOptions,
): Promise<(request: FastifyRequest) => string | undefined> {
  const { tokens, tokensFile, connections, log } = options;
  const access = new Access(tokens);
  await app.register(rateLimit, { global: false });
  const wrongTokens = new WrongTokens<FastifyRequest>(access, log, app.createRateLimit(WRONG_TOKENS));
  const end = tokensFile === undefined ? () => {} : followTokens(tokensFile, { access, connections }, log);
  app.addHook('preClose', async () => end());
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404 || request.routeOptions.config.tokenless) return;
    try {
      refuseOtherSites(request, false);
      if (!access.of(request)) throw await wrongTokens.error(request, reply);
    } catch (error) {
      dropBody(request.raw);
      throw error;
    }
  });
  addLogin(app, access, wrongTokens);
  return (request) => access.of(request)?.name;
}

/** Adds the login for browsers: a browser sends the token once, and gets a cookie. */
function addLogin(app: FastifyInstance, access: Access, wrongTokens: WrongTokens<FastifyRequest>): void {
  const config = { tokenless: true };
  const answers = { 204: { type: 'null', description: 'Done' }, '4xx': ERROR_SCHEMA };
  const body = {
    type: 'object',
    required: ['token'],
    properties: { token: { type: 'string', minLength: 1, maxLength: 1000 } },
  };
  void app.register(async (routes) => {
    const parse = routes.getDefaultJsonParser('error', 'error');
    routes.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: LOGIN }, parse);
    routes.addHook('onRequest', async (request) => refuseOtherSites(request, false));
    routes.post<{ Body: { token: string } }>(
      '/api/v1/session',
      {
        config,
        schema: { tags: ['service'], summary: 'Log in from a browser; sets a session cookie', body, response: answers },
      },
      async (request, reply) => {
        const opened = access.login(request.body.token, isSecure(request));
        if (!opened) throw await wrongTokens.error(request, reply, true);
        return reply
          .header('set-cookie', [opened.cookie, ...access.forgetOldest(request)])
          .code(204)
          .send();
      },
    );
    routes.delete(
      '/api/v1/session',
      { config, schema: { tags: ['service'], summary: 'Log a browser out', response: answers } },
      async (request, reply) =>
        reply
          .header('set-cookie', access.close(isSecure(request)))
          .code(204)
          .send(),
    );
  });
}
