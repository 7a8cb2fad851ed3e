import { type BlockCoding, imaAdpcm, msAdpcm } from './adpcm.js';
import { invalid } from './audio-format.js';
import type { Fields } from './bytes.js';
import { type Coding, type Layout, plainCoding } from './pcm.js';

/** Thrown for a coding that this package cannot decode by itself. */
export class UnknownCoding extends Error {
  constructor(readonly coding: string) {
    super(coding);
  }
}

const PCM = 1;
const MS_ADPCM = 2;
const FLOAT = 3;
const ALAW = 6;
const MULAW = 7;
const IMA_ADPCM = 0x11;
const EXTENSIBLE = 0xfffe;
/** KSDATAFORMAT_SUBTYPE GUIDs have the format tag in the first two bytes, followed by these fourteen bytes. */
const SUBTYPE_TAIL = '000000001000800000aa00389b71';

/** Common codings that only other programs can decode, by format tag. */
const OTHERS: Readonly<Record<number, string>> = {
  49: 'GSM 6.10',
  64: 'G.721 ADPCM',
  80: 'MPEG',
  85: 'MP3',
  255: 'AAC',
  353: 'WMA',
};

/** The contents of a fmt chunk. */
interface Format {
  tag: number;
  channels: number;
  /** Bytes of a frame or block */
  align: number;
  bits: number;
}

/**
 * Determines the layout of the samples from a fmt chunk.
 * @throws CryfoldError WAV_INVALID; UnknownCoding
 */
export function layoutOf(fmt: Fields, name: string): Omit<Layout, 'bytes'> {
  const size = fmt.bytes.length;
  if (size < 16) throw invalid(name, `the fmt chunk has ${size} bytes, not 16 or more`);
  let tag = fmt.u16(0);
  const channels = fmt.u16(2);
  const rate = fmt.u32(4);
  const align = fmt.u16(12);
  const bits = fmt.u16(14);
  if (tag === EXTENSIBLE) {
    if (size < 40) throw invalid(name, `an extensible fmt chunk has ${size} bytes, not 40 or more`);
    const tail = Buffer.from(fmt.bytes.subarray(26, 40)).toString('hex');
    if (tail !== SUBTYPE_TAIL) throw invalid(name, 'an extensible format that is neither PCM nor float');
    tag = fmt.u16(24);
  }
  if (channels === 0 || rate === 0) throw invalid(name, `${channels} channels at ${rate} Hz`);
  return { rate, channels, coding: codingOf(fmt, { tag, channels, align, bits }, name) };
}

function codingOf(fmt: Fields, format: Format, name: string): Coding {
  const { tag, channels, align, bits } = format;
  if (tag === IMA_ADPCM || tag === MS_ADPCM) return adpcm(fmt, format, name);
  if (![PCM, FLOAT, ALAW, MULAW].includes(tag)) {
    throw new UnknownCoding(OTHERS[tag] ?? `the encoding 0x${tag.toString(16)}`);
  }
  const width = align / channels;
  const right =
    tag === PCM
      ? bits > 0 && bits <= 8 * width && width <= 4
      : tag === FLOAT
        ? bits >= 32 && bits === 8 * width
        : width === 1;
  if (!Number.isInteger(width) || !right || (tag === FLOAT && width !== 4 && width !== 8)) {
    throw invalid(name, `a frame of ${align} bytes for ${channels} x ${bits} bits of encoding ${tag}`);
  }
  const kinds = {
    [PCM]: width === 1 ? 'unsigned' : 'int',
    [FLOAT]: 'float',
    [ALAW]: 'alaw',
    [MULAW]: 'mulaw',
  } as const;
  // A sample can have fewer bits than its bytes can store, such as 24 bits in 4 bytes
  const stored = bits > 0 ? { bits } : {};
  return { ...plainCoding({ kind: kinds[tag as keyof typeof kinds], width, little: fmt.little }, channels), ...stored };
}

/** @throws CryfoldError WAV_INVALID */
function adpcm(fmt: Fields, { tag, channels, align, bits }: Format, name: string): Coding {
  const header = (tag === IMA_ADPCM ? 4 : 7) * channels;
  if (!fmt.little || bits !== 4 || channels > 8 || align <= header) {
    throw invalid(name, `an ADPCM block of ${align} bytes for ${channels} x ${bits} bits`);
  }
  const held =
    tag === IMA_ADPCM
      ? 1 + 8 * Math.floor((align - header) / header)
      : 2 + Math.floor((2 * (align - header)) / channels);
  const declared = fmt.bytes.length >= 20 ? fmt.u16(18) : 0;
  const coding: BlockCoding = { channels, block: align, frames: declared > 0 ? Math.min(declared, held) : held };
  if (tag === IMA_ADPCM) return imaAdpcm(coding);
  const count = fmt.bytes.length >= 22 ? Math.min(fmt.u16(20), Math.floor((fmt.bytes.length - 22) / 4)) : 0;
  if (count === 0) throw invalid(name, 'MS ADPCM without predictors');
  return msAdpcm(
    coding,
    Array.from({ length: count }, (_, i) => [fmt.i16(22 + 4 * i), fmt.i16(24 + 4 * i)] as const),
  );
}
