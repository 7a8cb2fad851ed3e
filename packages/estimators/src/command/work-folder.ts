import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeNpy } from '@cryfold/core';
import type { FeatureArray } from '../engine.js';
import { type DecodedOutput, decodeOutput } from './output.js';
import type { Command, TRAINED } from './parameters.js';

/** Version of the folder's layout, which a program may check. */
const PROTOCOL = 1;

/** `fold.json`: everything in the folder other than arrays. */
export interface Description {
  classes: readonly string[];
  parameters: Command['parameters'];
  seed: number;
  threads: number;
  /** Number of rows in the arrays that the program gets */
  train?: number;
  test?: number;
  /** Shape of one row of the features */
  shape: readonly number[];
  /** File that the program must write: [test, classes] */
  output?: string;
  /** Folder for trained files, if one program trains and another predicts */
  model?: typeof TRAINED;
}

export async function writeDescription(folder: string, description: Description): Promise<void> {
  const text = JSON.stringify({ protocol: PROTOCOL, ...description }, null, 2);
  await writeFile(join(folder, 'fold.json'), `${text}\n`);
}

/** Writes the files that a program needs. All of them are executable, since each may be a program. */
export async function writeFiles(folder: string, files: Iterable<readonly [string, Uint8Array]>): Promise<void> {
  for (const [name, bytes] of files) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes, { mode: 0o755 });
  }
}

/** Writes the feature rows of the given clips, in the order of `clips`. */
export async function writeRows(path: string, { data, shape }: FeatureArray, clips: Int32Array): Promise<void> {
  const length = data.length / shape[0];
  const rows =
    data instanceof Uint8Array ? new Uint8Array(clips.length * length) : new Float32Array(clips.length * length);
  clips.forEach((clip, row) => {
    rows.set(data.subarray(clip * length, (clip + 1) * length), row * length);
  });
  await writeFile(path, encodeNpy(rows, [clips.length, ...shape.slice(1)]));
}

/**
 * Reads the predictions of a program.
 * @param size expected shape of the array: test rows x classes
 * @throws CryfoldError COMMAND_OUTPUT_INVALID
 */
export async function readOutput(
  folder: string,
  kind: Command['output'],
  size: { rows: number; columns: number },
): Promise<DecodedOutput> {
  const name = outputFile(kind);
  // Larger files are not read: a file of more than twice the size of a float64 array of this shape cannot be such an
  // array.
  const bytes = await readBounded(join(folder, name), 2 ** 16 + 16 * size.rows * size.columns);
  return decodeOutput(bytes, { ...size, kind, name });
}

export const outputFile = (kind: Command['output']): string => `${kind}.npy`;

async function readBounded(path: string, limit: number): Promise<Uint8Array | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  return found.size <= limit ? readFile(path) : new Uint8Array();
}
