import { type AudioFormat, invalid, startsWith } from './audio-format.js';
import { Fields } from './bytes.js';
import { openDecoded } from './decoded.js';

export const flac: AudioFormat = {
  name: 'FLAC',
  endings: ['flac'],
  sniff: (head) => startsWith(head, 'fLaC'),
  open: async (reader, name) => {
    // STREAMINFO comes first: 36 bits of its 34 bytes are the number of samples, 0 where it is not known.
    const head = new Fields(await reader.peek(42), false);
    const promised = head.bytes.length < 42 ? 0 : (head.bytes[21] & 15) * 2 ** 32 + head.u32(22);
    const audio = await openDecoded(reader, name, {
      package: '@wasm-audio-decoders/flac',
      what: 'FLAC',
      exact: true,
      create: async () => {
        const { FLACDecoder } = await import('@wasm-audio-decoders/flac');
        return new FLACDecoder();
      },
      end: (frames) => {
        if (promised === 0 || frames === promised) return;
        throw invalid(name, `damaged FLAC: its header promises ${promised} samples and ${frames} are there`, HINT);
      },
    });
    return promised === 0 ? audio : { ...audio, frames: promised };
  },
};

const HINT = 'Copy it again, or pass --skip-bad to leave such files out.';
