import { instantiate, moduleBytes, type ValueType, wasm } from './wasm.js';

/**
 * Columns of each row that are processed at a time: 4 KiB of int16, so that 64 rows (256 KiB) stay in a core's
 * second-level cache.
 */
export const BLOCK_COLUMNS = 2048;
/** Number of rows in the left operand of a tile. */
export const TILE_ROWS = 4;
/** Maximum number of rows of the right operand of a tile. */
export const BLOCK_ROWS = 64;

const LEFT_AT = TILE_ROWS * BLOCK_ROWS * 4;

/**
 * Computes dot products of image rows in its own memory, in blocks of BLOCK_COLUMNS columns. If a tile compares a set
 * of rows with itself, `left` and `right` are the same array. A tile that compares many rows with a few stores the many
 * rows as bytes, because most of the time is spent reading them.
 */
export interface DotTile {
  /** rows x BLOCK_COLUMNS, values 0-255, initially zero; rows rounded up to BLOCK_ROWS */
  readonly left: Uint8Array | Int16Array;
  /** the same rows as `left`, or BLOCK_ROWS separate ones */
  readonly right: Int16Array;
  /** `out[j * TILE_ROWS + i]` is the dot product of rows left+i and right+j after a run. */
  readonly out: Int32Array;
  /**
   * @param left first of TILE_ROWS rows
   * @param right first of `count` rows; `count` is even and at most BLOCK_ROWS
   * @param columns a multiple of 8, at most BLOCK_COLUMNS; sums stay below 2048 * 255^2 < 2^31
   */
  run(left: number, right: number, count: number, columns: number): void;
}

/** Bytes per pixel on the left side: 2 if both sides contain the same rows, otherwise 1. */
type LeftSize = 1 | 2;

const leftStride = (size: LeftSize) => BLOCK_COLUMNS * size;
const RIGHT_STRIDE = BLOCK_COLUMNS * 2;

/**
 * The kernel in WebAssembly SIMD. The inner loop handles 4 x 2 rows, 8 columns per step, so that 6 loads serve 8
 * multiply-adds (i32x4.dot_i16x8_s) in 8 accumulators. Accumulators and operands fit into the 16 registers of x64.
 */
function kernelBytes(pages: number, size: LeftSize): Uint8Array<ArrayBuffer> {
  const { get, set, i32Add, i32Const, i32x4Add, i32x4Lane } = wasm;
  const four = [0, 1, 2, 3];
  const two = [0, 1];
  // Byte addresses. Parameters: left and right rows, end of the right rows, end of the first left row. Locals,
  // initially 0: position of the next result, positions in the left and right rows.
  const [left, right, rightEnd, leftEnd, out, p, q] = [0, 1, 2, 3, 4, 5, 6];
  const loadLeft = size === 1 ? wasm.v128Load8x8Unsigned : wasm.v128Load;
  const operand = (i: number) => 7 + i;
  const rightOperand = 11;
  const accumulator = (i: number, j: number) => 12 + j * TILE_ROWS + i;
  const advance = (local: number, bytes: number) => set(local, i32Add(get(local), i32Const(bytes)));
  const multiplyAdd = (i: number, j: number) =>
    set(accumulator(i, j), i32x4Add(wasm.i32x4DotI16x8(get(operand(i)), get(rightOperand)), get(accumulator(i, j))));
  const sum = (vector: number) => four.map((lane) => i32x4Lane(lane, get(vector))).reduce((x, y) => i32Add(x, y));

  const overColumns = wasm.doWhile(
    wasm.i32LessUnsigned(get(p), get(leftEnd)),
    ...four.map((i) => set(operand(i), loadLeft(i * leftStride(size), get(p)))),
    ...two.flatMap((j) => [
      set(rightOperand, wasm.v128Load(j * RIGHT_STRIDE, get(q))),
      ...four.map((i) => multiplyAdd(i, j)),
    ]),
    advance(p, 8 * size),
    advance(q, 16),
  );
  const body = wasm.doWhile(
    wasm.i32LessUnsigned(get(right), get(rightEnd)),
    ...two.flatMap((j) => four.map((i) => set(accumulator(i, j), wasm.v128Const(new Uint8Array(16))))),
    set(p, get(left)),
    set(q, get(right)),
    overColumns,
    ...two.flatMap((j) => four.map((i) => wasm.i32Store((j * TILE_ROWS + i) * 4, get(out), sum(accumulator(i, j))))),
    advance(out, 2 * TILE_ROWS * 4),
    advance(right, 2 * RIGHT_STRIDE),
  );
  return moduleBytes(pages, [
    {
      name: 'run',
      parameters: ['i32', 'i32', 'i32', 'i32'],
      locals: ['i32', 'i32', 'i32', ...new Array<ValueType>(4 + 1 + 8).fill('v128')],
      body,
    },
  ]);
}

const padded = (rows: number) => Math.ceil(rows / BLOCK_ROWS) * BLOCK_ROWS;

function simd(rows: number, size: LeftSize): DotTile | undefined {
  type Run = (left: number, right: number, rightEnd: number, leftEnd: number) => void;
  const leftEnd = LEFT_AT + padded(rows) * leftStride(size);
  const rightAt = size === 2 ? LEFT_AT : leftEnd;
  const end = size === 2 ? leftEnd : leftEnd + BLOCK_ROWS * RIGHT_STRIDE;
  const module = instantiate<{ run: Run }>(kernelBytes(Math.ceil(end / 65536), size));
  if (!module) return undefined;
  const { buffer } = module.memory;
  return {
    left: new (size === 1 ? Uint8Array : Int16Array)(buffer, LEFT_AT, padded(rows) * BLOCK_COLUMNS),
    right: new Int16Array(buffer, rightAt, (end - rightAt) / 2),
    out: new Int32Array(buffer, 0, TILE_ROWS * BLOCK_ROWS),
    run(left, right, count, columns) {
      const a = LEFT_AT + left * leftStride(size);
      const b = rightAt + right * RIGHT_STRIDE;
      module.run(a, b, b + count * RIGHT_STRIDE, a + columns * size);
    },
  };
}

/** The kernel in plain JavaScript, which is 15-50 times slower. Used as a fallback, and as the reference in tests. */
function plain(a: Uint8Array | Int16Array, b: Int16Array): DotTile {
  const out = new Int32Array(TILE_ROWS * BLOCK_ROWS);
  return {
    ...{ left: a, right: b, out },
    run(left, right, count, columns) {
      for (let j = 0; j < count; j++) {
        for (let i = 0; i < TILE_ROWS; i++) {
          const p = (left + i) * BLOCK_COLUMNS;
          const q = (right + j) * BLOCK_COLUMNS;
          let sum = 0;
          for (let k = 0; k < columns; k++) sum += a[p + k] * b[q + k];
          out[j * TILE_ROWS + i] = sum;
        }
      }
    },
  };
}

/** Dot products of rows with one another, or undefined without WebAssembly SIMD. */
export const simdTile = (rows: number): DotTile | undefined => simd(rows, 2);

/** Dot products of rows with one another. */
export function plainTile(rows: number): DotTile {
  const data = new Int16Array(padded(rows) * BLOCK_COLUMNS);
  return plain(data, data);
}

/** Computes dot products of many rows, which are stored as bytes, with at most BLOCK_ROWS other rows. */
export function crossTile(rows: number): DotTile {
  const size = padded(rows) * BLOCK_COLUMNS;
  return simd(rows, 1) ?? plain(new Uint8Array(size), new Int16Array(BLOCK_ROWS * BLOCK_COLUMNS));
}

/** Images as the rows of a matrix of grey levels 0-255 in C order, so the length is a multiple of `columns`. */
export interface ImageRows {
  readonly pixels: Uint8Array;
  /** Number of pixels per image */
  readonly columns: number;
}

/**
 * Copies one block of columns of all images to rows of a tile, starting at row `first`, and pads each row with zeros to
 * a multiple of 8 columns.
 * @param block 0 for the first BLOCK_COLUMNS columns, 1 for the next
 * @returns the padded width in columns
 */
export function copyBlock(
  { pixels, columns }: ImageRows,
  block: number,
  to: Uint8Array | Int16Array,
  first: number,
): number {
  const column = block * BLOCK_COLUMNS;
  const width = Math.min(BLOCK_COLUMNS, columns - column);
  const even = Math.ceil(width / 8) * 8;
  for (
    let from = column, start = first * BLOCK_COLUMNS;
    from < pixels.length;
    from += columns, start += BLOCK_COLUMNS
  ) {
    to.set(pixels.subarray(from, from + width), start);
    to.fill(0, start + width, start + even);
  }
  return even;
}
