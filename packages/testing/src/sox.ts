import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inflateSync } from 'node:zlib';

/** Why a test must be skipped, or false if sox is installed. */
export const soxMissing =
  spawnSync('sox', ['--version']).status === 0 ? false : 'sox is not installed (Debian: apt-get install sox)';

export interface Picture {
  width: number;
  height: number;
  /** palette index of each pixel, row-major */
  indices: Uint8Array;
  /** RGB per palette index */
  palette: Uint8Array;
}

/** Decodes the only kind of PNG that sox writes: 8-bit palette, not interlaced, no row filters. */
export function decodePng(bytes: Buffer): Picture {
  const chunks = new Map<string, Buffer[]>();
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const type = bytes.toString('latin1', at + 4, at + 8);
    chunks.set(type, [...(chunks.get(type) ?? []), bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at))]);
  }
  const header = chunks.get('IHDR')?.[0] as Buffer;
  const width = header.readUInt32BE(0);
  const height = header.readUInt32BE(4);
  assert.deepEqual([...header.subarray(8)], [8, 3, 0, 0, 0], 'an 8-bit palette PNG that is not interlaced');
  const rows = inflateSync(Buffer.concat(chunks.get('IDAT') ?? []));
  const indices = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const at = row * (width + 1);
    assert.equal(rows[at], 0, 'no row filter');
    indices.set(rows.subarray(at + 1, at + 1 + width), row * width);
  }
  return { width, height, indices, palette: new Uint8Array(chunks.get('PLTE')?.[0] as Buffer) };
}

/** Runs `work` with a directory for sox's files, and then removes the directory. */
export async function withScratch<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'cryfold-sox-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Runs sox. Ignores sox's warnings, for example about clipping. */
export async function sox(...args: string[]): Promise<void> {
  await promisify(execFile)('sox', args);
}

/**
 * Returns sox's raw spectrogram of a WAV file, without the four fixed colours that precede its colour scale.
 * @param options options of sox's spectrogram, such as `-z`, `80`
 */
export async function soxPicture(wav: string, ...options: string[]): Promise<Picture> {
  await sox(wav, '-n', 'spectrogram', '-r', ...options, '-o', `${wav}.png`);
  const picture = decodePng(await readFile(`${wav}.png`));
  return { ...picture, indices: picture.indices.map((index) => index - 4), palette: picture.palette.subarray(12) };
}

/** Like `soxPicture`, but for the bytes of a WAV file. */
export async function soxPictureOf(wav: Uint8Array, directory: string, name: string): Promise<Picture> {
  const path = join(directory, `${name}.wav`);
  await writeFile(path, wav);
  return soxPicture(path);
}
