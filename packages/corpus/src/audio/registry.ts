import { aiff } from './aiff.js';
import { au } from './au.js';
import { type AudioFormat, invalid, type OpenAudio, startsWith } from './audio-format.js';
import type { ByteReader } from './bytes.js';
import { caf } from './caf.js';
import { flac } from './flac.js';
import { mp3 } from './mp3.js';
import { oggFlac, oggOpus, oggVorbis } from './ogg.js';
import { aac, amr, mp4, webm, wma } from './others.js';
import { SampleCheck } from './pcm.js';
import { wav } from './wav.js';

/** Every audio format. To add a format, write a file for it and add it here. */
const FORMATS: readonly AudioFormat[] = [
  wav,
  flac,
  oggVorbis,
  oggOpus,
  oggFlac,
  mp3,
  aiff,
  caf,
  au,
  mp4,
  webm,
  aac,
  amr,
  wma,
];

/** Number of bytes that are enough to identify a format. */
const HEAD = 64;

const byEnding = new Map(FORMATS.flatMap((format) => format.endings.map((ending) => [ending, format] as const)));

/** Returns the extension of a file name in lower case, or an empty string. */
export function endingOf(file: string): string {
  return /\.([^./]+)$/.exec(file)?.[1].toLowerCase() ?? '';
}

/** Whether a file is a recording, judged by its name. */
export function isAudioName(file: string): boolean {
  return byEnding.has(endingOf(file));
}

/** An open recording, with the format of its content. */
export interface Recorded extends OpenAudio {
  format: string;
  /** The largest absolute sample so far */
  peak(): number;
}

/**
 * Opens a recording of any format. The first bytes identify the format. The samples are checked while they are read.
 * @param name shown in messages
 * @throws CryfoldError WAV_INVALID, DECODER_MISSING; while the samples are read, also WAV_EMPTY, WAV_NOT_FINITE,
 * WAV_SCALE
 */
export async function openAudio(reader: ByteReader, name: string): Promise<Recorded> {
  const head = await reader.peek(HEAD);
  const format = FORMATS.find(({ sniff }) => sniff(head));
  if (!format) throw unknown(head, name);
  const audio = await format.open(reader, name);
  const check = new SampleCheck(name);
  return { ...audio, format: format.name, blocks: checked(audio.blocks, check), peak: () => check.peak };
}

async function* checked(blocks: AsyncIterable<Float64Array>, check: SampleCheck): AsyncGenerator<Float64Array> {
  for await (const samples of blocks) {
    check.add(samples);
    yield samples;
  }
  check.end();
}

/** Creates the error for a file whose first bytes match no format. */
function unknown(head: Uint8Array, name: string) {
  if (head.length === 0) return invalid(name, 'not a recording: the file is empty', REPLACE);
  if (startsWith(head, 'version https://git-lfs')) {
    return invalid(name, 'not a recording but a Git LFS pointer', 'Download the file itself: git lfs pull');
  }
  const text = head.every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte < 127));
  const why = text ? 'it is text' : 'its first bytes do not match a supported audio format';
  return invalid(name, `not a recording: ${why}`, REPLACE);
}

const REPLACE = 'Replace it with a recording (WAV, FLAC, Ogg, Opus, MP3, AIFF, CAF, ...) or remove it.';

/** Returns the actual format and the extension of a recording if the extension is misleading. */
export function misnamed(file: string, format: string): { format: string; ending: string } | undefined {
  const ending = endingOf(file);
  const named = byEnding.get(ending);
  // Related formats share extensions: .ogg files often contain Opus or FLAC.
  if (!named || named.name === format || (format.startsWith('Ogg') && named.name.startsWith('Ogg'))) return undefined;
  return { format, ending };
}
