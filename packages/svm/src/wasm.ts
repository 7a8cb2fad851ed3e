/**
 * Encodes WebAssembly modules without a build tool. Covers only the parts of the binary format (core specification 2.0,
 * chapter 5) that the kernels in this package need: functions with one memory. An expression is represented by the
 * bytes that leave its value on the stack. Instructions are therefore functions of their operands, and code reads like
 * a formula.
 */
export type Code = readonly number[];

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

/** Signed LEB128. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    if (rest >= -64 && rest < 64) return [...bytes, rest & 127];
    bytes.push((rest & 127) | 128);
  }
}

const vector = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, content: Code): number[] => [id, ...unsigned(content.length), ...content];
const name = (text: string): number[] => [...unsigned(text.length), ...Buffer.from(text, 'latin1')];

/**
 * Encodes an instruction as its operands, followed by its opcode. Opcodes of vector instructions have the prefix 0xfd.
 */
const scalar =
  (opcode: number) =>
  (...operands: Code[]): Code => [...operands.flat(), opcode];
const simd =
  (opcode: number) =>
  (...operands: Code[]): Code => [...operands.flat(), 0xfd, ...unsigned(opcode)];
const access =
  (opcode: Code, alignment: number) =>
  (offset: number, ...operands: Code[]): Code => [...operands.flat(), ...opcode, alignment, ...unsigned(offset)];

export type ValueType = 'i32' | 'f64' | 'v128';
const TYPES: Record<ValueType, number> = { i32: 0x7f, f64: 0x7c, v128: 0x7b };

/** Instructions, named as in the specification. Loads and stores take a constant byte offset and the address. */
export const wasm = {
  get: (local: number): Code => [0x20, ...unsigned(local)],
  set: (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)],
  i32Const: (value: number): Code => [0x41, ...signed(value)],
  i32Add: scalar(0x6a),
  i32LessUnsigned: scalar(0x49),
  i32Load: access([0x28], 2),
  i32Store: access([0x36], 2),
  v128Load: access([0xfd, 0], 4),
  /** Eight bytes, each widened to 16 bits */
  v128Load8x8Unsigned: access([0xfd, 2], 3),
  v128Store: access([0xfd, 11], 4),
  v128Const: (bytes: Uint8Array): Code => [0xfd, 12, ...bytes],
  v128And: simd(78),
  /** Bits of the first operand where the third one has ones, otherwise bits of the second operand */
  v128BitSelect: simd(82),
  i32x4Splat: simd(17),
  i32x4Lane: (lane: number, operand: Code): Code => [...operand, 0xfd, 27, lane],
  i32x4Add: simd(174),
  i32x4DotI16x8: simd(186),
  f64x2Splat: simd(20),
  f64x2Greater: simd(74),
  f64x2LessEqual: simd(75),
  f64x2GreaterEqual: simd(76),
  f64x2Add: simd(240),
  f64x2Sub: simd(241),
  f64x2Mul: simd(242),
  f64x2Div: simd(243),
  /** The smaller and the larger value in each lane, for values that are not NaN */
  f64x2Min: simd(246),
  f64x2Max: simd(247),
  /** Runs the body, and repeats it as long as the condition is not 0. */
  doWhile: (condition: Code, ...body: Code[]): Code => [0x03, 0x40, ...body.flat(), ...condition, 0x0d, 0x00, 0x0b],
};

/** A v128 of two float64. */
export function float64Pair(low: number, high: number): Uint8Array {
  return new Uint8Array(Float64Array.of(low, high).buffer);
}

/** A v128 of four int32. */
export function int32Quad(...values: [number, number, number, number]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

/** A function that does not return a result. The function's parameters are its first locals. */
export interface WasmFunction {
  name: string;
  parameters: ValueType[];
  locals: ValueType[];
  body: Code;
}

/** A module that exports one memory, `memory`, of `pages` x 64 KiB, and functions. */
export function moduleBytes(pages: number, functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = (list: ValueType[]) => list.map((type) => [TYPES[type]]);
  const code = functions.map(({ locals, body }) => {
    const bytes = [...vector(types(locals).map((type) => [1, ...type])), ...body, 0x0b];
    return [...unsigned(bytes.length), ...bytes];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(functions.map(({ parameters }) => [0x60, ...vector(types(parameters)), 0]))),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(5, vector([[0, ...unsigned(pages)]])),
    ...section(
      7,
      vector([[...name('memory'), 2, 0], ...functions.map((f, index) => [...name(f.name), 0, ...unsigned(index)])]),
    ),
    ...section(10, vector(code)),
  ]);
}

/** Returns the module's memory and functions, or undefined without WebAssembly SIMD. */
export function instantiate<T>(bytes: Uint8Array<ArrayBuffer>): (T & { memory: WebAssembly.Memory }) | undefined {
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(bytes)) return undefined;
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as T & { memory: WebAssembly.Memory };
}
