import { CryfoldError } from '@cryfold/core';
import type { ByteReader } from './bytes.js';

/** A recording whose header has been read. */
export interface OpenAudio {
  /** Sampling rate in Hz */
  rate: number;
  /** Channels in the file, before the mix-down */
  channels: number;
  /** Bits of a stored sample; absent for lossy codecs */
  bits?: number;
  /** Samples of each channel, if the header has their number */
  frames?: number;
  /** Name and version of the decoder; absent if samples are stored uncompressed in a WAV file */
  decoder?: string;
  /** Mono, the mean of the channels, in pieces; full scale is +-1. Can be read once. */
  blocks: AsyncIterable<Float64Array>;
  /** Releases the decoder; required however far it was read */
  close?: () => Promise<void>;
}

/** One audio format. A new one is a file that exports this object and a line in registry.ts. */
export interface AudioFormat {
  /** The usual name, such as `FLAC` */
  readonly name: string;
  /** File extensions, lower case, without the dot */
  readonly endings: readonly string[];
  /** Whether a recording has this format, by its first 64 bytes or fewer */
  sniff(head: Uint8Array): boolean;
  /**
   * Reads the header. Decoders are only loaded here.
   * @param name shown in messages
   * @throws CryfoldError WAV_INVALID, DECODER_MISSING
   */
  open(reader: ByteReader, name: string): Promise<OpenAudio>;
}

/** Hints on how to make a recording readable. `IN` and `OUT` stand for its name and another one. */
export const CONVERT = {
  sox: 'Convert it: sox IN -e signed-integer -b 16 OUT.wav',
  truncated: 'Copy it again, or keep what is there: sox --ignore-length IN -e signed-integer -b 16 OUT.wav',
  ffmpeg: 'Convert it: ffmpeg -i IN -c:a pcm_s16le OUT.wav',
  scale: 'Scale it: ffmpeg -i IN -af volume=FACTOR -c:a pcm_s16le OUT.wav',
} as const;

/** The error of a recording that cannot be read. */
export function invalid(name: string, why: string, hint: string = CONVERT.sox): CryfoldError {
  return new CryfoldError('WAV_INVALID', `${name}: ${why}`, { context: { file: name }, hint });
}

/** ASCII at the start of a header. */
export function startsWith(head: Uint8Array, text: string, at = 0): boolean {
  return head.length >= at + text.length && [...text].every((char, i) => head[at + i] === char.charCodeAt(0));
}
