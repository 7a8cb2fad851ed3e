import { type ArtifactStore, readArtifact } from '@cryfold/artifacts';
import {
  CryfoldError,
  decodeNpy,
  decodeRecord,
  encodeNpy,
  encodeRecord,
  FORMATS,
  sha256,
  storeKeys,
} from '@cryfold/core';
import { type DistanceMatrix, type PixelMoments, pixelMoments, squaredDistances } from '@cryfold/svm';
import { z } from 'zod';
import { readImages } from './engine.js';

/** Which image each row of a Gram matrix is, so that a grown corpus can reuse it. */
const rowsSchema = z.strictObject({ format: z.literal(FORMATS.gram), images: z.array(z.string()) });

const latestSchema = z.strictObject({ format: z.literal(FORMATS.gram), features: z.string() });

export interface Gram {
  distances: DistanceMatrix;
  moments: PixelMoments;
  /** of the images */
  columns: number;
}

/**
 * Computes the exact squared distances of all images and stores them. Pairs of images that the Gram matrix written
 * last for images of this size has already are copied: a corpus that has grown costs only its new rows.
 * @returns how many rows were copied
 */
export async function writeGram(store: ArtifactStore, features: string): Promise<number> {
  const { shape, data } = await readImages(store, features);
  const [rows, height, width, channels] = shape;
  const columns = height * width * channels;
  const images = Array.from({ length: rows }, (_, i) => sha256(data.subarray(i * columns, (i + 1) * columns)));
  const known = await readKnown(store, columns, new Map(images.map((image, i) => [image, i])));
  const reused = known?.order.length ?? 0;
  const distances = known
    ? extend(data, rows, columns, known.order, known.distances)
    : squaredDistances(data, rows, columns);

  const { sum, sumSquares } = pixelMoments(data, rows, columns);
  const moments = Float64Array.from([...sum, ...sumSquares, columns]);
  await store.put(storeKeys.moments(features), encodeNpy(moments, [moments.length]));
  await store.put(storeKeys.gramRows(features), encodeRecord({ format: FORMATS.gram, images }));
  // After what belongs to it, since its presence says that all is there.
  await store.put(storeKeys.gram(features), encodeNpy(distances.data, [rows, rows]));
  await store.put(storeKeys.latestGram(columns), encodeRecord({ format: FORMATS.gram, features }));
  return reused;
}

/** What an earlier Gram matrix knows of these images: their rows here, in its order, and their distances. */
async function readKnown(store: ArtifactStore, columns: number, rowOf: ReadonlyMap<string, number>) {
  try {
    const pointer = await store.get(storeKeys.latestGram(columns));
    if (!pointer) return undefined;
    const { features } = decodeRecord(latestSchema, pointer, storeKeys.latestGram(columns));
    const rowsKey = storeKeys.gramRows(features);
    const { images } = decodeRecord(rowsSchema, await readArtifact(store, rowsKey), rowsKey);
    const { distances } = await readGram(store, features);
    if (distances.rows !== images.length) return undefined;
    // An image that stands twice in either corpus is computed again rather than told apart.
    const shared = images.flatMap((image, i) => (images.indexOf(image) === i && rowOf.has(image) ? [i] : []));
    if (shared.length === 0) return undefined;
    const data = distances.data.slice(0, shared.length ** 2);
    for (const [i, a] of shared.entries()) {
      for (const [j, b] of shared.entries()) data[i * shared.length + j] = distances.data[a * distances.rows + b];
    }
    return {
      order: shared.map((i) => rowOf.get(images[i]) ?? 0),
      distances: { rows: shared.length, columns, data },
    };
  } catch (error) {
    // Reuse is a saving, never a need: what was collected as garbage or is damaged is computed again.
    if (error instanceof CryfoldError && error.code !== 'STORE_UNREACHABLE') return undefined;
    throw error;
  }
}

/** Puts known rows first, lets the others be computed, and puts all back in the corpus's order. */
function extend(
  images: Uint8Array,
  rows: number,
  columns: number,
  order: readonly number[],
  known: DistanceMatrix,
): DistanceMatrix {
  const isKnown = new Set(order);
  const sequence = [...order, ...Array.from({ length: rows }, (_, i) => i).filter((i) => !isKnown.has(i))];
  const sorted = new Uint8Array(images.length);
  for (const [at, row] of sequence.entries()) {
    sorted.set(images.subarray(row * columns, (row + 1) * columns), at * columns);
  }
  const { data } = squaredDistances(sorted, rows, columns, known);
  const back = data.slice();
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < rows; j++) back[sequence[i] * rows + sequence[j]] = data[i * rows + j];
  }
  return { rows, columns, data: back };
}

export async function readGram(store: ArtifactStore, features: string): Promise<Gram> {
  const momentsKey = storeKeys.moments(features);
  const gramKey = storeKeys.gram(features);
  const moments = decodeNpy(await readArtifact(store, momentsKey), '<f8', 1, momentsKey).data;
  const bytes = await readArtifact(store, gramKey);
  const rows = (moments.length - 1) / 2;
  const columns = moments[2 * rows];
  // Distances are exact integers: 32 bits where they fit, else float64 (see squaredDistances).
  const { data } = decodeNpy(bytes, columns * 255 ** 2 < 2 ** 31 ? '<i4' : '<f8', 2, gramKey);
  return {
    distances: { rows, columns, data },
    moments: { sum: moments.subarray(0, rows), sumSquares: moments.subarray(rows, 2 * rows) },
    columns,
  };
}
