import { createHash } from 'node:crypto';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { dashboardAssets } from '@cryfold/web-ui';
import type { App } from './app.js';

const ENCODINGS = [
  ['br', brotliCompressSync],
  ['gzip', gzipSync],
] as const;

/**
 * Serves the files of the live page without authentication, since they contain no data. Each file is compressed once,
 * at start.
 */
export async function addPageRoutes(app: App): Promise<void> {
  for (const { path, type, text } of await dashboardAssets()) {
    const plain = Buffer.from(text);
    const compressed = new Map<string, Buffer>(ENCODINGS.map(([name, compress]) => [name, compress(plain)]));
    const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
    app.get(path, { schema: { hide: true }, config: { rateLimit: false } }, async ({ headers }, reply) => {
      reply.header('etag', etag).header('cache-control', 'no-cache').header('vary', 'accept-encoding');
      if (headers['if-none-match'] === etag) return reply.code(304).send();
      const accepted = String(headers['accept-encoding'] ?? '');
      const encoding = ENCODINGS.map(([name]) => name).find((name) => accepted.includes(name));
      if (encoding) reply.header('content-encoding', encoding);
      return reply.type(type).send(encoding ? compressed.get(encoding) : plain);
    });
  }
}
