import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import { CryfoldError } from '@cryfold/core';
import type { Queues } from '@cryfold/queue';
import { errorResponse } from './answers.js';
import type { Http } from './http.js';

const BOARD = '/queues';
/** Path of the read-only board, for clients without the `operate` role. */
const READ_ONLY = '/queues/read';

/** Maximum number of jobs per page that the board's settings offer. */
const JOBS = 50;

/** The board's page uses inline styles. Nothing may be loaded from other hosts, not even fonts. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

/** Adds Bull Board, which shows jobs with their payloads and failures to users who are familiar with BullMQ. */
export async function addBoard({ app, wrongTokens, trust }: Http, queues: Queues): Promise<void> {
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
    // The board's default handler would turn our errors into responses with status 500.
    adapter.setErrorHandler(errorResponse);
    await app.register(
      async (board) => {
        board.addHook('onRequest', async (request, reply) => {
          const { principal, method, headers, query } = request;
          const page = method === 'GET' && (headers.accept ?? '').includes('text/html');
          if (!principal) {
            const error = await wrongTokens.error(request, reply);
            if (page && error.code === 'API_UNAUTHORIZED') return reply.redirect('/');
            throw error;
          }
          trust(request);
          checkPage(query as Record<string, unknown>);
          const looks = method === 'GET' || method === 'HEAD';
          if (readOnlyMode ? looks : principal.role === 'operate') return;
          if (page) return reply.redirect(`${READ_ONLY}/`);
          const hint = `Use ${principal.role === 'operate' ? BOARD : READ_ONLY}.`;
          throw new CryfoldError('API_FORBIDDEN', 'this token may not make changes here', { hint });
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

/** Limits the number of jobs per page, because the board loads them into memory. @throws CryfoldError API_INVALID */
function checkPage({ jobsPerPage = 0 }: Record<string, unknown>): void {
  if (Number(jobsPerPage) <= JOBS) return;
  throw new CryfoldError('API_INVALID', `querystring.jobsPerPage: a page can have at most ${JOBS} jobs`);
}
