import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import { CryfoldError } from '@cryfold/core';
import type { Queues } from '@cryfold/queue';
import { sendError } from './answers.js';
import type { App } from './app.js';
import { unknown } from './session-routes.js';

const BOARD = '/queues';
/** The same without what changes jobs, for those who may only look. */
const READ_ONLY = '/queues/read';

/** The board's own page has inline styles. Nothing is fetched from other hosts, its fonts included. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

/** Bull Board: jobs, their payloads and failures, for those who know BullMQ. */
export async function addBoard(app: App, queues: Queues): Promise<void> {
  for (const [path, readOnlyMode] of [
    [BOARD, false],
    [READ_ONLY, true],
  ] as const) {
    const adapter = new FastifyAdapter();
    adapter.setBasePath(path);
    createBullBoard({
      queues: queues.vendorQueues().map((queue) => new BullMQAdapter(queue, { readOnlyMode })),
      serverAdapter: adapter,
      options: { uiConfig: { boardTitle: readOnlyMode ? 'cryfold, read-only' : 'cryfold' } },
    });
    await app.register(
      async (board) => {
        board.addHook('onRequest', async ({ principal, method, headers }, reply) => {
          const page = method === 'GET' && (headers.accept ?? '').includes('text/html');
          if (!principal && page) return reply.redirect('/');
          // Sent, not thrown: the board makes 500 of what is thrown.
          if (!principal) return sendError(reply, unknown());
          if (readOnlyMode || principal.role === 'operate') return;
          if (page) return reply.redirect(`${READ_ONLY}/`);
          const hint = `Use ${READ_ONLY}.`;
          return sendError(reply, new CryfoldError('API_FORBIDDEN', 'this token may only look', { hint }));
        });
        board.addHook('onSend', async (_request, reply) => {
          reply.header('content-security-policy', POLICY);
        });
        await board.register(adapter.registerPlugin());
      },
      { prefix: path },
    );
  }
}
