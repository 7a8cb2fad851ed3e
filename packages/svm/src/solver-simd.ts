import { evenRows, MAX_RUNS, plainSpace, type SolverSpace, TAU } from './solver-space.js';
import {
  type Code,
  float64Pair,
  instantiate,
  int32Quad,
  moduleBytes,
  type ValueType,
  type WasmFunction,
  wasm,
} from './wasm.js';

const { get, set, i32Add, i32Const, v128Const, v128Load, v128Store, v128BitSelect } = wasm;

// Layout of the memory: the lanes of a result, the ranges as pairs of byte offsets, the vectors, and the matrix.
const VALUES_AT = 0;
const INDICES_AT = 16;
const HIGH_AT = 32;
const RUNS_AT = 48;
const VECTORS_AT = RUNS_AT + MAX_RUNS * 8;
const PAGE = 65536;

interface Passes {
  choose(rowI: number, diagonalI: number, low: number, runsEnd: number): void;
  update(rowI: number, rowJ: number, step: number, runsEnd: number): void;
}

/** Byte offsets of the solver's vectors. */
interface Layout {
  riseAt: number;
  fallAt: number;
  diagonalAt: number;
}

// Local variables of both passes, which follow their four parameters: the current range, the byte offset of the current
// row, the byte offset of the end of the range, and three vectors.
const RUNS_END = 3;
const [RUN, AT, END, INDEX, VALUE, MASK] = [4, 5, 6, 7, 8, 9];

/** Types of the locals: the locals listed above, followed by further vectors. */
const localTypes = (vectors: number): ValueType[] => [
  'i32',
  'i32',
  'i32',
  ...new Array<ValueType>(3 + vectors).fill('v128'),
];

/**
 * The loop over all ranges, two rows per step. AT is the byte offset of the first of the two rows. INDEX contains the
 * offsets of both rows, each twice, so that a mask of two 64-bit lanes can select among them.
 */
function overRows(body: Code[]): Code {
  return [
    ...set(RUN, i32Const(RUNS_AT)),
    ...wasm.doWhile(
      wasm.i32LessUnsigned(get(RUN), get(RUNS_END)),
      set(AT, wasm.i32Load(0, get(RUN))),
      set(END, wasm.i32Load(4, get(RUN))),
      set(INDEX, wasm.i32x4Add(wasm.i32x4Splat(get(AT)), v128Const(int32Quad(0, 0, 8, 8)))),
      wasm.doWhile(
        wasm.i32LessUnsigned(get(AT), get(END)),
        ...body,
        set(INDEX, wasm.i32x4Add(get(INDEX), v128Const(int32Quad(16, 16, 16, 16)))),
        set(AT, i32Add(get(AT), i32Const(16))),
      ),
      set(RUN, i32Add(get(RUN), i32Const(8))),
    ),
  ];
}

const NONE = v128Const(int32Quad(-1, -1, -1, -1));
const both = (value: number) => v128Const(float64Pair(value, value));

/** Stores the best values of both lanes and the rows where they were found. */
const storeBest = (best: number, bestAt: number): Code[] => [
  v128Store(VALUES_AT, i32Const(0), get(best)),
  v128Store(INDICES_AT, i32Const(0), get(bestAt)),
];

/**
 * The pass `choose`. Constants are kept in local variables, because V8 would otherwise create them again in every step.
 */
function choosePass({ fallAt, diagonalAt }: Layout): WasmFunction {
  const [rowI, diagonalI, low] = [0, 1, 2];
  const [best, bestAt, high, gain, curvature, diagonals, lows, zero, two, tau] = [
    10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
  ];
  const body = [
    ...[set(best, both(0)), set(bestAt, NONE), set(high, both(-Infinity))],
    ...[set(zero, both(0)), set(two, both(2)), set(tau, both(TAU))],
    ...[set(diagonals, wasm.f64x2Splat(get(diagonalI))), set(lows, wasm.f64x2Splat(get(low)))],
    overRows([
      set(VALUE, v128Load(fallAt, get(AT))),
      set(high, wasm.f64x2Max(get(high), get(VALUE))),
      set(VALUE, wasm.f64x2Sub(get(VALUE), get(lows))),
      set(
        curvature,
        wasm.f64x2Sub(
          wasm.f64x2Add(get(diagonals), v128Load(diagonalAt, get(AT))),
          wasm.f64x2Mul(get(two), v128Load(0, i32Add(get(rowI), get(AT)))),
        ),
      ),
      set(curvature, wasm.f64x2Max(get(curvature), get(tau))),
      // The gain, or 0 if the gap is not positive. `best` depends on the previous step only through a single maximum,
      // so the chain of dependent operations stays short.
      set(
        gain,
        wasm.v128And(
          wasm.f64x2Div(wasm.f64x2Mul(get(VALUE), get(VALUE)), get(curvature)),
          wasm.f64x2Greater(get(VALUE), get(zero)),
        ),
      ),
      set(MASK, wasm.f64x2GreaterEqual(get(gain), get(best))),
      set(best, wasm.f64x2Max(get(best), get(gain))),
      set(bestAt, v128BitSelect(get(INDEX), get(bestAt), get(MASK))),
    ]),
    ...storeBest(best, bestAt),
    v128Store(HIGH_AT, i32Const(0), get(high)),
  ];
  return { name: 'choose', parameters: ['i32', 'f64', 'f64', 'i32'], locals: localTypes(10), body: body.flat() };
}

/** The pass `update`. */
function updatePass({ riseAt, fallAt }: Layout): WasmFunction {
  const [rowI, rowJ, step] = [0, 1, 2];
  const [low, lowAt, delta, steps] = [10, 11, 12, 13];
  const body = [
    ...[set(low, both(Infinity)), set(lowAt, NONE), set(steps, wasm.f64x2Splat(get(step)))],
    overRows([
      set(
        delta,
        wasm.f64x2Mul(
          get(steps),
          wasm.f64x2Sub(v128Load(0, i32Add(get(rowI), get(AT))), v128Load(0, i32Add(get(rowJ), get(AT)))),
        ),
      ),
      v128Store(fallAt, get(AT), wasm.f64x2Add(v128Load(fallAt, get(AT)), get(delta))),
      set(VALUE, wasm.f64x2Add(v128Load(riseAt, get(AT)), get(delta))),
      v128Store(riseAt, get(AT), get(VALUE)),
      set(lowAt, v128BitSelect(get(INDEX), get(lowAt), wasm.f64x2LessEqual(get(VALUE), get(low)))),
      set(low, wasm.f64x2Min(get(low), get(VALUE))),
    ]),
    ...storeBest(low, lowAt),
  ];
  return { name: 'update', parameters: ['i32', 'i32', 'f64', 'i32'], locals: localTypes(4), body: body.flat() };
}

function passBytes(stride: number, pages: number): Uint8Array<ArrayBuffer> {
  const [riseAt, fallAt, diagonalAt] = [0, 1, 2].map((k) => VECTORS_AT + k * stride * 8);
  const layout = { riseAt, fallAt, diagonalAt };
  return moduleBytes(pages, [choosePass(layout), updatePass(layout)]);
}

/** The passes in WebAssembly SIMD, or undefined if it is unavailable or the matrix exceeds its 4 GiB (23,000 rows). */
export function simdSpace(rows: number): SolverSpace | undefined {
  const stride = evenRows(rows);
  const kernelAt = VECTORS_AT + 3 * stride * 8;
  const pages = Math.ceil((kernelAt + stride * stride * 8) / PAGE);
  if (pages > 65536) return undefined;
  const module = instantiate<Passes>(passBytes(stride, pages));
  if (!module) return undefined;
  const { buffer } = module.memory;
  const vector = (k: number) => new Float64Array(buffer, VECTORS_AT + k * stride * 8, stride);
  const values = new Float64Array(buffer, VALUES_AT, 2);
  const indices = new Int32Array(buffer, INDICES_AT, 4);
  const highs = new Float64Array(buffer, HIGH_AT, 2);
  const diagonal = vector(2);
  const rowAt = (row: number) => kernelAt + row * stride * 8;
  const later = () => Math.max(indices[0], indices[2]);
  let runsEnd = RUNS_AT;
  return {
    ...{ stride, rise: vector(0), fall: vector(1), diagonal, high: 0 },
    kernel: new Float64Array(buffer, kernelAt, stride * stride),
    setRuns(runs) {
      new Int32Array(buffer, RUNS_AT, runs.length * 2).set(runs.flat().map((row) => row * 8));
      runsEnd = RUNS_AT + runs.length * 8;
    },
    choose(i, low) {
      module.choose(rowAt(i), diagonal[i], low, runsEnd);
      this.high = Math.max(highs[0], highs[1]);
      const at = values[0] > values[1] ? indices[0] : values[0] < values[1] ? indices[2] : later();
      return Math.max(values[0], values[1]) > 0 ? at / 8 : -1;
    },
    update(i, j, step) {
      module.update(rowAt(i), rowAt(j), step, runsEnd);
      const at = values[0] < values[1] ? indices[0] : values[0] > values[1] ? indices[2] : later();
      return at / 8;
    },
  };
}

let cached: SolverSpace | undefined;

/**
 * A space for at least this number of rows, which is valid until the next call. The matrix of a fold with 1,814 rows
 * takes 26 MB, and the garbage collector would let several of them accumulate.
 */
export function solverSpace(rows: number): SolverSpace {
  if (!cached || cached.stride < rows || cached.stride > 2 * rows) cached = simdSpace(rows) ?? plainSpace(rows);
  return cached;
}
