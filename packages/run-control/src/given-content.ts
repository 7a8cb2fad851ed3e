import { createHash } from 'node:crypto';
import { CryfoldError, decodeNpyHeader, NPY_HEADER_LIMIT } from '@cryfold/core';

/** What vectors that users compute must be. */
export interface GivenContent {
  /** Where they are in the store */
  key: string;
  /** Hex, of the file: their key follows from it, which only the bytes can prove */
  sha256: string;
  /** Clips and columns */
  shape: readonly number[];
  /** What to do about others */
  hint: string;
}

/**
 * Reads given vectors piece by piece, which takes less than 1 MB however many there are.
 * @param pieces the npy file
 * @throws CryfoldError ARTIFACT_CORRUPT where they are other vectors; FEATURES_INVALID where they do not fit the data
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
    throw new CryfoldError('ARTIFACT_CORRUPT', `${key}: these are not the vectors that the spec names by their hash`, {
      context: { key },
      hint,
    });
  }
  problem ??= form.end();
  if (problem !== undefined)
    throw new CryfoldError('FEATURES_INVALID', `${key}: ${problem}`, { context: { key }, hint });
}

/** Looks at float32 vectors as they come. */
class VectorForm {
  readonly #key: string;
  readonly #shape: readonly number[];
  /** The bytes so far, until the header is read */
  #head: Buffer | undefined = Buffer.alloc(0);
  #bytes = 0;
  /** Bytes of data so far */
  #taken = 0;
  /** The byte before: a number may begin in one piece and end in the next */
  #before = 0;

  constructor({ key, shape }: GivenContent) {
    this.#key = key;
    this.#shape = shape;
  }

  /** @returns what is wrong */
  take(piece: Uint8Array): string | undefined {
    if (!this.#head) return this.#takeData(piece);
    this.#head = Buffer.concat([this.#head, piece]);
    return this.#head.length < NPY_HEADER_LIMIT ? undefined : this.#readHead(this.#head);
  }

  /** @returns what is wrong */
  end(): string | undefined {
    const problem = this.#head && this.#readHead(this.#head);
    if (problem !== undefined || this.#taken === this.#bytes) return problem;
    return `${this.#taken} bytes of data, but its header says ${this.#bytes}`;
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
    // The last of four bytes; all bits of the exponent are set in NaN and infinity.
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
