import { CryfoldError } from '@cryfold/core';
import type { ByteReader } from './bytes.js';

/** A recording of which the header is read. */
export interface OpenAudio {
  /** Sampling rate in Hz */
  rate: number;
  /** Channels in the file, before the mix-down */
  channels: number;
  /** Bits of a stored sample; absent where a lossy codec has none */
  bits?: number;
  /** Samples of each channel, where the header says so */
  frames?: number;
  /** Name and version of what decodes it; absent where samples are stored as they are, in a WAV file */
  decoder?: string;
  /** Mono, the mean of the channels, in pieces; full scale is +-1. Read once. */
  blocks: AsyncIterable<Float64Array>;
  /** Ends what decodes it; needed however far it was read */
  close?: () => Promise<void>;
}

/** One audio format. A new one is a file that exports this object and a line in registry.ts. */
export interface AudioFormat {
  /** As people call it, such as `FLAC` */
  readonly name: string;
  /** Of file names, lower case, without the dot */
  readonly endings: readonly string[];
  /** Whether a recording is of this format, by its first 64 bytes or fewer */
  sniff(head: Uint8Array): boolean;
  /**
   * Reads the header. Decoders load here, not before.
   * @param name what to call the recording in messages
   * @throws CryfoldError WAV_INVALID, DECODER_MISSING
   */
  open(reader: ByteReader, name: string): Promise<OpenAudio>;
}

/** Hints of what makes a recording readable. `IN` and `OUT` stand for its name and another one. */
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
