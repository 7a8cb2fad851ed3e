import { sessionSchema } from '@cryfold/run-control';
import { type Access, isSecure, type WrongTokens } from '@cryfold/runtime';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { errorAnswer } from './answers.js';
import type { App } from './app.js';

/** Maximum size of a login request in bytes. */
const LOGIN = 4096;

/** Browser login: the browser sends the token once and gets a cookie. */
export function addSessionRoutes(app: App, access: Access, wrongTokens: WrongTokens<FastifyRequest>): void {
  // The rate of these requests is not limited, so that nobody behind the same address can keep others from logging in.
  // Instead, attempts with wrong tokens are limited.
  const anyone = { role: 'anyone', rateLimit: false } as const;
  const answers = { 200: sessionSchema, '4xx': errorAnswer };
  app.get(
    '/session',
    { config: anyone, schema: { summary: 'Role of the client', response: answers } },
    async (request, reply) => {
      const { principal } = request;
      const shown = principal ? undefined : access.shown(request);
      const error = shown && (await wrongTokens.error(request, reply));
      // A browser with an expired session must log in again, whereas a program with a wrong token gets an error.
      if (error && (shown === 'header' || error.code === 'API_BUSY')) throw error;
      return { role: principal?.role ?? null, open: access.open };
    },
  );
  app.post(
    '/session',
    {
      config: anyone,
      bodyLimit: LOGIN,
      schema: {
        summary: 'Log in from a browser; sets a session cookie',
        body: z.object({ token: z.string().min(1).max(1000) }),
        response: answers,
      },
    },
    async (request, reply) => {
      const opened = access.login(request.body.token, isSecure(request));
      if (!opened) throw await wrongTokens.error(request, reply, true);
      request.principal = opened.principal;
      reply.header('set-cookie', [opened.cookie, ...access.forgetOldest(request)]);
      return { role: opened.principal.role, open: access.open };
    },
  );
  app.delete(
    '/session',
    { config: anyone, schema: { summary: 'Log out a browser', response: answers } },
    async (request, reply) => {
      reply.header('set-cookie', access.close(isSecure(request)));
      return { role: null, open: access.open };
    },
  );
}
