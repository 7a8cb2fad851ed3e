import { type AudioFormat, CONVERT, invalid, startsWith } from './audio-format.js';
import { Fields, type HeaderParser } from './bytes.js';
import { openWithFfmpeg } from './ffmpeg.js';
import { type Coding, type Layout, openPcm, type PlainCoding, plainCoding } from './pcm.js';
import { UnknownCoding } from './wav-coding.js';

const IS_FLOAT = 1;
const IS_LITTLE = 2;

interface Description {
  rate: number;
  channels: number;
  coding: Coding;
}

/** Reads the header of a Core Audio file up to its samples. Source: Apple, "Core Audio Format Specification 1.0". */
function* header(name: string): HeaderParser<Layout> {
  yield { skip: 8 };
  let description: Description | undefined;
  for (;;) {
    const head = new Fields(yield { take: 12 }, false);
    if (head.bytes.length < 12) throw invalid(name, 'truncated before its data chunk', CONVERT.ffmpeg);
    const kind = head.text(0);
    const size = head.u64(4);
    if (kind === 'data') {
      if (!description) throw invalid(name, 'the data chunk comes before any description', CONVERT.ffmpeg);
      // The chunk starts with an edit count. If all bits of the chunk's size are set, the size is unknown.
      yield { skip: 4 };
      return { ...description, ...(size < 2 ** 63 ? { bytes: Math.max(0, size - 4) } : {}) };
    }
    const read = kind === 'desc' ? Math.min(size, 32) : 0;
    if (read > 0) description = descriptionOf(new Fields(yield { take: read }, false), name);
    yield { skip: size - read };
  }
}

/** @throws CryfoldError WAV_INVALID; UnknownCoding */
function descriptionOf(fields: Fields, name: string): Description {
  if (fields.bytes.length < 32) throw invalid(name, 'its description is truncated', CONVERT.ffmpeg);
  const rate = fields.f64(0);
  const kind = fields.text(8);
  const flags = fields.u32(12);
  const channels = fields.u32(24);
  const width = fields.u32(16) / channels;
  const known: Readonly<Record<string, PlainCoding>> = {
    lpcm: { kind: flags & IS_FLOAT ? 'float' : 'int', width, little: (flags & IS_LITTLE) !== 0 },
    alaw: { kind: 'alaw', width: 1, little: false },
    ulaw: { kind: 'mulaw', width: 1, little: false },
  };
  const plain = Object.hasOwn(known, kind) ? known[kind] : undefined;
  if (!plain) throw new UnknownCoding(kind.trim());
  const widths = plain.kind === 'float' ? [4, 8] : [1, 2, 3, 4];
  if (!(rate >= 1 && rate <= 2 ** 32) || channels > 1024 || !widths.includes(width)) {
    throw invalid(name, `${channels} channels of ${width} bytes at ${rate} Hz`, CONVERT.ffmpeg);
  }
  return { rate, channels, coding: plainCoding(plain, channels) };
}

export const caf: AudioFormat = {
  name: 'CAF',
  endings: ['caf'],
  sniff: (head) => startsWith(head, 'caff'),
  open: async (reader, name) => {
    try {
      return { ...openPcm(reader, await reader.parse(header(name)), name), decoder: 'cryfold caf 1' };
    } catch (error) {
      if (!(error instanceof UnknownCoding)) throw error;
      return openWithFfmpeg(reader, name, { what: `CAF with ${error.coding}`, demuxer: 'caf' });
    }
  },
};
