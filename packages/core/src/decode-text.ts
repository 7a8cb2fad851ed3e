import { isUtf8 } from 'node:buffer';
import { printable } from './printable.js';

/** Characters of a damaged line that a message shows. */
const SHOWN = 60;

/**
 * Windows-1252 from 0x80 to 0x9f, where Latin-1 has control characters; U+FFFD where it has nothing, by which other
 * encodings show. Node 20's TextDecoder takes windows-1252 for Latin-1.
 */
const WINDOWS = '€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ';

/** Bytes are not text in an encoding that is read. The message says which is likely, and names neither file nor line. */
export class EncodingError extends Error {
  /** counted from 1 */
  readonly line: number;
  /** As `iconv -f` takes it; undefined where nothing suggests one */
  readonly encoding: string | undefined;

  constructor(line: number, why: string, encoding?: string) {
    super(why);
    this.name = 'EncodingError';
    this.line = line;
    this.encoding = encoding;
  }

  /** What to do about it. @param file to be converted, as the user named it */
  hint(file: string): string {
    const from = this.encoding;
    if (from === undefined) return 'Save it as UTF-8.';
    const quoted = `'${file.replaceAll("'", `'\\''`)}'`;
    return `Save it as UTF-8, or convert it: iconv -f ${from} -t UTF-8 ${quoted} > utf8.tmp && mv utf8.tmp ${quoted}`;
  }
}

/**
 * Decodes a text file that a user wrote: UTF-8, or UTF-16 where a byte order mark says so. The mark is left out.
 * @throws EncodingError where a byte does not belong there: decoding it leniently would make different words equal
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second, third, fourth] = bytes;
  if (first === 0xff && second === 0xfe) {
    if (third === 0 && fourth === 0) throw new EncodingError(1, 'the text is UTF-32, which is not read', 'UTF-32');
    return decodeUtf16(bytes, 'utf-16le');
  }
  if (first === 0xfe && second === 0xff) return decodeUtf16(bytes, 'utf-16be');
  const nul = bytes.indexOf(0);
  if (nul >= 0) throw notText(bytes, nul);
  if (!isUtf8(bytes)) throw notUtf8(bytes);
  return new TextDecoder().decode(bytes);
}

function notText(bytes: Uint8Array, nul: number): EncodingError {
  // A Latin letter is one zero byte and one other.
  const half = bytes.subarray(0, 2).indexOf(0);
  if (half >= 0) {
    const encoding = half === 0 ? 'UTF-16BE' : 'UTF-16LE';
    return new EncodingError(1, `the text is probably ${encoding} without a byte order mark`, encoding);
  }
  return new EncodingError(countLines(bytes.subarray(0, nul)), 'a character is NUL, so this is not text');
}

function decodeUtf16(bytes: Uint8Array, encoding: 'utf-16le' | 'utf-16be'): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    const [sound] = new TextDecoder(encoding).decode(bytes).split('\ufffd', 1);
    throw new EncodingError(countLines(Buffer.from(sound)), 'the text begins as UTF-16, but is damaged here');
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
  const why = `the text is not UTF-8, but probably ${name}, in which this line is ${printable(shown.join('').trim())}`;
  return new EncodingError(line, why, 'WINDOWS-1252');
}

/** Where the first line starts that is not UTF-8, by halving: a file may have millions of lines. */
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

/** One more than there are line feeds. */
function countLines(bytes: Uint8Array): number {
  return bytes.reduce((lines, byte) => (byte === 0x0a ? lines + 1 : lines), 1);
}
