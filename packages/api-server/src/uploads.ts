import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { CryfoldError, decodeNpyHeader, NPY_HEADER_LIMIT, type NpyType } from '@cryfold/core';
import { decodeAudit } from '@cryfold/evaluation';
import { decodeForeignManifest, decodeSharedSounds } from '@cryfold/plan';

/** Validates content as it arrives. Throws a coded error if the content does not match its key. */
interface Check {
  take(piece: Buffer): void;
  /** @param sha256 hash of the whole content in hex */
  end(sha256: string): void;
}

interface Kind {
  pattern: RegExp;
  /** Maximum size in bytes */
  limit: number;
  check: (key: string, hash: string) => Check;
}

const MIB = 2 ** 20;

function corrupt(key: string, why = 'the content does not match the key'): CryfoldError {
  return new CryfoldError('ARTIFACT_CORRUPT', `${key}: ${why}`, {
    context: { key },
    hint: 'Upload the artifact again from its source.',
  });
}

const IMAGES: ArrayForm = { type: '|u1', dimensions: 4, last: 3 };
const VECTORS: ArrayForm = { type: '<f4', dimensions: 2 };

/** Inputs of runs that clients may upload. */
const KINDS: readonly Kind[] = [
  // Manifests and shared sounds are decoded in memory. A manifest of 30,000 clips takes 6 MiB.
  { pattern: /^datasets\/([0-9a-f]{64})\/manifest\.json$/, limit: 32 * MIB, check: checkManifest },
  { pattern: /^datasets\/([0-9a-f]{64})\/sounds\.json$/, limit: 2 * MIB, check: checkSounds },
  { pattern: /^datasets\/([0-9a-f]{64})\/audit\.json$/, limit: 4 * MIB, check: checkAudit },
  // Enough for the images of about 30,000 clips
  { pattern: /^features\/([0-9a-f]{64})\/images\.npy$/, limit: 512 * MIB, check: (key) => checkArray(key, IMAGES) },
  { pattern: /^features\/([0-9a-f]{64})\/vectors\.npy$/, limit: 512 * MIB, check: (key) => checkArray(key, VECTORS) },
  // Workers have the same limit. The weights of Keras's ResNet50 take up 94 MB.
  { pattern: /^weights\/([0-9a-f]{64})\.h5$/, limit: 256 * MIB, check: checkHash },
  // A file of a command estimator, which may use the whole limit for all files of that estimator
  { pattern: /^commands\/([0-9a-f]{64})$/, limit: 16 * MIB, check: checkHash },
];

function checkManifest(key: string, hash: string): Check {
  return checkRecord((bytes) => {
    if (decodeForeignManifest(bytes, key).contentHash !== hash) throw corrupt(key);
  });
}

/** Checks only the format, because verifying the content would require the audio. */
function checkSounds(key: string): Check {
  return checkRecord((bytes) => decodeSharedSounds(bytes, key));
}

/** Checks only the format, because verifying the content would require the audio. */
function checkAudit(key: string): Check {
  return checkRecord((bytes) => decodeAudit(bytes, key));
}

function checkRecord(decode: (bytes: Buffer) => unknown): Check {
  // Copied into one buffer, since a client may send single bytes, each of which would be kept as a chunk that takes
  // hundreds of bytes.
  let held = Buffer.alloc(0);
  let length = 0;
  return {
    take: (piece) => {
      if (length + piece.length > held.length) {
        held = Buffer.concat([held.subarray(0, length)], 2 * (length + piece.length));
      }
      piece.copy(held, length);
      length += piece.length;
    },
    end: () => {
      decode(held.subarray(0, length));
    },
  };
}

interface ArrayForm {
  type: NpyType;
  dimensions: number;
  /** Required size of the last dimension; if absent, any size is accepted */
  last?: number;
}

/** Checks only the shape, since the key is a hash of what the features were computed from. */
function checkArray(key: string, { type, dimensions, last }: ArrayForm): Check {
  let head: Buffer | undefined = Buffer.alloc(0);
  let expected = 0;
  let length = 0;
  const read = (bytes: Buffer) => {
    const { shape, start, bytes: data } = decodeNpyHeader(bytes, type, dimensions, key);
    if (data === 0 || (last !== undefined && shape.at(-1) !== last))
      throw corrupt(key, `unexpected array shape (${shape.join(', ')})`);
    expected = start + data;
    head = undefined;
  };
  return {
    take: (piece) => {
      length += piece.length;
      if (!head) {
        if (length > expected) throw corrupt(key, 'more bytes than its header states');
        return;
      }
      head = Buffer.concat([head, piece]);
      if (head.length >= NPY_HEADER_LIMIT) read(head);
    },
    end: () => {
      if (head) read(head);
      if (length !== expected) throw corrupt(key, `${length} bytes, but its header states ${expected}`);
    },
  };
}

function checkHash(key: string, hash: string): Check {
  return {
    take: () => {},
    end: (sha256) => {
      if (sha256 !== hash) throw corrupt(key);
    },
  };
}

export interface Upload {
  /** Throws a coded error if the content is too large, incomplete or does not match the key */
  content: AsyncIterable<Buffer>;
  /** Expected hash in hex; undefined if unknown */
  sha256: string | undefined;
  /** Reads the rest of the body after a failure, so that the client receives the response */
  drain: () => Promise<void>;
}

/**
 * Prepares the body of a request to be stored under a key.
 * @param announced sha256 of the content in hex, if the client has sent it
 * @throws CryfoldError API_FORBIDDEN, ARTIFACT_TOO_LARGE, before reading the body
 */
export function uploadOf(key: string, body: IncomingMessage, announced: string | undefined): Upload {
  const kind = KINDS.find(({ pattern }) => pattern.test(key));
  const hash = kind?.pattern.exec(key)?.[1];
  if (!kind || !hash) {
    throw new CryfoldError('API_FORBIDDEN', `${key} cannot be written through the API`, { context: { key } });
  }
  const { limit } = kind;
  const tooLarge = () =>
    new CryfoldError('ARTIFACT_TOO_LARGE', `${key}: more than ${limit / MIB} MiB`, { context: { key } });
  if (Number(body.headers['content-length'] ?? 0) > limit) throw tooLarge();
  let length = 0;
  const pieces = async function* () {
    // The default iterator would close the connection before the response is sent.
    for await (const piece of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += piece.length;
      if (length > limit) throw tooLarge();
      yield piece;
    }
  };
  const content = async function* () {
    const check = kind.check(key, hash);
    const digest = createHash('sha256');
    for await (const piece of pieces()) {
      digest.update(piece);
      check.take(piece);
      yield piece;
    }
    const sha256 = digest.digest('hex');
    if (announced !== undefined && sha256 !== announced) throw corrupt(key, 'it was damaged in transit');
    check.end(sha256);
  };
  const drain = async () => {
    if (body.readableEnded) return;
    try {
      for await (const _ of pieces());
    } catch {
      body.destroy();
    }
  };
  const sha256 = announced ?? (kind.check === checkHash ? hash : undefined);
  return { content: content(), sha256, drain };
}
