import { invalid, startsWith } from './audio-format.js';

const HEADER = 27;
const LAST_PAGE = 4;
const HINT = 'Copy or encode it again, or pass --skip-bad to leave such files out.';

/** CRC-32 of Ogg pages: polynomial 0x04c11db7, highest bit first, without inversion. */
const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = value & 0x8000_0000 ? (value << 1) ^ 0x04c1_1db7 : value << 1;
  return value >>> 0;
});

/**
 * Checks the pages of an Ogg stream on their way to the decoder. Decoders skip damaged pages and do not notice a
 * missing last page. Source: RFC 3533.
 */
export class OggPages {
  readonly #name: string;
  #held: Uint8Array = new Uint8Array();
  #last = false;
  #count = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** @throws CryfoldError WAV_INVALID */
  add(bytes: Uint8Array): void {
    this.#held = Buffer.concat([this.#held, bytes]);
    for (;;) {
      const page = this.#held;
      if (page.length < HEADER) return;
      if (!startsWith(page, 'OggS')) throw this.#damaged(`page ${this.#count} does not start where expected`);
      const segments = page[26];
      if (page.length < HEADER + segments) return;
      const length = page.subarray(HEADER, HEADER + segments).reduce((sum, size) => sum + size, HEADER + segments);
      if (page.length < length) return;
      const own = Buffer.from(page.subarray(0, length));
      const promised = own.readUInt32LE(22);
      own.writeUInt32LE(0, 22);
      if (crc(own) !== promised) throw this.#damaged(`page ${this.#count} is damaged`);
      this.#last = (page[5] & LAST_PAGE) !== 0;
      this.#count++;
      this.#held = page.subarray(length);
    }
  }

  /** @throws CryfoldError WAV_INVALID */
  end(): void {
    if (this.#held.length > 0 || !this.#last) throw this.#damaged('truncated: its last page is missing');
  }

  #damaged(why: string) {
    return invalid(this.#name, `damaged Ogg: ${why}`, HINT);
  }
}

function crc(bytes: Uint8Array): number {
  let value = 0;
  for (const byte of bytes) value = ((value << 8) ^ CRC[((value >>> 24) ^ byte) & 255]) >>> 0;
  return value;
}
