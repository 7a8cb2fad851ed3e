import type { ArtifactStore } from '@cryfold/artifacts';
import { CryfoldError, decodeNpy, sha256 } from '@cryfold/core';
import { decodeManifest } from '@cryfold/plan';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { errorAnswer } from './answers.js';
import type { App } from './app.js';

/** Largest upload: images of some 30,000 clips, and the ResNet50 weights (94 MB). */
const UPLOAD = 512 * 2 ** 20;
/** Keys in one answer. */
const PAGE = 1000;

const keyParams = z.object({ '*': z.string().min(1).max(512) });

/** What a run needs and may be uploaded, with what shows that the bytes are what the key promises. */
const UPLOADS: readonly [pattern: RegExp, check: (bytes: Uint8Array, hash: string, key: string) => boolean][] = [
  [/^datasets\/([0-9a-f]{64})\/manifest\.json$/, (bytes, hash, key) => decodeManifest(bytes, key).contentHash === hash],
  [/^features\/([0-9a-f]{64})\/images\.npy$/, (bytes, _, key) => decodeNpy(bytes, '|u1', 4, key).shape[3] === 3],
  [/^weights\/([0-9a-f]{64})\.h5$/, (bytes, hash) => sha256(bytes) === hash],
];

/** Artifacts by key: all of them can be read, those that a run needs uploaded, where nothing is. */
export function addArtifactRoutes(app: App, store: ArtifactStore): void {
  app.addContentTypeParser(
    'application/octet-stream',
    { parseAs: 'buffer', bodyLimit: UPLOAD },
    (_request, body, done) => done(null, body),
  );
  const absent = (key: string) =>
    new CryfoldError('ARTIFACT_MISSING', `${key} is not in the store`, { context: { key } });
  const describe = async (key: string, reply: Pick<FastifyReply, 'header'>): Promise<void> => {
    const found = await store.stat(key);
    if (!found) throw absent(key);
    // Whatever it holds, a browser keeps it as a file and never shows it as ours.
    reply
      .header('x-artifact-bytes', found.bytes)
      .header('last-modified', found.modified.toUTCString())
      .header('content-disposition', `attachment; filename="${key.split('/').at(-1)}"`)
      .header('content-type', key.endsWith('.json') ? 'application/json' : 'application/octet-stream');
  };

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
  app.head('/artifacts/*', { schema: { hide: true, params: keyParams } }, async ({ params }, reply) => {
    await describe(params['*'], reply);
    return reply.send();
  });
  app.get(
    '/artifacts/*',
    { schema: { summary: 'The bytes of an artifact', params: keyParams } },
    async ({ params }, reply) => {
      await describe(params['*'], reply);
      const bytes = await store.get(params['*']);
      if (!bytes) throw absent(params['*']);
      return reply.send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    },
  );
  app.put(
    '/artifacts/*',
    {
      config: { role: 'operate' },
      bodyLimit: UPLOAD,
      schema: { summary: 'Upload a manifest, images or weights; 201, or 200 where it was there', params: keyParams },
    },
    async ({ params, body }, reply) => {
      const key = params['*'];
      const [hash, check] =
        UPLOADS.flatMap(([pattern, check]) => {
          const hash = pattern.exec(key)?.[1];
          return hash ? [[hash, check] as const] : [];
        })[0] ?? [];
      if (!hash || !check) {
        throw new CryfoldError('API_FORBIDDEN', `${key} cannot be written through the API`, { context: { key } });
      }
      if (!(body instanceof Uint8Array))
        throw new CryfoldError('API_INVALID', 'the body is not application/octet-stream');
      if (!check(body, hash, key)) {
        throw new CryfoldError('ARTIFACT_CORRUPT', `the bytes are not what ${key} promises`, { context: { key } });
      }
      const added = await store.putIfAbsent(key, body);
      return reply
        .code(added ? 201 : 200)
        .serializer(JSON.stringify)
        .send({ key, added });
    },
  );
}
