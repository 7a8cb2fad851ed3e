import { readFileSync } from 'node:fs';
import { invalid, type OpenAudio } from './audio-format.js';
import type { ByteReader } from './bytes.js';

/** The samples that a decoder returns for the bytes passed to it. */
export interface DecodedPiece {
  channelData: Float32Array[];
  samplesDecoded: number;
  sampleRate: number;
  /** Bits per sample before encoding, if the format records this */
  bitDepth?: number;
  errors: readonly { message: string }[];
}

/** A decoder of the wasm-audio-decoders family. */
export interface StreamDecoder {
  ready: Promise<void>;
  decode(bytes: Uint8Array): DecodedPiece | Promise<DecodedPiece>;
  /** Absent if the decoder does not buffer any output */
  flush?(): DecodedPiece | Promise<DecodedPiece>;
  free(): void;
}

export interface DecoderOptions {
  /** Name of the npm package; its version becomes part of the dataset's identity */
  package: string;
  /** Kind of recording, for messages */
  what: string;
  create(): Promise<StreamDecoder>;
  /** Whether samples are integers, which the decoder divides by the largest integer rather than by full scale */
  exact?: boolean;
  /** Checks each piece of the recording before it is decoded. */
  watch?(bytes: Uint8Array): void;
  /**
   * Checks the whole recording at its end.
   * @param frames decoded samples per channel
   * @throws CryfoldError WAV_INVALID
   */
  end?(frames: number): void;
}

/** Number of bytes to pass to a decoder at a time. */
const PIECE = 2 ** 16;

const HINT = 'Copy or encode it again, or pass --skip-bad to leave such files out.';

/**
 * Returns the name and version of an installed package. In all decoder packages, package.json is in the folder of the
 * entry point.
 */
function versionOf(name: string): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.resolve(name)), 'utf8'));
  return `${name} ${version}`;
}

/**
 * Decodes a recording with a WebAssembly decoder, piece by piece.
 * @throws CryfoldError WAV_INVALID if the recording is damaged
 */
export async function openDecoded(reader: ByteReader, name: string, options: DecoderOptions): Promise<OpenAudio> {
  const pieces = decodePieces(reader, name, options);
  // The sampling rate is known only after the first samples have been decoded.
  const first = await pieces.next();
  if (first.done) throw invalid(name, `contains no ${options.what} sound`, HINT);
  const { sampleRate: rate, channelData, bitDepth } = first.value;
  return {
    ...{ rate, channels: channelData.length, decoder: versionOf(options.package) },
    ...(options.exact && bitDepth ? { bits: bitDepth } : {}),
    blocks: mixed(name, first.value, { pieces, exact: options.exact ?? false }),
    close: async () => void (await pieces.return(undefined)),
  };
}

async function* mixed(
  name: string,
  first: DecodedPiece,
  { pieces, exact }: { pieces: AsyncGenerator<DecodedPiece>; exact: boolean },
): AsyncGenerator<Float64Array> {
  yield mixDown(first, exact);
  for await (const piece of pieces) {
    if (piece.sampleRate !== first.sampleRate) {
      throw invalid(name, `its rate changes from ${first.sampleRate} to ${piece.sampleRate} Hz`, HINT);
    }
    yield mixDown(piece, exact);
  }
}

function mixDown({ channelData, samplesDecoded, bitDepth = 0 }: DecodedPiece, exact: boolean): Float64Array {
  const samples = new Float64Array(samplesDecoded);
  const full = 2 ** (bitDepth - 1);
  for (let i = 0; i < samplesDecoded; i++) {
    let sum = 0;
    for (const channel of channelData) sum += exact ? Math.round(channel[i] * (full - 1)) / full : channel[i];
    samples[i] = sum / channelData.length;
  }
  return samples;
}

/** Yields all decoded pieces that contain samples. */
async function* decodePieces(reader: ByteReader, name: string, options: DecoderOptions): AsyncGenerator<DecodedPiece> {
  const damaged = (why: string) => invalid(name, `damaged ${options.what}: ${why}`, HINT);
  const decoder = await options.create();
  await decoder.ready;
  let frames = 0;
  const checked = (piece: DecodedPiece): DecodedPiece => {
    if (piece.errors.length > 0) throw damaged(piece.errors[0].message);
    frames += piece.samplesDecoded;
    return piece;
  };
  const decode = async (work: () => DecodedPiece | Promise<DecodedPiece>) => {
    try {
      return await work();
    } catch (error) {
      throw damaged((error as Error).message);
    }
  };
  try {
    for (let bytes = await reader.take(PIECE); bytes.length > 0; bytes = await reader.take(PIECE)) {
      options.watch?.(bytes);
      // Decoders keep references to their input.
      const piece = checked(await decode(() => decoder.decode(Uint8Array.from(bytes))));
      if (piece.samplesDecoded > 0) yield piece;
    }
    if (decoder.flush) {
      const piece = checked(await decode(() => decoder.flush?.() as Promise<DecodedPiece>));
      if (piece.samplesDecoded > 0) yield piece;
    }
    options.end?.(frames);
  } finally {
    decoder.free();
  }
}
