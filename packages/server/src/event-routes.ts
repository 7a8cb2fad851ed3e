import { RUN_ID } from '@cryfold/control';
import { CryfoldError } from '@cryfold/core';
import { z } from 'zod';
import type { App } from './app.js';
import type { FeedEvent } from './feed.js';
import type { Watches } from './watches.js';

/** Streams open at once. */
const VIEWERS = 2000;
/** Milliseconds between signs of life on a stream without news. */
const BEAT = 15_000;
/** Bytes that a slow viewer may be behind; it is then cut off, and comes back. */
const BEHIND = 8 * 2 ** 20;

/** Server-sent events: the cluster, or one run fold by fold. A viewer who comes back hears what was missed. */
export function addEventRoutes(app: App, watches: Watches): void {
  let viewers = 0;
  app.get(
    '/events',
    {
      schema: {
        summary: 'Server-sent events of all runs and workers, or of one run: a `snapshot`, then each `change`',
        querystring: z.object({ run: z.string().regex(RUN_ID).max(200).optional() }),
      },
    },
    async ({ query, headers }, reply) => {
      if (viewers >= VIEWERS) throw new CryfoldError('API_BUSY', `${VIEWERS} viewers are listening already`);
      const feed = await (query.run === undefined ? watches.cluster() : watches.run(query.run));
      const { raw } = reply;
      reply.hijack();
      const own = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
      raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...own });
      const write = (text: string | Buffer) => {
        if (raw.writableLength > BEHIND) raw.destroy();
        else raw.write(text);
      };
      write('retry: 1000\n\n');
      const beat = setInterval(() => write(': \n\n'), BEAT);
      const last = headers['last-event-id'];
      const leave = feed.listen(Array.isArray(last) ? last[0] : last, ({ frame }: FeedEvent) => write(frame));
      viewers++;
      raw.once('close', () => {
        viewers--;
        clearInterval(beat);
        leave();
      });
    },
  );
}
