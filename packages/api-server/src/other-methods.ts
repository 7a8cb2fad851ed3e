import { CryfoldError } from '@cryfold/core';
import { sendError } from './answers.js';
import type { App } from './app.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/**
 * Keeps track of the methods of all routes that are added later.
 * @returns a function that makes all other methods respond with 405 instead of 404
 */
export function otherMethods(app: App): () => void {
  const paths = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = paths.get(url) ?? new Set();
    paths.set(url, known);
    for (const one of [method].flat()) known.add(one);
  });
  return () => {
    for (const [url, known] of [...paths]) {
      const allow = [...known].join(', ');
      app.route({
        url,
        method: METHODS.filter((method) => !known.has(method)),
        schema: { hide: true },
        // Runs before a body is read.
        onRequest: async ({ method }, reply) => {
          const error = new CryfoldError('API_METHOD_NOT_ALLOWED', `${method} is not allowed; use ${allow}`);
          return sendError(reply.header('allow', allow), error);
        },
        handler: async () => {},
      });
    }
  };
}
