/**
 * The next request of a header parser to its caller. `take` and `peek` return less than requested only at the end of
 * the recording.
 */
export type Ask = { take: number } | { peek: number } | { skip: number };

/** A header parser that performs no I/O, so that one parser works on buffers, files and streams. */
export type HeaderParser<T> = Generator<Ask, T, Uint8Array>;

const NOTHING = new Uint8Array();
/** Number of bytes to read from a file at a time. */
const PIECE = 2 ** 18;

/** Parses a header in memory. @returns the result, and the position after the header */
export function parseBytes<T>(parser: HeaderParser<T>, bytes: Uint8Array): { value: T; position: number } {
  let position = 0;
  let answer: Uint8Array = NOTHING;
  for (;;) {
    const { done, value } = parser.next(answer);
    if (done) return { value, position };
    if ('skip' in value) {
      position = Math.min(bytes.length, position + value.skip);
      answer = NOTHING;
      continue;
    }
    answer = bytes.subarray(position, position + ('take' in value ? value.take : value.peek));
    if ('take' in value) position += answer.length;
  }
}

export interface ByteSource {
  /** Size of the recording in bytes; undefined for a stream */
  size?: number;
  /** Path from which another program can read the same bytes */
  path?: string;
  /**
   * Returns up to `length` bytes that start at `position`, or no bytes at the end. A stream returns its next bytes,
   * regardless of the position.
   */
  readAt(position: number, length: number): Promise<Uint8Array> | Uint8Array;
}

/** Reads a recording from start to end, one piece at a time. */
export class ByteReader {
  readonly size: number | undefined;
  readonly path: string | undefined;
  readonly #source: ByteSource;
  #held: Uint8Array = NOTHING;
  #position = 0;

  constructor(source: ByteSource) {
    this.#source = source;
    this.size = source.size;
    this.path = source.path;
  }

  static ofBytes(bytes: Uint8Array): ByteReader {
    return new ByteReader({
      size: bytes.length,
      readAt: (position, length) => bytes.subarray(position, position + length),
    });
  }

  static ofStream(stream: AsyncIterable<Uint8Array>): ByteReader {
    const chunks = stream[Symbol.asyncIterator]();
    return new ByteReader({
      readAt: async () => {
        for (;;) {
          const { done, value } = await chunks.next();
          if (done) return NOTHING;
          if (value.length > 0) return value;
        }
      },
    });
  }

  /** Position of the next byte */
  get position(): number {
    return this.#position;
  }

  /** Returns the next bytes without advancing. */
  async peek(length: number): Promise<Uint8Array> {
    while (this.#held.length < length) {
      const from = this.#position + this.#held.length;
      const more = await this.#source.readAt(from, Math.max(PIECE, length - this.#held.length));
      if (more.length === 0) break;
      this.#held = this.#held.length === 0 ? more : Buffer.concat([this.#held, more]);
    }
    return this.#held.subarray(0, length);
  }

  /** @returns `length` bytes, or fewer at the end; valid until the next call */
  async take(length: number): Promise<Uint8Array> {
    const bytes = await this.peek(length);
    this.#advance(bytes.length);
    return bytes;
  }

  async skip(length: number): Promise<void> {
    if (this.size !== undefined && length > this.#held.length) {
      this.#position = Math.min(this.size, this.#position + length);
      this.#held = NOTHING;
      return;
    }
    for (let left = length; left > 0; ) {
      const { length: taken } = await this.take(Math.min(left, PIECE));
      if (taken === 0) return;
      left -= taken;
    }
  }

  /** Rewinds to the start. @returns whether that was possible */
  rewind(): boolean {
    if (this.size === undefined) return this.#position === 0;
    this.#position = 0;
    this.#held = NOTHING;
    return true;
  }

  /** Returns all remaining bytes in pieces. */
  async *rest(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const bytes = await this.take(PIECE);
      if (bytes.length === 0) return;
      yield bytes;
    }
  }

  async parse<T>(parser: HeaderParser<T>): Promise<T> {
    let answer: Uint8Array = NOTHING;
    for (;;) {
      const { done, value } = parser.next(answer);
      if (done) return value;
      if ('skip' in value) await this.skip(value.skip);
      answer = 'take' in value ? await this.take(value.take) : 'peek' in value ? await this.peek(value.peek) : NOTHING;
    }
  }

  #advance(length: number): void {
    this.#position += length;
    this.#held = this.#held.subarray(length);
  }
}

/** Reads numbers and names from the bytes of a header. */
export class Fields {
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    readonly little: boolean,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u16(at: number): number {
    return this.#view.getUint16(at, this.little);
  }

  i16(at: number): number {
    return this.#view.getInt16(at, this.little);
  }

  u32(at: number): number {
    return this.#view.getUint32(at, this.little);
  }

  /** Reads a 64-bit integer, which is exact up to 2^53. */
  u64(at: number): number {
    return Number(this.#view.getBigUint64(at, this.little));
  }

  f64(at: number): number {
    return this.#view.getFloat64(at, this.little);
  }

  text(at: number, length = 4): string {
    return String.fromCharCode(...this.bytes.subarray(at, at + length));
  }
}
