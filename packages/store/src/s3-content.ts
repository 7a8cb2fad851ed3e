import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { CryfoldError } from '@cryfold/core';

export interface Promised {
  key: string;
  /** Expected hash of the content, hex; undefined if unknown */
  sha256: string | undefined;
  /** The request fails if no byte arrives for this many milliseconds. */
  silenceMs: number;
}

/**
 * The body of an S3 response, read at the pace of its consumer. The last piece is held back until the hash of the whole
 * content is verified, so that damaged content never looks complete.
 */
export function contentOf(response: IncomingMessage, { key, sha256, silenceMs }: Promised): Readable {
  // The timeout is turned off here, because it must not run while the consumer pauses.
  response.setTimeout(0);
  const unreachable = (why: string, cause?: unknown) =>
    new CryfoldError('STORE_UNREACHABLE', `${key}: the download was interrupted: ${why}`, { cause, context: { key } });
  const pieces = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const next = async () => {
    let timer: NodeJS.Timeout | undefined;
    const silent = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(unreachable(`no data within ${silenceMs} ms`)), silenceMs);
    });
    try {
      return await Promise.race([pieces.next(), silent]);
    } catch (cause) {
      throw cause instanceof CryfoldError ? cause : unreachable((cause as Error).message, cause);
    } finally {
      clearTimeout(timer);
    }
  };
  const checked = async function* () {
    const hash = createHash('sha256');
    let held: Buffer | undefined;
    for (;;) {
      const { done, value } = await next();
      if (done) break;
      hash.update(value);
      if (held) yield held;
      held = value;
    }
    if (sha256 !== undefined && hash.digest('hex') !== sha256) {
      throw new CryfoldError('ARTIFACT_CORRUPT', `${key} does not match the hash with which it was stored`, {
        context: { key },
      });
    }
    if (held) yield held;
  };
  const stream = Readable.from(checked(), { objectMode: false });
  return stream.once('close', () => response.destroy());
}
