import { CryfoldError } from '@cryfold/core';
import { RUN_ID } from '@cryfold/run-control';
import { z } from 'zod';
import type { App } from './app.js';
import type { FeedEvent } from './feed.js';
import type { Watches } from './watches.js';

/** Maximum number of open streams, regardless of the connection limit. */
const VIEWERS = 2000;
/** Milliseconds between heartbeats of an idle stream. */
const BEAT_MS = 15_000;

/**
 * Server-sent events of the cluster, or of the folds of one run. A viewer that reconnects gets the events that it
 * missed.
 * @param trusted maximum number of concurrent requests, for all tokens together and for each token; up to three
 * quarters of these requests may be streams
 */
export function addEventRoutes(app: App, watches: Watches, trusted: { total: number; perName: number }): void {
  const most = Math.min(VIEWERS, Math.floor(trusted.total * 0.75));
  const mostOfOne = Math.min(most, Math.floor(trusted.perName * 0.75));
  const viewers = new Map<string, number>();
  const count = (name: string, by: number) => viewers.set(name, (viewers.get(name) ?? 0) + by);
  const isFull = (name: string) =>
    (viewers.get(name) ?? 0) >= mostOfOne || [...viewers.values()].reduce((sum, one) => sum + one, 0) >= most;
  app.get(
    '/events',
    {
      schema: {
        summary: 'Server-sent events of all runs and workers, or of one run: a `snapshot`, then each `change`',
        querystring: z.object({ run: z.string().regex(RUN_ID).max(200).optional() }),
      },
    },
    async ({ query, headers, principal }, reply) => {
      const name = principal?.name ?? '';
      if (isFull(name)) throw new CryfoldError('API_BUSY', 'too many open event streams');
      const { raw } = reply;
      count(name, 1);
      raw.once('close', () => count(name, -1));
      const feed = await (query.run === undefined ? watches.cluster() : watches.run(query.run));
      reply.hijack();
      if (raw.destroyed) return;
      const own = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
      raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...own });
      raw.write('retry: 1000\n\n');
      const beat = setInterval(() => raw.writableNeedDrain || raw.write(': \n\n'), BEAT_MS);
      const last = headers['last-event-id'];
      const subscription = feed.listen(Array.isArray(last) ? last[0] : last, ({ frame }: FeedEvent) =>
        raw.write(frame),
      );
      raw.on('drain', subscription.resume);
      raw.once('close', () => {
        clearInterval(beat);
        subscription.leave();
      });
    },
  );
}
