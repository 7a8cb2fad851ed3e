import { CryfoldError, decodeNpy, decodeNpyHeader, type NpyType, readRegularFile } from '@cryfold/core';
import type { GivenClips } from '../kinds/feature-kind.js';
import { invalidVectors, type VectorRow } from './problems.js';
import { readIds } from './read-ids.js';

/**
 * Maximum size in bytes of a file of vectors, and of all clips' vectors together. The API has the same limit for a
 * feature set.
 */
const LARGEST = 512 * 2 ** 20;

/** Maximum length of a vector */
const MOST_COLUMNS = 65_536;

/** Absolute paths of the files that contain the vectors and their ids. */
export interface VectorFiles {
  /** npy, float32 or float64, [rows, columns] */
  file: string;
  /** CSV with the ids, one line for each row of `file` */
  clips: string;
}

export interface Vectors {
  rows: number;
  columns: number;
  data: Float32Array;
}

/**
 * Reads vectors and sorts them in the order of the clips. The vector of a recording is used for all of its clips.
 * @returns clips x columns
 * @throws CryfoldError FEATURES_INVALID with the file, the row and the id
 */
export async function readVectors(files: VectorFiles, known: GivenClips): Promise<Vectors> {
  const vectors = await readArray(files.file);
  const ids = await readIds(files.clips);
  if (ids.rows.length !== vectors.rows) {
    throw invalidVectors(
      `${files.clips}: ${ids.rows.length} ids, but ${files.file} has ${vectors.rows} rows`,
      'List one clip or recording for each row, in the order of the rows.',
      { file: files.clips, ids: ids.rows.length, rows: vectors.rows },
    );
  }
  const rowOf = rowsByName(ids.rows, files.clips);
  const named = ids.by === 'clip' ? (id: string) => id : recordingOf;
  refuseUnknown(ids.rows, files.clips, new Set([...known.ids, ...known.leftOut].map(named)), known.skipped);
  const missing = known.ids.filter((id) => !rowOf.has(named(id)));
  if (missing.length > 0) {
    throw invalidVectors(
      `${files.clips}: no row for ${missing.length} of ${known.ids.length} clips; the first: ${missing[0]}`,
      ids.by === 'clip'
        ? 'Add a row for each clip, or list recordings in a column called recording.'
        : 'Add a row for each recording, by its path in the data.',
      { file: files.clips, missing: missing.length, clip: missing[0] },
    );
  }
  const { columns } = vectors;
  checkSize(known.ids.length, columns, files.file);
  const data = new Float32Array(known.ids.length * columns);
  for (const [i, id] of known.ids.entries()) {
    const row = rowOf.get(named(id)) ?? 0;
    data.set(vectors.data.subarray(row * columns, (row + 1) * columns), i * columns);
  }
  return { rows: known.ids.length, columns, data };
}

/**
 * Checks the total size, because the vector of a recording is copied for each clip.
 * @throws CryfoldError FEATURES_INVALID before memory is allocated for the copies
 */
function checkSize(clips: number, columns: number, file: string): void {
  const bytes = clips * columns * Float32Array.BYTES_PER_ELEMENT;
  // `<` rather than `<=`, because the file's header takes some space as well.
  if (bytes < LARGEST) return;
  const [size, limit] = [Math.round(bytes / 2 ** 20), LARGEST / 2 ** 20];
  throw invalidVectors(
    `${file}: ${clips} clips with ${columns} numbers each need ${size} MiB; the limit is ${limit} MiB`,
    'Use shorter vectors, such as their principal components, or fewer clips with a longer clipSeconds.',
    { file, clips, columns },
  );
}

/** Returns the recording of a clip, which is the clip's id without the segment number. */
const recordingOf = (id: string): string => id.slice(0, id.lastIndexOf('#'));

/** @throws CryfoldError FEATURES_INVALID for a repeated id */
function rowsByName(rows: readonly VectorRow[], file: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [row, { id, line }] of rows.entries()) {
    const first = found.get(id);
    if (first !== undefined) {
      throw invalidVectors(
        `${file}:${line}: ${id} is also on line ${rows[first].line}`,
        'Remove one of the rows from both files: a clip or recording can have only one vector.',
        { file, line, id },
      );
    }
    found.set(id, row);
  }
  return found;
}

/**
 * Rejects unknown ids, but allows ids of clips that the run leaves out.
 * @throws CryfoldError FEATURES_INVALID for unknown ids
 */
function refuseUnknown(
  rows: readonly VectorRow[],
  file: string,
  known: ReadonlySet<string>,
  skipped: ReadonlySet<string>,
): void {
  const unknown = rows.filter(({ id }) => !known.has(id) && !skipped.has(id) && !skipped.has(recordingOf(id)));
  if (unknown.length === 0) return;
  const [{ id, line }] = unknown;
  const [example] = known;
  const others = unknown.length === 1 ? '' : ` (and ${unknown.length - 1} more)`;
  throw invalidVectors(
    `${file}:${line}: the data has no ${id}${others}`,
    `Use the ids of the data, such as ${example}, or remove these rows in both files.`,
    { file, line, id, unknown: unknown.length },
  );
}

/** @throws CryfoldError FEATURES_INVALID */
async function readArray(path: string): Promise<Vectors> {
  const save = 'In Python: numpy.save(file, numpy.ascontiguousarray(vectors, dtype="float32")), one row per id.';
  const fail = (why: string, cause?: unknown) => invalidVectors(`${path}: ${why}`, save, { file: path }, cause);
  const bytes = await readRegularFile(path, LARGEST).catch((cause) => {
    throw invalidVectors(
      `${path}: ${cause.message}`,
      'Paths are relative to the folder of the spec. Specify an existing file.',
      { file: path },
      cause,
    );
  });
  let array: { shape: number[]; data: Float32Array | Float64Array };
  try {
    array = decodeNpy(bytes, elementsOf(bytes), 2, path);
  } catch (cause) {
    if (!(cause instanceof CryfoldError)) throw cause;
    throw fail(cause.message.replace(`${path}: `, ''), cause);
  }
  const [rows, columns] = array.shape;
  if (rows === 0 || columns === 0 || columns > MOST_COLUMNS) {
    throw fail(`its shape is (${rows}, ${columns}); it needs at least one row and 1 to ${MOST_COLUMNS} columns`);
  }
  const data = Float32Array.from(array.data);
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const [row, column] = [Math.floor(bad / columns), bad % columns];
    throw invalidVectors(
      `${path}: row ${row}, column ${column} is ${array.data[bad]}, not a finite float32 number`,
      'Correct the program that computes the vectors, or remove this row from both files.',
      { file: path, row, column },
    );
  }
  return { rows, columns, data };
}

/** Returns float64 if the file contains float64; otherwise returns float32, so that reading any other type fails. */
function elementsOf(bytes: Uint8Array): NpyType & ('<f4' | '<f8') {
  try {
    return decodeNpyHeader(bytes, '<f8', 2, '').type as '<f8';
  } catch {
    return '<f4';
  }
}
