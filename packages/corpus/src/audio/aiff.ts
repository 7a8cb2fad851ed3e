import { type AudioFormat, CONVERT, invalid, startsWith } from './audio-format.js';
import { Fields, type HeaderParser } from './bytes.js';
import { openWithFfmpeg } from './ffmpeg.js';
import { type Coding, type Layout, openPcm, type PlainCoding, plainCoding } from './pcm.js';
import { UnknownCoding } from './wav-coding.js';

/** Codings of AIFF-C by name. Every coding that is not listed here is compressed. */
const CODINGS: Readonly<Record<string, (width: number) => PlainCoding>> = {
  NONE: (width) => ({ kind: 'int', width, little: false }),
  twos: (width) => ({ kind: 'int', width, little: false }),
  sowt: (width) => ({ kind: 'int', width, little: true }),
  in24: () => ({ kind: 'int', width: 3, little: false }),
  in32: () => ({ kind: 'int', width: 4, little: false }),
  'raw ': () => ({ kind: 'unsigned', width: 1, little: false }),
  fl32: () => ({ kind: 'float', width: 4, little: false }),
  FL32: () => ({ kind: 'float', width: 4, little: false }),
  fl64: () => ({ kind: 'float', width: 8, little: false }),
  FL64: () => ({ kind: 'float', width: 8, little: false }),
  alaw: () => ({ kind: 'alaw', width: 1, little: false }),
  ALAW: () => ({ kind: 'alaw', width: 1, little: false }),
  ulaw: () => ({ kind: 'mulaw', width: 1, little: false }),
  ULAW: () => ({ kind: 'mulaw', width: 1, little: false }),
};

/** Maximum size of a COMM chunk in bytes. The name of the compression takes up to 256 bytes. */
const LARGEST_COMMON = 1024;

interface Common {
  rate: number;
  channels: number;
  coding: Coding;
}

/**
 * Reads the header of an AIFF or AIFF-C file up to its samples.
 * Source: Apple, "Audio Interchange File Format: AIFF-C" (1991).
 */
function* header(name: string): HeaderParser<Layout> {
  const compressed = new Fields(yield { take: 12 }, false).text(8) === 'AIFC';
  let common: Common | undefined;
  for (;;) {
    const head = new Fields(yield { take: 8 }, false);
    if (head.bytes.length < 8) throw invalid(name, 'truncated before its SSND chunk', CONVERT.truncated);
    const size = head.u32(4);
    const kind = head.text(0);
    if (kind === 'SSND') {
      if (!common) throw invalid(name, 'the SSND chunk comes before any COMM chunk');
      const start = new Fields(yield { take: 8 }, false);
      const offset = start.bytes.length < 8 ? 0 : start.u32(0);
      yield { skip: offset };
      // Some programs leave the size at 0 or at the maximum when they write to a pipe.
      const known = size > 8 && size < 0x7fff_0000;
      return { ...common, ...(known ? { bytes: Math.max(0, size - 8 - offset) } : {}) };
    }
    const read = kind === 'COMM' ? Math.min(size, LARGEST_COMMON) : 0;
    if (read > 0) common = commonOf(new Fields(yield { take: read }, false), compressed, name);
    yield { skip: size - read + (size % 2) };
  }
}

/** @throws CryfoldError WAV_INVALID; UnknownCoding */
function commonOf(fields: Fields, compressed: boolean, name: string): Common {
  if (fields.bytes.length < (compressed ? 22 : 18)) throw invalid(name, 'its COMM chunk is truncated');
  const channels = fields.u16(0);
  const bits = fields.u16(6);
  // The rate is an 80-bit float with 15 bits of exponent and 64 bits of mantissa.
  const rate = fields.u64(10) * 2 ** ((fields.u16(8) & 0x7fff) - 16383 - 63);
  const kind = compressed ? fields.text(18) : 'NONE';
  const width = Math.ceil(bits / 8);
  if (channels === 0 || !(rate >= 1 && rate <= 2 ** 32) || width < 1) {
    throw invalid(name, `${channels} channels of ${bits} bits at ${rate} Hz`);
  }
  const plain = Object.hasOwn(CODINGS, kind) ? CODINGS[kind](width) : undefined;
  if (!plain) throw new UnknownCoding(kind.trim());
  if (plain.kind === 'int' && width > 4) throw invalid(name, `${bits} bits`);
  return { rate, channels, coding: plainCoding(plain, channels) };
}

export const aiff: AudioFormat = {
  name: 'AIFF',
  endings: ['aiff', 'aif', 'aifc', 'aiffc'],
  sniff: (head) => startsWith(head, 'FORM') && (startsWith(head, 'AIFF', 8) || startsWith(head, 'AIFC', 8)),
  open: async (reader, name) => {
    try {
      return { ...openPcm(reader, await reader.parse(header(name)), name), decoder: 'cryfold aiff 1' };
    } catch (error) {
      if (!(error instanceof UnknownCoding)) throw error;
      return openWithFfmpeg(reader, name, { what: `AIFF-C with ${error.coding}`, demuxer: 'aiff' });
    }
  },
};
