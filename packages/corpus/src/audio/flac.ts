import { type AudioFormat, invalid, startsWith } from './audio-format.js';
import { Fields } from './bytes.js';
import { openDecoded } from './decoded.js';

export const flac: AudioFormat = {
  name: 'FLAC',
  endings: ['flac'],
  sniff: (head) => startsWith(head, 'fLaC'),
  open: async (reader, name) => {
    // STREAMINFO, a block of 34 bytes, comes first. 36 of its bits contain the number of samples, or 0 if the number is
    // unknown.
    const head = new Fields(await reader.peek(42), false);
    const promised = head.bytes.length < 42 ? 0 : (head.bytes[21] & 15) * 2 ** 32 + head.u32(22);
    const audio = await openDecoded(reader, name, {
      package: '@wasm-audio-decoders/flac',
      what: 'FLAC',
      exact: true,
      create: async () => {
        const { FLACDecoder } = await import('@wasm-audio-decoders/flac');
        const decoder = new FLACDecoder();
        return {
          ready: decoder.ready,
          decode: (bytes) => decoder.decode(bytes),
          flush: () => decoder.decode(NEXT_FRAME),
          free: () => decoder.free(),
        };
      },
      end: (frames) => {
        if (promised === 0 || frames === promised) return;
        throw invalid(name, `damaged FLAC: its header declares ${promised} samples, but it has ${frames}`, HINT);
      },
    });
    return promised === 0 ? audio : { ...audio, frames: promised };
  },
};

/**
 * The header of a frame (4096 samples, 44.1 kHz, mono, 16 bits), with space for its content. The decoder outputs a
 * frame only when the next frame starts, so this header is passed to it after the last frame. The decoder's own flush
 * function loses a last frame of fewer than 16 bytes, which occurs if a recording ends in silence.
 */
const NEXT_FRAME = Uint8Array.of(0xff, 0xf8, 0xc9, 0x18, 0, 0xc2, ...new Uint8Array(26));

const HINT = 'Copy it again, or pass --skip-bad to leave such files out.';
