import { CryfoldError } from '@cryfold/core';
import type { ByteReader } from './bytes.js';

/** A recording whose header has been read. */
export interface OpenAudio {
  /** Sampling rate in Hz */
  rate: number;
  /** Channels in the file, before the mix-down */
  channels: number;
  /** Bits per stored sample; absent for lossy codecs */
  bits?: number;
  /** Number of samples per channel, if the header contains it */
  frames?: number;
  /** Name and version of the decoder; absent if samples are stored uncompressed in a WAV file */
  decoder?: string;
  /** The mean of the channels, as a sequence of pieces; full scale is +-1. The pieces can be read only once. */
  blocks: AsyncIterable<Float64Array>;
  /** Releases the decoder. Must be called even if the samples were not read to the end */
  close?: () => Promise<void>;
}

/** One audio format. To add a format, write a file that exports such an object and add a line to registry.ts. */
export interface AudioFormat {
  /** The usual name, such as `FLAC` */
  readonly name: string;
  /** File extensions, lower case, without the dot */
  readonly endings: readonly string[];
  /** Whether a recording has this format, judged by its first 64 bytes or fewer */
  sniff(head: Uint8Array): boolean;
  /**
   * Reads the header. No decoder is loaded before this call.
   * @param name shown in messages
   * @throws CryfoldError WAV_INVALID, DECODER_MISSING
   */
  open(reader: ByteReader, name: string): Promise<OpenAudio>;
}

/**
 * Hints on how to convert a recording to a supported format. `IN` and `OUT` stand for the original and the new file
 * name.
 */
export const CONVERT = {
  sox: 'Convert it with: sox IN -e signed-integer -b 16 OUT.wav',
  truncated:
    'Copy the recording again, or keep the readable part with: sox --ignore-length IN -e signed-integer -b 16 OUT.wav',
  ffmpeg: 'Convert it with: ffmpeg -i IN -c:a pcm_s16le OUT.wav',
  scale: 'Scale it with: ffmpeg -i IN -af volume=FACTOR -c:a pcm_s16le OUT.wav',
} as const;

/** Creates the error for a recording that cannot be read. */
export function invalid(name: string, why: string, hint: string = CONVERT.sox): CryfoldError {
  return new CryfoldError('WAV_INVALID', `${name}: ${why}`, { context: { file: name }, hint });
}

/** Whether a header contains the given ASCII text at a position, by default at its start. */
export function startsWith(head: Uint8Array, text: string, at = 0): boolean {
  return head.length >= at + text.length && [...text].every((char, i) => head[at + i] === char.charCodeAt(0));
}
