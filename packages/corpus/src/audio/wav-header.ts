import { CONVERT, invalid, startsWith } from './audio-format.js';
import { Fields, type HeaderParser } from './bytes.js';
import type { Layout } from './pcm.js';
import { layoutOf } from './wav-coding.js';

/** The kind of container that contains the chunks. */
interface Container {
  little: boolean;
  /** Number of bytes of a chunk's name, and also of its size field */
  id: 4 | 16;
  /** Chunks start at multiples of this number of bytes */
  align: 2 | 8;
}

const RIFF: Container = { little: true, id: 4, align: 2 };
const CONTAINERS: Readonly<Record<string, Container>> = {
  RIFF,
  RIFX: { ...RIFF, little: false },
  RF64: RIFF,
  BW64: RIFF,
  riff: { little: true, id: 16, align: 8 },
};
/**
 * Sony's Wave64 identifies the file and its chunks by GUIDs, which consist of four letters and one of these two
 * endings.
 */
const W64_FILE = '2e91cf11a5d628db04c10000';
const W64_CHUNK = 'f3acd3118cd100c04f8edb8a';

/** Maximum size in bytes of a chunk that is read into memory. */
const LARGEST_FORMAT = 4096;
/**
 * If the file has less data than its header declares, a size of at least this value means "unknown": sox and arecord
 * write values just below 2^31.
 */
const STREAMED = 0x7fff_0000;
const UNKNOWN_RF64 = 0xffff_ffff;

interface Chunk {
  kind: string;
  /** Size of the chunk's content, which follows its header */
  size: number;
}

/** The chunks that were found so far. */
interface Found {
  layout?: Omit<Layout, 'bytes'>;
  /** Samples per channel, from the fact chunk */
  frames?: number;
  /** Size of the samples in bytes, from the ds64 chunk */
  dataBytes?: number;
}

/**
 * Reads the header of a RIFF, RIFX, RF64, BW64 or Wave64 file up to its samples. Sources: Microsoft/IBM, "Multimedia
 * Programming Interface and Data Specifications 1.0" (1991); Microsoft's WAVEFORMATEXTENSIBLE; EBU Tech 3306; Sony's
 * Wave64.
 * @param present size of the file in bytes, if known
 * @throws CryfoldError WAV_INVALID; UnknownCoding
 */
export function* wavHeader(name: string, present?: number): HeaderParser<Layout> {
  const { container, total } = yield* fileHeader(name);
  const found: Found = {};
  let position = container.id === 16 ? 40 : 12;
  for (;;) {
    const chunk = yield* chunkHeader(container);
    if (!chunk) throw invalid(name, 'truncated before its data chunk', CONVERT.truncated);
    const { kind, size } = chunk;
    position += container.id === 16 ? 24 : 8;
    if (kind === 'data') {
      if (!found.layout) throw invalid(name, 'the data chunk comes before any fmt chunk');
      const bytes = dataBytes(found, { size, total, position, present });
      const frames = found.frames !== undefined && blockwise(found.layout) ? found.frames : undefined;
      return {
        ...found.layout,
        ...(bytes === undefined ? {} : { bytes }),
        ...(frames === undefined ? {} : { frames }),
      };
    }
    const read = Math.min(size, kind === 'fmt ' || kind === 'ds64' || kind === 'fact' ? LARGEST_FORMAT : 0);
    const body = yield { take: read };
    if (body.length < read) throw invalid(name, `truncated within its chunk ${kind}`, CONVERT.truncated);
    const fields = new Fields(body, container.little);
    if (kind === 'fmt ') found.layout = layoutOf(fields, name);
    if (kind === 'fact' && body.length >= 4 && fields.u32(0) > 0) found.frames = fields.u32(0);
    if (kind === 'ds64' && body.length >= 16) found.dataBytes = fields.u64(8);
    yield { skip: size - read };
    position += size + (yield* padding(container, position + size));
  }
}

function* fileHeader(name: string): HeaderParser<{ container: Container; total: number }> {
  const head = yield { take: 12 };
  if (head.length < 12) throw invalid(name, `not a WAV file: only ${head.length} bytes`);
  const fields = new Fields(head, true);
  const container = CONTAINERS[fields.text(0)];
  if (!container) throw invalid(name, 'not a WAV file: no RIFF header');
  if (container.id === 16) {
    // A Wave64 file starts with a GUID of 16 bytes, of which `head` contains the first 12.
    const rest = yield { take: 28 };
    if (rest.length < 28 || !startsWith(rest, 'wave', 12)) throw invalid(name, 'not a Wave64 file');
    return { container, total: new Fields(rest, true).u64(4) };
  }
  if (fields.text(8) !== 'WAVE') throw invalid(name, 'not a WAV file: the RIFF form is not WAVE');
  return { container, total: new Fields(head, container.little).u32(4) + 8 };
}

function* chunkHeader({ id, little }: Container): HeaderParser<Chunk | undefined> {
  const length = id === 16 ? 24 : 8;
  const head = yield { take: length };
  if (head.length < length) return undefined;
  const fields = new Fields(head, little);
  if (id === 4) return { kind: fields.text(0), size: fields.u32(4) };
  const known = Buffer.from(head.subarray(4, 16)).toString('hex') === W64_CHUNK;
  return { kind: known ? fields.text(0) : '', size: Math.max(0, fields.u64(16) - 24) };
}

/** Skips the padding after a chunk of odd size, which some writers omit. @returns the number of skipped bytes */
function* padding({ align }: Container, end: number): HeaderParser<number> {
  const bytes = (align - (end % align)) % align;
  if (bytes === 0) return 0;
  if (align === 2) {
    const next = yield { peek: 4 };
    if (['data', 'fmt ', 'fact', 'LIST'].some((kind) => startsWith(next, kind))) return 0;
  }
  yield { skip: bytes };
  return bytes;
}

/**
 * Returns the size of the data chunk in bytes. Returns undefined if the writer did not know the size; the data then
 * continues to the end of the file.
 */
function dataBytes(
  found: Found,
  { size, total, position, present }: { size: number; total: number; position: number; present: number | undefined },
): number | undefined {
  if (size === UNKNOWN_RF64 && found.dataBytes !== undefined && found.dataBytes > 0) return found.dataBytes;
  // A size of zero may mean that the header was written before the first sample.
  if (size === 0) return total > position && total < STREAMED ? 0 : undefined;
  if (size < STREAMED) return size;
  return present !== undefined && size <= present - position ? size : undefined;
}

function blockwise({ coding }: Pick<Layout, 'coding'>): boolean {
  return coding.block === true;
}

/** Whether a recording starts like a WAV file of any kind. */
export function isWav(head: Uint8Array): boolean {
  if (startsWith(head, 'riff')) return Buffer.from(head.subarray(4, 16)).toString('hex') === W64_FILE;
  return ['RIFF', 'RIFX', 'RF64', 'BW64'].some((kind) => startsWith(head, kind)) && startsWith(head, 'WAVE', 8);
}
