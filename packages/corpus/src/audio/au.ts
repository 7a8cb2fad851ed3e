import { type AudioFormat, invalid, startsWith } from './audio-format.js';
import { Fields, type HeaderParser } from './bytes.js';
import { type Layout, openPcm, type PlainCoding, plainCoding } from './pcm.js';

/** Codings by their number in the header. */
const CODINGS: Readonly<Record<number, PlainCoding>> = {
  1: { kind: 'mulaw', width: 1, little: false },
  2: { kind: 'int', width: 1, little: false },
  3: { kind: 'int', width: 2, little: false },
  4: { kind: 'int', width: 3, little: false },
  5: { kind: 'int', width: 4, little: false },
  6: { kind: 'float', width: 4, little: false },
  7: { kind: 'float', width: 8, little: false },
  27: { kind: 'alaw', width: 1, little: false },
};
const UNKNOWN_SIZE = 0xffff_ffff;

/** Reads the header of a Sun audio file up to its samples. */
function* header(name: string): HeaderParser<Layout> {
  const fields = new Fields(yield { take: 24 }, false);
  if (fields.bytes.length < 24) throw invalid(name, 'its header is truncated');
  const [start, size, coding, rate, channels] = [4, 8, 12, 16, 20].map((at) => fields.u32(at));
  const plain = CODINGS[coding];
  if (!plain) throw invalid(name, `encoding ${coding} of an AU file is not supported`);
  if (channels === 0 || channels > 1024 || rate === 0) throw invalid(name, `${channels} channels at ${rate} Hz`);
  yield { skip: Math.max(0, start - 24) };
  return { rate, channels, coding: plainCoding(plain, channels), ...(size === UNKNOWN_SIZE ? {} : { bytes: size }) };
}

export const au: AudioFormat = {
  name: 'AU',
  endings: ['au', 'snd'],
  sniff: (head) => startsWith(head, '.snd'),
  open: async (reader, name) => ({
    ...openPcm(reader, await reader.parse(header(name)), name),
    decoder: 'cryfold au 1',
  }),
};
