import { CryfoldError } from '@cryfold/core';
import type { ArtifactInfo, ArtifactStore } from '@cryfold/store';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { errorAnswer } from './answers.js';
import type { App } from './app.js';
import { type TransferLimits, Transfers } from './transfers.js';
import { uploadOf } from './uploads.js';

/** Maximum number of keys in a response. */
const PAGE = 1000;

const keyParams = z.object({ '*': z.string().min(1).max(512) });

const digest = z.object({
  'x-artifact-sha256': z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

/**
 * Routes for artifacts by key. All artifacts can be read, and inputs of runs can be uploaded unless they already exist.
 * Content is streamed in both directions with backpressure.
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

/** Browsers must download the content, never display it as part of this site, except for plain text such as logs. */
function describe(key: string, { bytes, modified }: ArtifactInfo, reply: Pick<FastifyReply, 'header'>): void {
  const isText = key.endsWith('.txt');
  const type = key.endsWith('.json') ? 'application/json' : 'application/octet-stream';
  reply
    .header('x-artifact-bytes', bytes)
    .header('last-modified', modified.toUTCString())
    .header('content-disposition', `${isText ? 'inline' : 'attachment'}; filename="${key.split('/').at(-1)}"`)
    .header('content-type', isText ? 'text/plain; charset=utf-8' : type);
}

function addListRoute(app: App, store: ArtifactStore): void {
  app.get(
    '/artifacts',
    {
      schema: {
        summary: 'Lists the keys with a prefix, in order; pass `next` as `after` to get the next page',
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
    { schema: { summary: 'Download an artifact', params: keyParams } },
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
        summary:
          'Upload a manifest, features, weights or a file of a spec; responds with 201, or 200 if it already exists',
        params: keyParams,
        headers: digest,
      },
    },
    async (request, reply) => {
      const key = request.params['*'];
      const upload = uploadOf(key, request.raw, request.headers['x-artifact-sha256']);
      if (request.body !== request.raw) {
        throw new CryfoldError('API_INVALID', 'the body must be application/octet-stream');
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
