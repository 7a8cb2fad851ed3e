import { CryfoldError, decodeNpy, encodeNpy } from '@cryfold/core';
import type { Rows } from './rows.js';

/** Encodes the files of a model that compares clips with training rows: rows.npy (u1 or f4) and factor.npy (f8). */
export function storedRowsFiles({ data, count, columns }: Rows, factor: Float64Array): [string, Uint8Array][] {
  return [
    ['rows.npy', encodeNpy(data, [count, columns])],
    ['factor.npy', encodeNpy(factor, [columns])],
  ];
}

/**
 * @param count expected number of rows
 * @throws CryfoldError NPY_INVALID, ARTIFACT_CORRUPT
 */
export function readStoredRows(
  file: (name: string) => Uint8Array,
  count: number,
): { rows: Rows; factor: Float64Array } {
  const bytes = file('rows.npy');
  const grey = new TextDecoder('latin1').decode(bytes.subarray(0, 32)).includes('|u1');
  const { shape, data } = grey ? decodeNpy(bytes, '|u1', 2, 'rows.npy') : decodeNpy(bytes, '<f4', 2, 'rows.npy');
  const factor = decodeNpy(file('factor.npy'), '<f8', 1, 'factor.npy').data;
  if (shape[0] !== count || factor.length !== shape[1]) {
    throw new CryfoldError('ARTIFACT_CORRUPT', `rows.npy is ${shape.join(' x ')}, not ${count} x ${factor.length}`, {
      context: { artifact: 'rows.npy' },
      hint: 'Train the model again.',
    });
  }
  return { rows: { count, columns: shape[1], data }, factor };
}
