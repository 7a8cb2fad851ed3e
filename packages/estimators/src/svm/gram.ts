import { CryfoldError, decodeNpy, decodeRecord, encodeNpy, encodeRecord, FORMATS, sha256 } from '@cryfold/core';
import { type DistanceMatrix, type PixelMoments, pixelMoments, squaredDistances } from '@cryfold/svm';
import { z } from 'zod';
import { type Artifacts, type FeatureArray, readArtifact as read, type TrainingData } from '../engine.js';
import { gramKeys } from './gram-keys.js';

/** Returns the key of the record that identifies the feature set of the newest Gram matrix for images of this size. */
const latestKey = (columns: number) => `features/latest-gram-${columns}.json`;

/** Identifies the image of each row of a Gram matrix, so that a larger version of the corpus can reuse the rows. */
const rowsSchema = z.strictObject({ format: z.literal(FORMATS.gram), images: z.array(z.string()) });

const latestSchema = z.strictObject({ format: z.literal(FORMATS.gram), features: z.string() });

export interface Gram {
  distances: DistanceMatrix;
  /** Sums from which the mean and variance of the images can be computed */
  moments: PixelMoments;
  /** Number of values per image */
  columns: number;
}

/**
 * Computes the exact squared distances of all images and stores them. Distances between images that are already in the
 * newest Gram matrix for images of this size are copied, so if a corpus grows, only its new rows are computed.
 * @returns the number of rows that were copied
 */
export async function writeGram(artifacts: Artifacts, { featureKey, features }: TrainingData): Promise<number> {
  const array = await features();
  const data = imagesOf(array);
  const [rows, ...pixel] = array.shape;
  const columns = pixel.reduce((product, size) => product * size, 1);
  const images = Array.from({ length: rows }, (_, i) => sha256(data.subarray(i * columns, (i + 1) * columns)));
  const known = await readKnown(artifacts, columns, new Map(images.map((image, i) => [image, i])));
  const distances = known ? extend({ data, rows, columns }, known) : squaredDistances(data, rows, columns);

  const keys = gramKeys(featureKey);
  const { sum, sumSquares } = pixelMoments(data, rows, columns);
  const moments = Float64Array.from([...sum, ...sumSquares, columns]);
  await artifacts.put(keys.moments, encodeNpy(moments, [moments.length]));
  await artifacts.put(keys.rows, encodeRecord({ format: FORMATS.gram, images }));
  await artifacts.put(keys.gram, encodeNpy(distances.data, [rows, rows]));
  await artifacts.put(latestKey(columns), encodeRecord({ format: FORMATS.gram, features: featureKey }));
  return known?.order.length ?? 0;
}

export function imagesOf({ data, shape }: FeatureArray): Uint8Array {
  if (data instanceof Uint8Array) return data;
  throw new CryfoldError('JOB_INVALID', `an SVM reads images, not an array of ${shape.join(' x ')} floats`);
}

interface Images {
  data: Uint8Array;
  rows: number;
  columns: number;
}

/** The rows of a corpus whose distances are already known, in the order of the earlier matrix, and their distances. */
interface Known {
  order: readonly number[];
  distances: DistanceMatrix;
}

/** Reads the distances between these images from the newest Gram matrix. */
async function readKnown(
  artifacts: Artifacts,
  columns: number,
  rowOf: ReadonlyMap<string, number>,
): Promise<Known | undefined> {
  try {
    const pointer = await artifacts.get(latestKey(columns));
    if (!pointer) return undefined;
    const { features } = decodeRecord(latestSchema, pointer, latestKey(columns));
    const { rows } = gramKeys(features);
    const { images } = decodeRecord(rowsSchema, await read(artifacts, rows), rows);
    const { distances } = await readGram(artifacts, features);
    if (distances.rows !== images.length) return undefined;
    // The distances of an image that occurs twice in either corpus are recomputed.
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
    // Reusing distances only saves time, so deleted or damaged distances are simply recomputed.
    if (error instanceof CryfoldError && error.code !== 'STORE_UNREACHABLE') return undefined;
    throw error;
  }
}

/** Puts rows with known distances first, computes the other distances, and restores the order of the corpus. */
function extend({ data: images, rows, columns }: Images, { order, distances: known }: Known): DistanceMatrix {
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

/** @throws CryfoldError ARTIFACT_MISSING, NPY_INVALID */
export async function readGram(artifacts: Artifacts, featureKey: string): Promise<Gram> {
  const keys = gramKeys(featureKey);
  const moments = decodeNpy(await read(artifacts, keys.moments), '<f8', 1, keys.moments).data;
  const bytes = await read(artifacts, keys.gram);
  const rows = (moments.length - 1) / 2;
  const columns = moments[2 * rows];
  // Distances are exact integers. They are stored in 32 bits if they fit, otherwise as float64 (see squaredDistances).
  const { data } = decodeNpy(bytes, columns * 255 ** 2 < 2 ** 31 ? '<i4' : '<f8', 2, keys.gram);
  return {
    distances: { rows, columns, data },
    moments: { sum: moments.subarray(0, rows), sumSquares: moments.subarray(rows, 2 * rows) },
    columns,
  };
}
