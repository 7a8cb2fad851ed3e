import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { CryfoldError, decodeNpyHeader, NPY_HEADER_LIMIT, type NpyType } from '@cryfold/core';
import { decodeAudit } from '@cryfold/evaluation';
import { decodeForeignManifest, decodeSharedSounds } from '@cryfold/plan';

/** Looks at content as it arrives, and throws a coded error where it is not what its key promises. */
interface Check {
  take(piece: Buffer): void;
  /** @param sha256 hex, of all of it */
  end(sha256: string): void;
}

interface Kind {
  pattern: RegExp;
  /** Largest content, bytes */
  limit: number;
  check: (key: string, hash: string) => Check;
}

const MIB = 2 ** 20;

function corrupt(key: string, why = 'the bytes are not what the key promises'): CryfoldError {
  return new CryfoldError('ARTIFACT_CORRUPT', `${key}: ${why}`, {
    context: { key },
    hint: 'Upload it again from where it was made.',
  });
}

const IMAGES: ArrayForm = { type: '|u1', dimensions: 4, last: 3 };
const VECTORS: ArrayForm = { type: '<f4', dimensions: 2 };

/** What a run needs and may be uploaded. */
const KINDS: readonly Kind[] = [
  // Manifests and shared sounds are decoded, so held in memory; a manifest of 30,000 clips takes 6 MiB.
  { pattern: /^datasets\/([0-9a-f]{64})\/manifest\.json$/, limit: 32 * MIB, check: checkManifest },
  { pattern: /^datasets\/([0-9a-f]{64})\/sounds\.json$/, limit: 2 * MIB, check: checkSounds },
  { pattern: /^datasets\/([0-9a-f]{64})\/audit\.json$/, limit: 4 * MIB, check: checkAudit },
  // Images of some 30,000 clips
  { pattern: /^features\/([0-9a-f]{64})\/images\.npy$/, limit: 512 * MIB, check: (key) => checkArray(key, IMAGES) },
  { pattern: /^features\/([0-9a-f]{64})\/vectors\.npy$/, limit: 512 * MIB, check: (key) => checkArray(key, VECTORS) },
  // As much as a worker reads of weights; Keras's ResNet50 has 94 MB.
  { pattern: /^weights\/([0-9a-f]{64})\.h5$/, limit: 256 * MIB, check: checkHash },
  // Files of commands: as much as those of one estimator may have together
  { pattern: /^commands\/([0-9a-f]{64})$/, limit: 16 * MIB, check: checkHash },
];

function checkManifest(key: string, hash: string): Check {
  return checkRecord((bytes) => {
    if (decodeForeignManifest(bytes, key).contentHash !== hash) throw corrupt(key);
  });
}

/** Only the audio, which is not here, could contradict it. */
function checkSounds(key: string): Check {
  return checkRecord((bytes) => decodeSharedSounds(bytes, key));
}

/** As of sounds, only the audio could contradict it. */
function checkAudit(key: string): Check {
  return checkRecord((bytes) => decodeAudit(bytes, key));
}

function checkRecord(decode: (bytes: Buffer) => unknown): Check {
  // Copied, since a client may send a byte at a time, and each piece would take some hundred.
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
  /** What the last dimension must be; any where absent */
  last?: number;
}

/** The key is a hash of what the features were made from, so that only their form can be checked. */
function checkArray(key: string, { type, dimensions, last }: ArrayForm): Check {
  let head: Buffer | undefined = Buffer.alloc(0);
  let expected = 0;
  let length = 0;
  const read = (bytes: Buffer) => {
    const { shape, start, bytes: data } = decodeNpyHeader(bytes, type, dimensions, key);
    if (data === 0 || (last !== undefined && shape.at(-1) !== last))
      throw corrupt(key, `an array of shape (${shape.join(', ')})`);
    expected = start + data;
    head = undefined;
  };
  return {
    take: (piece) => {
      length += piece.length;
      if (!head) {
        if (length > expected) throw corrupt(key, 'more bytes than its header says');
        return;
      }
      head = Buffer.concat([head, piece]);
      if (head.length >= NPY_HEADER_LIMIT) read(head);
    },
    end: () => {
      if (head) read(head);
      if (length !== expected) throw corrupt(key, `${length} bytes, but its header says ${expected}`);
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
  /** Throws a coded error where the content is too large, broken off or not what the key promises. */
  content: AsyncIterable<Buffer>;
  /** Hex, what the content must have; undefined where nothing says */
  sha256: string | undefined;
  /** Reads what a failure left of the body, so that the client gets to read the answer. */
  drain: () => Promise<void>;
}

/**
 * The body of a request as the content of a key.
 * @param announced the content's hex sha256, if the client says
 * @throws CryfoldError API_FORBIDDEN, ARTIFACT_TOO_LARGE, before anything is read
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
    // Not the request's own iterator, which would end the connection before the answer.
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
    if (announced !== undefined && sha256 !== announced) throw corrupt(key, 'it was damaged on its way');
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
