import { CryfoldError } from '@cryfold/core';
import type { ArtifactInfo, ArtifactStore } from '@cryfold/store';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { errorAnswer } from './answers.js';
import type { App } from './app.js';
import { type TransferLimits, Transfers } from './transfers.js';
import { uploadOf } from './uploads.js';

/** Keys in one answer. */
const PAGE = 1000;

const keyParams = z.object({ '*': z.string().min(1).max(512) });

const digest = z.object({
  'x-artifact-sha256': z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

/**
 * Artifacts by key: all of them can be read, those that a run needs uploaded, where nothing is. Both ways their content
 * is streamed, at the pace of the slower side.
 */
export function addArtifactRoutes(app: App, store: ArtifactStore, limits?: Partial<TransferLimits>): void {
  const transfers = new Transfers(limits);
  app.addContentTypeParser('application/octet-stream', (_request, body, done) => done(null, body));
  addListRoute(app, store);
  addDownloadRoutes(app, store, transfers);
  addUploadRoute(app, store, transfers);
}

const absent = (key: string) =>
  new CryfoldError('ARTIFACT_MISSING', `${key} is not in the store`, { context: { key } });

function describe(key: string, { bytes, modified }: ArtifactInfo, reply: Pick<FastifyReply, 'header'>): void {
  // Whatever it holds, a browser keeps it as a file and never shows it as ours.
  reply
    .header('x-artifact-bytes', bytes)
    .header('last-modified', modified.toUTCString())
    .header('content-disposition', `attachment; filename="${key.split('/').at(-1)}"`)
    .header('content-type', key.endsWith('.json') ? 'application/json' : 'application/octet-stream');
}

function addListRoute(app: App, store: ArtifactStore): void {
  app.get(
    '/artifacts',
    {
      schema: {
        summary: 'Keys that start with a prefix, in order; `next` is the `after` of the next page',
        querystring: z.object({
          prefix: z.string().regex(/^([A-Za-z0-9._-]+\/)*$/),
          after: z.string().max(512).optional(),
        }),
        response: { 200: z.object({ keys: z.array(z.string()), next: z.string().nullable() }), '4xx': errorAnswer },
      },
    },
    async ({ query: { prefix, after } }) => {
      const keys: string[] = [];
      for await (const key of store.list(prefix)) {
        if (after !== undefined && key <= after) continue;
        if (keys.length === PAGE) return { keys, next: keys[PAGE - 1] };
        keys.push(key);
      }
      return { keys, next: null };
    },
  );
}

function addDownloadRoutes(app: App, store: ArtifactStore, transfers: Transfers): void {
  app.head('/artifacts/*', { schema: { hide: true, params: keyParams } }, async ({ params }, reply) => {
    const found = await store.stat(params['*']);
    if (!found) throw absent(params['*']);
    describe(params['*'], found, reply);
    return reply.send();
  });
  app.get(
    '/artifacts/*',
    { schema: { summary: 'The bytes of an artifact', params: keyParams } },
    async (request, reply) => {
      const key = request.params['*'];
      transfers.begin('download', request, reply);
      const found = await store.open(key);
      if (!found) throw absent(key);
      describe(key, found, reply);
      return reply.header('content-length', found.bytes).send(found.stream);
    },
  );
}

function addUploadRoute(app: App, store: ArtifactStore, transfers: Transfers): void {
  app.put(
    '/artifacts/*',
    {
      config: { role: 'operate' },
      schema: {
        summary: 'Upload a manifest, features, weights or a file of a spec; 201, or 200 where it was there',
        params: keyParams,
        headers: digest,
      },
    },
    async (request, reply) => {
      const key = request.params['*'];
      const upload = uploadOf(key, request.raw, request.headers['x-artifact-sha256']);
      if (request.body !== request.raw) {
        throw new CryfoldError('API_INVALID', 'the body is not application/octet-stream');
      }
      transfers.begin('upload', request, reply);
      try {
        const added = await store.putStreamIfAbsent(key, upload.content, upload.sha256);
        return reply
          .code(added ? 201 : 200)
          .serializer(JSON.stringify)
          .send({ key, added });
      } finally {
        void upload.drain();
      }
    },
  );
}
