import { CryfoldError } from '@cryfold/core';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Access } from './access.js';
import { errorAnswer } from './answers.js';
import type { App } from './app.js';

/** Logins that one client may try in a minute. */
const LOGINS = 20;

const session = z.object({
  /** What the asker may do; null: nothing before a login */
  role: z.enum(['read', 'operate']).nullable(),
  /** Whether no token is asked for */
  open: z.boolean(),
});

/** A proxy's header can only make the cookie stricter. */
const isSecure = ({ protocol, headers }: FastifyRequest) =>
  protocol === 'https' || headers['x-forwarded-proto'] === 'https';

/** A browser's login: the token once, then a cookie. */
export function addSessionRoutes(app: App, access: Access): void {
  const answers = { 200: session, '4xx': errorAnswer };
  app.get(
    '/session',
    { config: { role: 'anyone' }, schema: { summary: 'What the asker may do', response: answers } },
    async ({ principal, headers }) => {
      // Whoever shows a token wants to know that it is wrong.
      if (!principal && headers.authorization !== undefined) throw unknown();
      return { role: principal?.role ?? null, open: access.open };
    },
  );
  app.post(
    '/session',
    {
      config: { role: 'anyone', rateLimit: { max: LOGINS, timeWindow: 60_000 } },
      schema: {
        summary: 'Log a browser in: answers a cookie',
        body: z.object({ token: z.string().min(1).max(1000) }),
        response: answers,
      },
    },
    async (request, reply) => {
      const opened = access.login(request.body.token, isSecure(request));
      if (!opened) throw unknown();
      reply.header('set-cookie', opened.cookie);
      return { role: opened.principal.role, open: access.open };
    },
  );
  app.delete(
    '/session',
    { config: { role: 'anyone' }, schema: { summary: 'Log a browser out', response: answers } },
    async (request, reply) => {
      reply.header('set-cookie', access.close(isSecure(request)));
      return { role: null, open: access.open };
    },
  );
}

export function unknown(): CryfoldError {
  return new CryfoldError('API_UNAUTHORIZED', 'the server knows no such token or session', {
    hint: 'Set CRYFOLD_API_TOKEN or CRYFOLD_API_TOKEN_FILE to a token of the server; in a browser, log in at /.',
  });
}
