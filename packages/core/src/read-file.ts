import { constants, type StatsBase } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { decodeText } from './decode-text.js';

/** Number of bytes to read at a time if a file has grown since it was opened. */
const CHUNK = 2 ** 16;

type Entry = StatsBase<number> | StatsBase<bigint>;

function kindOf(entry: Entry): string {
  if (entry.isDirectory()) return 'a directory';
  if (entry.isFIFO()) return 'a named pipe';
  if (entry.isSocket()) return 'a socket';
  return 'a device';
}

/**
 * Throws unless the path is a regular file of at most `limit` bytes. Follows symbolic links.
 * @throws Error whose message says what is wrong without including the path
 */
export function checkRegular(entry: Entry, limit: number): void {
  if (!entry.isFile()) throw new Error(`it is ${kindOf(entry)}, not a regular file`);
  if (entry.size > limit) throw tooLarge(limit);
}

/** Returns the error for a file above the limit, with the limit in MiB or KiB. */
function tooLarge(limit: number): Error {
  const text = limit >= 2 ** 20 ? `${limit / 2 ** 20} MiB` : `${limit / 2 ** 10} KiB`;
  return new Error(`it is larger than ${text}`);
}

/**
 * Reads a file whose path a user specified. Never blocks on a named pipe and never reads more than `limit` bytes, even
 * from a device or a growing file.
 * @throws any error that `checkRegular` throws, and file system errors
 */
export async function readRegularFile(path: string, limit: number): Promise<Uint8Array> {
  // Checked before the file is opened, because opening some devices has side effects.
  checkRegular(await stat(path), limit);
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const entry = await file.stat();
    checkRegular(entry, limit);
    const chunks: Buffer[] = [];
    let total = 0;
    for (let wanted = entry.size + 1; ; wanted = CHUNK) {
      const chunk = Buffer.allocUnsafeSlow(wanted);
      const { bytesRead } = await file.read(chunk, 0, wanted);
      if (bytesRead === 0) return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      total += bytesRead;
      if (total > limit) throw tooLarge(limit);
      chunks.push(chunk.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/**
 * Like `readRegularFile`, but decodes the content with `decodeText`.
 * @throws EncodingError if it is not text in a supported encoding
 */
export async function readRegularText(path: string, limit: number): Promise<string> {
  return decodeText(await readRegularFile(path, limit));
}
