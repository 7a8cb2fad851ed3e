import { createHash } from 'node:crypto';
import { CryfoldError, decodeNpyHeader, NPY_HEADER_LIMIT } from '@cryfold/core';

/** Requirements for vectors that users have computed themselves. */
export interface GivenContent {
  /** Key in the store */
  key: string;
  /** SHA-256 of the file in hex. The key is derived from this hash, so the content must match it */
  sha256: string;
  /** Number of clips and number of columns */
  shape: readonly number[];
  /** What the user should do if the vectors are not valid */
  hint: string;
}

/**
 * Checks vectors as they are streamed, using less than 1 MB of memory.
 * @param pieces chunks of the npy file
 * @throws CryfoldError ARTIFACT_CORRUPT if the hash differs; FEATURES_INVALID if the vectors do not match the data
 */
export async function checkGivenContent(pieces: AsyncIterable<Uint8Array>, expected: GivenContent): Promise<void> {
  const { key, hint } = expected;
  const hash = createHash('sha256');
  const form = new VectorForm(expected);
  let problem: string | undefined;
  for await (const piece of pieces) {
    hash.update(piece);
    problem ??= form.take(piece);
  }
  if (hash.digest('hex') !== expected.sha256) {
    throw new CryfoldError('ARTIFACT_CORRUPT', `${key}: the content does not match the hash in the spec`, {
      context: { key },
      hint,
    });
  }
  problem ??= form.end();
  if (problem !== undefined)
    throw new CryfoldError('FEATURES_INVALID', `${key}: ${problem}`, { context: { key }, hint });
}

/** Validates a stream of float32 vectors. */
class VectorForm {
  readonly #key: string;
  readonly #shape: readonly number[];
  /** The bytes received so far, which are kept until the header is complete */
  #head: Buffer | undefined = Buffer.alloc(0);
  #bytes = 0;
  /** Number of data bytes received so far */
  #taken = 0;
  /** The previous byte, since a number may span two chunks */
  #before = 0;

  constructor({ key, shape }: GivenContent) {
    this.#key = key;
    this.#shape = shape;
  }

  /** @returns what is wrong, if anything */
  take(piece: Uint8Array): string | undefined {
    if (!this.#head) return this.#takeData(piece);
    this.#head = Buffer.concat([this.#head, piece]);
    return this.#head.length < NPY_HEADER_LIMIT ? undefined : this.#readHead(this.#head);
  }

  /** @returns what is wrong, if anything */
  end(): string | undefined {
    const problem = this.#head && this.#readHead(this.#head);
    if (problem !== undefined || this.#taken === this.#bytes) return problem;
    return `${this.#taken} bytes of data, but its header states ${this.#bytes}`;
  }

  #readHead(head: Buffer): string | undefined {
    this.#head = undefined;
    try {
      const { shape, start, bytes } = decodeNpyHeader(head, '<f4', this.#shape.length, this.#key);
      if (shape.some((size, i) => size !== this.#shape[i])) {
        return `its shape is (${shape.join(', ')}), not (${this.#shape.join(', ')}): clips, columns`;
      }
      this.#bytes = bytes;
      return this.#takeData(head.subarray(start));
    } catch (error) {
      if (!(error instanceof CryfoldError)) throw error;
      return error.message.replace(`${this.#key}: `, '');
    }
  }

  #takeData(data: Uint8Array): string | undefined {
    // Checks only the two most significant bytes of each float32. NaN and infinity have all exponent bits set.
    for (let i = 3 - (this.#taken % 4); i < data.length; i += 4) {
      const before = i === 0 ? this.#before : data[i - 1];
      if ((data[i] & 0x7f) !== 0x7f || before < 0x80) continue;
      const element = Math.floor((this.#taken + i) / 4);
      const columns = this.#shape[1];
      return `row ${Math.floor(element / columns)}, column ${element % columns} is not a finite number`;
    }
    this.#taken += data.length;
    this.#before = data.at(-1) ?? this.#before;
    return undefined;
  }
}
