import { type AudioFormat, startsWith } from './audio-format.js';
import { openDecoded } from './decoded.js';
import { OggPages } from './ogg-pages.js';

const isOgg = (head: Uint8Array, codec: string) => startsWith(head, 'OggS') && startsWith(head, codec, 28);

/** Ogg Vorbis. */
export const oggVorbis: AudioFormat = {
  name: 'Ogg Vorbis',
  endings: ['ogg', 'oga'],
  sniff: (head) => isOgg(head, '\x01vorbis'),
  open: (reader, name) => {
    const pages = new OggPages(name);
    return openDecoded(reader, name, {
      package: '@wasm-audio-decoders/ogg-vorbis',
      what: 'Ogg Vorbis',
      create: async () => {
        const { OggVorbisDecoder } = await import('@wasm-audio-decoders/ogg-vorbis');
        return new OggVorbisDecoder();
      },
      watch: (bytes) => pages.add(bytes),
      end: () => pages.end(),
    });
  },
};

/** Opus in Ogg. Always decoded at 48 kHz, regardless of the rate before encoding. */
export const oggOpus: AudioFormat = {
  name: 'Ogg Opus',
  endings: ['opus'],
  sniff: (head) => isOgg(head, 'OpusHead'),
  open: (reader, name) => {
    const pages = new OggPages(name);
    return openDecoded(reader, name, {
      package: 'ogg-opus-decoder',
      what: 'Ogg Opus',
      create: async () => {
        const { OggOpusDecoder } = await import('ogg-opus-decoder');
        return new OggOpusDecoder();
      },
      watch: (bytes) => pages.add(bytes),
      end: () => pages.end(),
    });
  },
};

/** FLAC in Ogg. */
export const oggFlac: AudioFormat = {
  name: 'Ogg FLAC',
  endings: [],
  sniff: (head) => isOgg(head, '\x7fFLAC'),
  open: (reader, name) => {
    const pages = new OggPages(name);
    return openDecoded(reader, name, {
      package: '@wasm-audio-decoders/flac',
      what: 'Ogg FLAC',
      exact: true,
      create: async () => {
        const { FLACDecoder } = await import('@wasm-audio-decoders/flac');
        return new FLACDecoder();
      },
      watch: (bytes) => pages.add(bytes),
      end: () => pages.end(),
    });
  },
};
