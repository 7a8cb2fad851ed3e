import type { AudioFormat } from './audio-format.js';
import { openWithFfmpeg } from './ffmpeg.js';
import { openPcm } from './pcm.js';
import { UnknownCoding } from './wav-coding.js';
import { isWav, wavHeader } from './wav-header.js';

/** WAV and its relatives: RIFX, RF64, BW64 and Wave64. */
export const wav: AudioFormat = {
  name: 'WAV',
  endings: ['wav', 'wave', 'w64', 'rf64', 'bwf'],
  sniff: isWav,
  open: async (reader, name) => {
    try {
      return openPcm(reader, await reader.parse(wavHeader(name, reader.size)), name);
    } catch (error) {
      if (!(error instanceof UnknownCoding)) throw error;
      return openWithFfmpeg(reader, name, { what: `WAV with ${error.coding}`, demuxer: 'wav' });
    }
  },
};
