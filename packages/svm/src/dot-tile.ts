import { moduleBytes, TYPE, wasm } from './wasm.js';

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
  // parameters (bytes): left and right rows, end of the right rows, end of the first left row, place of the result
  const [left, right, rightEnd, leftEnd, out] = [0, 1, 2, 3, 4];
  const [p, q] = [5, 6];
  const accumulator = (i: number, j: number) => 7 + j * TILE_ROWS + i;
  const operand = (i: number) => 7 + 2 * TILE_ROWS + i;
  const right0 = operand(TILE_ROWS);
  const pairs = [0, 1].flatMap((j) => [0, 1, 2, 3].map((i) => [i, j] as const));

  const step = [
    ...[0, 1, 2, 3].flatMap((i) => [...wasm.get(p), ...wasm.v128Load(i * STRIDE), ...wasm.set(operand(i))]),
    ...[0, 1].flatMap((j) => [
      ...[...wasm.get(q), ...wasm.v128Load(j * STRIDE), ...wasm.set(right0)],
      ...[0, 1, 2, 3].flatMap((i) => [
        ...[...wasm.get(operand(i)), ...wasm.get(right0), ...wasm.i32x4DotI16x8],
        ...[...wasm.get(accumulator(i, j)), ...wasm.i32x4Add, ...wasm.set(accumulator(i, j))],
      ]),
    ]),
  ];
  const store = pairs.flatMap(([i, j]) => [
    ...wasm.get(out),
    ...[0, 1, 2, 3].flatMap((lane) => [
      ...[...wasm.get(accumulator(i, j)), ...wasm.i32x4Lane(lane)],
      ...(lane > 0 ? wasm.i32Add : []),
    ]),
    ...wasm.i32Store((j * TILE_ROWS + i) * 4),
  ]);
  const advance = (local: number, bytes: number) => [
    ...[...wasm.get(local), ...wasm.i32Const(bytes), ...wasm.i32Add, ...wasm.tee(local)],
  ];
  const drop = (local: number) => wasm.set(local);
  const body = wasm.repeat(
    pairs.flatMap(([i, j]) => [...wasm.v128Zero, ...wasm.set(accumulator(i, j))]),
    [...wasm.get(left), ...wasm.set(p), ...wasm.get(right), ...wasm.set(q)],
    wasm.repeat(step, advance(q, 16), drop(q), advance(p, 16), wasm.get(leftEnd), wasm.i32LessUnsigned),
    store,
    [...advance(out, 2 * TILE_ROWS * 4), ...drop(out)],
    [...advance(right, 2 * STRIDE), ...wasm.get(rightEnd), ...wasm.i32LessUnsigned],
  );
  const vectors = 2 * TILE_ROWS + TILE_ROWS + 1;
  return moduleBytes(pages, 5, [TYPE.i32, TYPE.i32, ...new Array<number>(vectors).fill(TYPE.v128)], body);
}

const padded = (rows: number) => Math.ceil(rows / BLOCK_ROWS) * BLOCK_ROWS;

/** The kernel for `rows` rows, or undefined where the engine or the processor has no WebAssembly SIMD. */
export function simdTile(rows: number): DotTile | undefined {
  const bytes = kernelBytes(Math.ceil((ROWS_AT + padded(rows) * STRIDE) / 65536));
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(bytes)) return undefined;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const { buffer } = exports.memory as WebAssembly.Memory;
  const run = exports.run as (left: number, right: number, rightEnd: number, leftEnd: number, out: number) => void;
  return {
    rows: new Int16Array(buffer, ROWS_AT, padded(rows) * BLOCK_COLUMNS),
    out: new Int32Array(buffer, 0, TILE_ROWS * BLOCK_ROWS),
    run(left, right, count, columns) {
      const a = ROWS_AT + left * STRIDE;
      const b = ROWS_AT + right * STRIDE;
      run(a, b, b + count * STRIDE, a + columns * 2, 0);
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
