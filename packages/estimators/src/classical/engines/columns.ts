import type { Rows } from './rows.js';

/** Integer codes of a column's values. They sort like the values, and equal values have equal codes. */
export type Codes = Uint8Array | Uint16Array | Uint32Array;

/** Rows stored column by column. Values are encoded as small integers, which a tree can sort by. */
export class Columns {
  readonly count: number;
  readonly rows: number;
  readonly #codes: Codes;
  /** Values of each column by code; undefined if the codes are the values themselves */
  readonly #values: Float32Array[] | undefined;

  constructor({ count: rows, columns, data }: Rows) {
    this.count = columns;
    this.rows = rows;
    if (data instanceof Uint8Array) {
      this.#codes = new Uint8Array(data.length);
      for (let i = 0, p = 0; i < rows; i++) for (let j = 0; j < columns; j++, p++) this.#codes[j * rows + i] = data[p];
      return;
    }
    this.#codes = rows <= 2 ** 16 ? new Uint16Array(data.length) : new Uint32Array(data.length);
    this.#values = Array.from({ length: columns }, (_, j) => {
      const own = Float32Array.from({ length: rows }, (_, i) => data[i * columns + j]);
      const values = own.slice().sort();
      let different = 0;
      for (const value of values) {
        if (different === 0 || value !== values[different - 1]) values[different++] = value;
      }
      const distinct = values.slice(0, different);
      own.forEach((value, i) => {
        this.#codes[j * rows + i] = positionOf(value, distinct);
      });
      return distinct;
    });
  }

  codes(column: number): Codes {
    return this.#codes.subarray(column * this.rows, (column + 1) * this.rows);
  }

  /** Returns the value halfway between the values of two codes. */
  middle(column: number, low: number, high: number): number {
    const values = this.#values?.[column];
    return values ? values[low] / 2 + values[high] / 2 : (low + high) / 2;
  }
}

/** Returns the position of a value in a sorted array that contains it. */
function positionOf(value: number, sorted: Float32Array): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
