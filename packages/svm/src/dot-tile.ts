import { instantiate, moduleBytes, type ValueType, wasm } from './wasm.js';

/** Columns held at once, per row: 4 KiB of int16, so that 64 rows (256 KiB) stay in a core's second-level cache. */
export const BLOCK_COLUMNS = 2048;
/** Rows of the left operand of one tile. */
export const TILE_ROWS = 4;
/** At most this many rows of the right operand of one tile. */
export const BLOCK_ROWS = 64;

const STRIDE = BLOCK_COLUMNS * 2;
const ROWS_AT = TILE_ROWS * BLOCK_ROWS * 4;

/** Dot products of int16 rows that lie in its own memory. */
export interface DotTile {
  /** rows x BLOCK_COLUMNS, values 0-255; rows is the requested number rounded up to BLOCK_ROWS, zero at first. */
  readonly rows: Int16Array;
  /** `out[j * TILE_ROWS + i]` is the dot product of rows left+i and right+j after a run. */
  readonly out: Int32Array;
  /**
   * @param left first of TILE_ROWS rows
   * @param right first of `count` rows; `count` is even and at most BLOCK_ROWS
   * @param columns a multiple of 8, at most BLOCK_COLUMNS; sums stay below 2048 * 255^2 < 2^31
   */
  run(left: number, right: number, count: number, columns: number): void;
}

/**
 * The kernel as WebAssembly SIMD: 4 x 2 rows per inner loop, 8 columns a step, so 6 loads serve 8 multiply-adds
 * (i32x4.dot_i16x8_s) in 8 accumulators, which with the operands fit the 16 registers of x64.
 */
function kernelBytes(pages: number): Uint8Array<ArrayBuffer> {
  const { get, set, i32Add, i32Const, i32x4Add, i32x4Lane } = wasm;
  const four = [0, 1, 2, 3];
  const two = [0, 1];
  // Byte addresses: left and right rows, end of the right rows, end of the first left row, place of the result.
  const [left, right, rightEnd, leftEnd, out, p, q] = [0, 1, 2, 3, 4, 5, 6];
  const operand = (i: number) => 7 + i;
  const rightOperand = 11;
  const accumulator = (i: number, j: number) => 12 + j * TILE_ROWS + i;
  const advance = (local: number, bytes: number) => set(local, i32Add(get(local), i32Const(bytes)));
  const multiplyAdd = (i: number, j: number) =>
    set(accumulator(i, j), i32x4Add(wasm.i32x4DotI16x8(get(operand(i)), get(rightOperand)), get(accumulator(i, j))));
  const sum = (vector: number) => four.map((lane) => i32x4Lane(lane, get(vector))).reduce((x, y) => i32Add(x, y));

  const overColumns = wasm.doWhile(
    wasm.i32LessUnsigned(get(p), get(leftEnd)),
    ...four.map((i) => set(operand(i), wasm.v128Load(i * STRIDE, get(p)))),
    ...two.flatMap((j) => [
      set(rightOperand, wasm.v128Load(j * STRIDE, get(q))),
      ...four.map((i) => multiplyAdd(i, j)),
    ]),
    advance(p, 16),
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
    advance(right, 2 * STRIDE),
  );
  return moduleBytes(pages, [
    {
      name: 'run',
      parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
      locals: ['i32', 'i32', ...new Array<ValueType>(4 + 1 + 8).fill('v128')],
      body,
    },
  ]);
}

const padded = (rows: number) => Math.ceil(rows / BLOCK_ROWS) * BLOCK_ROWS;

/** The kernel for `rows` rows, or undefined where the engine or the processor has no WebAssembly SIMD. */
export function simdTile(rows: number): DotTile | undefined {
  type Run = (left: number, right: number, rightEnd: number, leftEnd: number, out: number) => void;
  const module = instantiate<{ run: Run }>(kernelBytes(Math.ceil((ROWS_AT + padded(rows) * STRIDE) / 65536)));
  if (!module) return undefined;
  const { buffer } = module.memory;
  return {
    rows: new Int16Array(buffer, ROWS_AT, padded(rows) * BLOCK_COLUMNS),
    out: new Int32Array(buffer, 0, TILE_ROWS * BLOCK_ROWS),
    run(left, right, count, columns) {
      const a = ROWS_AT + left * STRIDE;
      const b = ROWS_AT + right * STRIDE;
      module.run(a, b, b + count * STRIDE, a + columns * 2, 0);
    },
  };
}

/** The same in plain JavaScript: the fallback, and the reference of the tests. 15-50 times slower. */
export function plainTile(rows: number): DotTile {
  const data = new Int16Array(padded(rows) * BLOCK_COLUMNS);
  const out = new Int32Array(TILE_ROWS * BLOCK_ROWS);
  return {
    rows: data,
    out,
    run(left, right, count, columns) {
      for (let j = 0; j < count; j++) {
        for (let i = 0; i < TILE_ROWS; i++) {
          const a = (left + i) * BLOCK_COLUMNS;
          const b = (right + j) * BLOCK_COLUMNS;
          let sum = 0;
          for (let k = 0; k < columns; k++) sum += data[a + k] * data[b + k];
          out[j * TILE_ROWS + i] = sum;
        }
      }
    },
  };
}
