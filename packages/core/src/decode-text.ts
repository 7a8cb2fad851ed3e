import { isUtf8 } from 'node:buffer';
import { printable } from './printable.js';

/** Maximum number of characters that a message quotes from a damaged line. */
const SHOWN = 60;

/**
 * The characters of Windows-1252 from 0x80 to 0x9f, where Latin-1 has control characters. U+FFFD marks bytes that are
 * undefined in Windows-1252; text that contains them must be in another encoding. This table is needed because Node
 * 20's TextDecoder treats windows-1252 as Latin-1.
 */
const WINDOWS = '€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ';

/**
 * Thrown for bytes that are not text in a supported encoding. The message suggests the likely encoding, but includes
 * neither the file name nor the line number.
 */
export class EncodingError extends Error {
  /** Number of the first damaged line, starting at 1 */
  readonly line: number;
  /** A name that `iconv -f` accepts; undefined if no encoding is likely */
  readonly encoding: string | undefined;

  constructor(line: number, why: string, encoding?: string) {
    super(why);
    this.name = 'EncodingError';
    this.line = line;
    this.encoding = encoding;
  }

  /** Returns a hint on how to fix the file. @param file path of the file, as the user wrote it */
  hint(file: string): string {
    const from = this.encoding;
    if (from === undefined) return 'Save it as UTF-8.';
    const quoted = `'${file.replaceAll("'", `'\\''`)}'`;
    return `Save it as UTF-8, or convert it: iconv -f ${from} -t UTF-8 ${quoted} > utf8.tmp && mv utf8.tmp ${quoted}`;
  }
}

/**
 * Decodes a text file written by a user: UTF-8, or UTF-16 with a byte order mark. The mark is removed.
 * @throws EncodingError for any invalid byte, because lenient decoding could make different words equal
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second, third, fourth] = bytes;
  if (first === 0xff && second === 0xfe) {
    if (third === 0 && fourth === 0) throw new EncodingError(1, 'the text is UTF-32, which is not supported', 'UTF-32');
    return decodeUtf16(bytes, 'utf-16le');
  }
  if (first === 0xfe && second === 0xff) return decodeUtf16(bytes, 'utf-16be');
  const nul = bytes.indexOf(0);
  if (nul >= 0) throw notText(bytes, nul);
  if (!isUtf8(bytes)) throw notUtf8(bytes);
  return new TextDecoder().decode(bytes);
}

function notText(bytes: Uint8Array, nul: number): EncodingError {
  // A Latin letter in UTF-16 consists of a zero byte and a nonzero byte.
  const half = bytes.subarray(0, 2).indexOf(0);
  if (half >= 0) {
    const encoding = half === 0 ? 'UTF-16BE' : 'UTF-16LE';
    return new EncodingError(1, `the text is probably ${encoding} without a byte order mark`, encoding);
  }
  return new EncodingError(countLines(bytes.subarray(0, nul)), 'a NUL character shows that the file is not text');
}

function decodeUtf16(bytes: Uint8Array, encoding: 'utf-16le' | 'utf-16be'): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    const [sound] = new TextDecoder(encoding).decode(bytes).split('\ufffd', 1);
    throw new EncodingError(countLines(Buffer.from(sound)), 'the text starts as UTF-16, but is damaged here');
  }
}

function notUtf8(bytes: Uint8Array): EncodingError {
  const start = firstDamagedLine(bytes);
  const end = bytes.indexOf(0x0a, start);
  const line = countLines(bytes.subarray(0, start));
  const windows = bytes.some((byte) => byte >= 0x80 && byte < 0xa0);
  if (bytes.some((byte) => WINDOWS[byte - 0x80] === '\ufffd')) return new EncodingError(line, 'the text is not UTF-8');
  const part = bytes.subarray(start, end < 0 ? undefined : end).subarray(0, SHOWN);
  const shown = Array.from(part, (byte) => WINDOWS[byte - 0x80] ?? String.fromCharCode(byte));
  const name = windows ? 'Windows-1252' : 'Latin-1';
  const why = `the text is not UTF-8, but probably ${name}; this line reads ${printable(shown.join('').trim())}`;
  return new EncodingError(line, why, 'WINDOWS-1252');
}

/** Finds the start of the first line that is not UTF-8. Uses bisection, because a file may have millions of lines. */
function firstDamagedLine(bytes: Uint8Array): number {
  let start = 0;
  let end = bytes.length;
  for (;;) {
    const half = (start + end) >> 1;
    let cut = bytes.lastIndexOf(0x0a, half) + 1;
    if (cut <= start) cut = bytes.indexOf(0x0a, half) + 1;
    if (cut <= start || cut >= end) return start;
    if (isUtf8(bytes.subarray(start, cut))) start = cut;
    else end = cut;
  }
}

/** Returns the number of line feeds plus one. */
function countLines(bytes: Uint8Array): number {
  return bytes.reduce((lines, byte) => (byte === 0x0a ? lines + 1 : lines), 1);
}
