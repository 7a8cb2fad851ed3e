import { CryfoldError } from '@cryfold/core';
import {
  BLOCK_COLUMNS,
  BLOCK_ROWS,
  copyBlock,
  type DotTile,
  type ImageRows,
  plainTile,
  simdTile,
  TILE_ROWS,
} from './dot-tile.js';

/** Squared Euclidean distances between the rows of an image matrix, in units of one grey level squared. */
export interface DistanceMatrix {
  rows: number;
  /** Number of columns of the images that were compared */
  columns: number;
  /** rows x rows, symmetric, exact integers. Int32Array if columns * 255^2 < 2^31, otherwise Float64Array. */
  data: Int32Array | Float64Array;
}

/**
 * Sums over the pixels of each image, which are needed for gamma 'scale' and for the norms in kernels other than rbf.
 * Exact integers.
 */
export interface PixelMoments {
  /** One element per row: the sum of its pixels, each 0-255 */
  sum: Float64Array;
  /** One element per row: the sum of its squared pixels */
  sumSquares: Float64Array;
}

/** Throws unless the number of bytes equals rows x columns. */
function checkShape(images: Uint8Array, rows: number, columns: number): void {
  if (rows > 0 && columns > 0 && images.length === rows * columns) return;
  throw new CryfoldError('NPY_INVALID', `${images.length} pixels do not form ${rows} images of ${columns}`, {
    context: { pixels: images.length, rows, columns },
    hint: 'Delete the images artifact and run the command again.',
  });
}

/**
 * Computes the exact distances between all pairs of rows. A matrix of 2,268 x 16,200 takes 1-2 s on one core.
 * @param images rows x columns, C order
 * @param known the matrix of the first `known.rows` images, which is copied, so that only the later rows are computed
 * @throws CryfoldError NPY_INVALID if the shapes do not match
 */
export function squaredDistances(
  images: Uint8Array,
  rows: number,
  columns: number,
  known?: DistanceMatrix,
): DistanceMatrix {
  checkShape(images, rows, columns);
  return distancesWith(simdTile(rows) ?? plainTile(rows), { pixels: images, columns }, known);
}

/** Like `squaredDistances`, but uses a given tile, which must have room for all images. */
export function distancesWith(tile: DotTile, images: ImageRows, known?: DistanceMatrix): DistanceMatrix {
  const { pixels, columns } = images;
  const rows = pixels.length / columns;
  const done = known?.rows ?? 0;
  if (known && (known.columns !== columns || done > rows || known.data.length !== done * done)) {
    throw new CryfoldError('NPY_INVALID', `distances of ${done} x ${known.columns} cannot be extended to ${rows}`, {
      context: { rows, columns },
      hint: 'Delete the distances artifact and run the command again.',
    });
  }
  const size = rows * rows;
  const data = columns * 255 ** 2 < 2 ** 31 ? new Int32Array(size) : new Float64Array(size);
  addDotProducts(tile, images, done, data);
  const norms = pixelMoments(pixels, rows, columns).sumSquares;
  for (let i = 0; i < rows; i++) {
    const start = i * rows;
    if (known && i < done) data.set(known.data.subarray(i * done, i * done + done), start);
    else for (let j = 0; j < i; j++) data[start + j] = norms[i] + norms[j] - 2 * data[start + j];
    data[start + i] = 0;
  }
  mirror(data, rows, rows);
  return { rows, columns, data };
}

/** Copies the lower triangle of a square matrix to the upper one. */
export function mirror(matrix: Int32Array | Float64Array, rows: number, stride: number): void {
  // Works in squares of 64 x 64, because going row by row would miss the cache at every element.
  for (let i0 = 0; i0 < rows; i0 += 64) {
    for (let j0 = i0; j0 < rows; j0 += 64) {
      for (let i = i0; i < Math.min(i0 + 64, rows); i++) {
        for (let j = Math.max(j0, i + 1); j < Math.min(j0 + 64, rows); j++) {
          matrix[i * stride + j] = matrix[j * stride + i];
        }
      }
    }
  }
}

/**
 * Adds the dot products of the images to the lower triangle, starting at row `first`.
 * @param data images x images
 */
function addDotProducts(tile: DotTile, images: ImageRows, first: number, data: Int32Array | Float64Array): void {
  const { out } = tile;
  const { columns } = images;
  const rows = images.pixels.length / columns;
  for (let block = 0; block * BLOCK_COLUMNS < columns; block++) {
    const width = copyBlock(images, block, tile.right, 0);
    for (let right = 0; right < rows; right += BLOCK_ROWS) {
      const start = Math.max(right, first - (first % TILE_ROWS));
      for (let left = start; left < rows; left += TILE_ROWS) {
        tile.run(left, right, Math.min(BLOCK_ROWS, left + TILE_ROWS - right), width);
        for (let i = Math.max(left, first); i < Math.min(left + TILE_ROWS, rows); i++) {
          const last = Math.min(i, right + BLOCK_ROWS - 1);
          for (let j = right; j <= last; j++) data[i * rows + j] += out[(j - right) * TILE_ROWS + i - left];
        }
      }
    }
  }
}

/** @throws CryfoldError NPY_INVALID if the shape does not match */
export function pixelMoments(images: Uint8Array, rows: number, columns: number): PixelMoments {
  checkShape(images, rows, columns);
  const moments = { sum: new Float64Array(rows), sumSquares: new Float64Array(rows) };
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    let squares = 0;
    for (let k = i * columns; k < (i + 1) * columns; k++) {
      sum += images[k];
      squares += images[k] * images[k];
    }
    moments.sum[i] = sum;
    moments.sumSquares[i] = squares;
  }
  return moments;
}
