import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { CryfoldError, sha256 } from '@cryfold/core';
import type { ArtifactContent, ArtifactInfo, ArtifactStore } from '@cryfold/store';
import { z } from 'zod';
import type { HttpClient } from './http-client.js';
import { sessionSchema } from './live.js';

const session = sessionSchema.pick({ role: true });

function infoOf(headers: Headers): ArtifactInfo {
  return { bytes: Number(headers.get('x-artifact-bytes')), modified: new Date(headers.get('last-modified') ?? 0) };
}

const page = z.object({ keys: z.array(z.string()), next: z.string().nullable() });

/**
 * Accesses a cluster's store through its server. Everything can be read. Only inputs of a run (manifests, audits,
 * features, weights, files that specs refer to) can be written, and only if they do not exist yet. Deleting requires
 * credentials for the store itself.
 */
export class HttpStore implements ArtifactStore {
  constructor(private readonly client: HttpClient) {}

  /**
   * Checks that the server responds and accepts the token. This does not check the store, because the server does that
   * itself.
   */
  async check(): Promise<void> {
    await this.role();
  }

  /**
   * @returns the role of the token
   * @throws CryfoldError API_UNAUTHORIZED, API_FORBIDDEN, SERVER_UNREACHABLE
   */
  async role(needed: 'read' | 'operate' = 'read'): Promise<'read' | 'operate'> {
    const { role } = await this.client.json('session', session);
    if (role === null) {
      throw new CryfoldError('API_UNAUTHORIZED', 'the server requires a token', {
        hint: 'Set CRYFOLD_API_TOKEN to a token, or CRYFOLD_API_TOKEN_FILE to the path of a file that contains it.',
      });
    }
    if (needed === 'read' || role === 'operate') return role;
    throw new CryfoldError('API_FORBIDDEN', 'this token is read-only', {
      hint: "Set CRYFOLD_API_TOKEN to a token with the 'operate' role.",
    });
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.client.bytes(`artifacts/${key}`);
  }

  async has(key: string): Promise<boolean> {
    return (await this.stat(key)) !== undefined;
  }

  async stat(key: string): Promise<ArtifactInfo | undefined> {
    const { status, headers } = await this.client.send(`artifacts/${key}`, { method: 'HEAD', accept: [404] });
    if (status === 404) return undefined;
    return infoOf(headers);
  }

  async open(key: string): Promise<ArtifactContent | undefined> {
    const { status, headers, body } = await this.client.send(`artifacts/${key}`, { accept: [404] });
    if (status !== 404 && body) {
      return { ...infoOf(headers), stream: Readable.fromWeb(body as ReadableStream<Uint8Array>) };
    }
    await body?.cancel();
    return undefined;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.putIfAbsent(key, bytes);
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    const headers = { 'x-artifact-sha256': sha256(bytes) };
    const { status } = await this.client.send(`artifacts/${key}`, { method: 'PUT', bytes, headers });
    return status === 201;
  }

  /** Keeps the content in memory, because the request may have to be repeated. */
  async putStreamIfAbsent(key: string, source: AsyncIterable<Uint8Array>): Promise<boolean> {
    const pieces: Uint8Array[] = [];
    for await (const piece of source) pieces.push(piece);
    return this.putIfAbsent(key, Buffer.concat(pieces));
  }

  async *list(prefix: string): AsyncIterable<string> {
    let after: string | undefined;
    do {
      const response = await this.client.send('artifacts', { query: { prefix, after } });
      const { keys, next } = page.parse(await response.json());
      yield* keys;
      after = next ?? undefined;
    } while (after !== undefined);
  }

  async delete(key: string): Promise<void> {
    throw new CryfoldError('API_FORBIDDEN', `${key} cannot be deleted through a server`, { context: { key } });
  }

  async close(): Promise<void> {}
}
