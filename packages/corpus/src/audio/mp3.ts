import { type AudioFormat, startsWith } from './audio-format.js';
import { openDecoded } from './decoded.js';

/**
 * Whether bytes are the header of an MPEG audio frame of layer 1, 2 or 3: the first 11 bits are set, and no field has a
 * reserved value.
 */
function isFrame(head: Uint8Array): boolean {
  if (head.length < 4 || head[0] !== 0xff || (head[1] & 0xe0) !== 0xe0) return false;
  const version = (head[1] >> 3) & 3;
  const layer = (head[1] >> 1) & 3;
  return version !== 1 && layer !== 0 && head[2] >> 4 !== 15 && ((head[2] >> 2) & 3) !== 3;
}

export const mp3: AudioFormat = {
  name: 'MP3',
  endings: ['mp3', 'mp2', 'mpga'],
  sniff: (head) => startsWith(head, 'ID3') || isFrame(head),
  open: (reader, name) =>
    openDecoded(reader, name, {
      package: 'mpg123-decoder',
      what: 'MP3',
      create: async () => {
        const { MPEGDecoder } = await import('mpg123-decoder');
        return new MPEGDecoder();
      },
    }),
};
