import { AsyncLocalStorage } from 'node:async_hooks';
import type { Stats } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Recorded } from './registry.js';

/** Maximum number of bytes of samples to keep, and the maximum share of the temporary folder's free space to use. */
const MOST = 8 * 2 ** 30;
const SHARE_OF_FREE = 0.5;

const scope = new AsyncLocalStorage<KeptSamples>();

/** The samples decoded so far within `decodingOnce`; undefined outside of it. */
export const keptSamples = (): KeptSamples | undefined => scope.getStore();

/**
 * Runs work that may read recordings several times, and decodes each recording only once. Decoded samples are kept in
 * an unnamed temporary file, which disappears when the work finishes or the process exits. Each sample takes 4 or 8
 * bytes. Recordings that exceed the available space (8 GiB, or half of the free space) are decoded every time they are
 * read, and files that have changed are decoded again.
 * @param most maximum bytes to keep
 */
export async function decodingOnce<T>(work: () => Promise<T>, most = MOST): Promise<T> {
  if (scope.getStore()) return work();
  const kept = new KeptSamples(most);
  return scope.run(kept, work).finally(() => kept.close());
}

interface Piece {
  at: number;
  samples: number;
  /** Bytes per sample: 4 if that is lossless, otherwise 8 */
  width: 4 | 8;
}

interface KeptRecording {
  /** Properties of the recording other than its samples */
  audio: Omit<Recorded, 'blocks' | 'close'>;
  version: string;
  pieces: Piece[];
}

class KeptSamples {
  readonly #recordings = new Map<string, KeptRecording>();
  readonly #most: number;
  #file: Promise<FileHandle | undefined> | undefined;
  #left: number;
  #end = 0;

  constructor(most: number) {
    this.#most = most;
    this.#left = most;
  }

  /** Returns a recording that was read completely before, if it has not changed since. */
  find(path: string, entry: Stats): Recorded | undefined {
    const kept = this.#recordings.get(path);
    if (kept?.version !== versionOf(entry)) return undefined;
    return { ...kept.audio, blocks: this.#read(kept.pieces) };
  }

  /** Wraps a recording so that its samples are kept while they are read, if they come from a decoder. */
  keeping(path: string, entry: Stats, audio: Recorded): Recorded {
    // Formats that cryfold reads natively need no decoding and are read from the original file every time.
    if (audio.decoder === undefined || audio.decoder.startsWith('cryfold ')) return audio;
    const { blocks, close: _close, ...facts } = audio;
    return { ...audio, blocks: this.#keep(path, blocks, { audio: facts, version: versionOf(entry), pieces: [] }) };
  }

  async close(): Promise<void> {
    await (await this.#file)?.close();
  }

  async *#keep(path: string, blocks: AsyncIterable<Float64Array>, recording: KeptRecording) {
    let fits = true;
    for await (const samples of blocks) {
      fits &&= await this.#write(samples, recording.pieces);
      yield samples;
    }
    if (fits) this.#recordings.set(path, recording);
  }

  /** @returns whether there was enough space */
  async #write(samples: Float64Array, pieces: Piece[]): Promise<boolean> {
    this.#file ??= this.#open();
    const file = await this.#file;
    const narrow = Float32Array.from(samples);
    const width = narrow.every((sample, i) => sample === samples[i]) ? 4 : 8;
    const array = width === 4 ? narrow : samples;
    if (!file || array.byteLength > this.#left) return false;
    const at = this.#end;
    this.#end += array.byteLength;
    this.#left -= array.byteLength;
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    const { bytesWritten } = await file.write(bytes, 0, bytes.length, at).catch(() => ({ bytesWritten: 0 }));
    pieces.push({ at, samples: samples.length, width });
    const fits = bytesWritten === bytes.length;
    // The disk is full.
    if (!fits) this.#left = 0;
    return fits;
  }

  async *#read(pieces: readonly Piece[]): AsyncGenerator<Float64Array> {
    const file = await this.#file;
    for (const { at, samples, width } of pieces) {
      const bytes = new Uint8Array(samples * width);
      await file?.read(bytes, 0, bytes.length, at);
      yield width === 8 ? new Float64Array(bytes.buffer) : Float64Array.from(new Float32Array(bytes.buffer));
    }
  }

  /** Returns undefined if no file can be written. Recordings are then decoded each time they are read. */
  async #open(): Promise<FileHandle | undefined> {
    try {
      const folder = await mkdtemp(join(tmpdir(), 'cryfold-decoded-'));
      try {
        const { bavail, bsize } = await statfs(folder);
        this.#left = Math.min(this.#most, SHARE_OF_FREE * bavail * bsize);
        return await open(join(folder, 'samples'), 'wx+', 0o600);
      } finally {
        // The file has no name and exists only while it is open, so nothing is left behind, no matter how the process
        // exits.
        await rm(folder, { recursive: true, force: true });
      }
    } catch {
      return undefined;
    }
  }
}

const versionOf = ({ ino, size, mtimeMs }: Stats) => `${ino} ${size} ${mtimeMs}`;
