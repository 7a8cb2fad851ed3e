/**
 * The few parts of the WebAssembly binary format (core specification 2.0, section 5) that our kernels need: enough to
 * write one exported function over one exported memory, as bytes, without a build tool.
 */

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

/** Signed LEB128 of a small integer. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    if (rest >= -64 && rest < 64) return [...bytes, rest & 127];
    bytes.push((rest & 127) | 128);
  }
}

const vector = (items: number[][]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, content: number[]): number[] => [id, ...unsigned(content.length), ...content];
const name = (text: string): number[] => [...unsigned(text.length), ...Buffer.from(text, 'latin1')];
const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
const memoryArgument = (alignment: number, offset: number): number[] => [...unsigned(alignment), ...unsigned(offset)];

export const TYPE = { i32: 0x7f, v128: 0x7b } as const;

/** Instructions as byte sequences, named as in the specification. Operands are pushed before them, as on its stack. */
export const wasm = {
  get: (local: number) => [0x20, ...unsigned(local)],
  set: (local: number) => [0x21, ...unsigned(local)],
  tee: (local: number) => [0x22, ...unsigned(local)],
  i32Const: (value: number) => [0x41, ...signed(value)],
  i32Add: [0x6a],
  i32LessUnsigned: [0x49],
  i32Store: (offset: number) => [0x36, ...memoryArgument(2, offset)],
  /** Runs the body, and again for as long as it leaves a non-zero i32. */
  repeat: (...body: number[][]) => [0x03, 0x40, ...body.flat(), 0x0d, 0x00, 0x0b],
  v128Zero: [...simd(12), ...new Array<number>(16).fill(0)],
  v128Load: (offset: number) => [...simd(0), ...memoryArgument(4, offset)],
  i32x4Add: simd(174),
  i32x4DotI16x8: simd(186),
  i32x4Lane: (lane: number) => [...simd(27), lane],
};

/**
 * A module with one memory `memory` of `pages` x 64 KiB and one function `run` of i32 parameters without a result.
 * @param locals the types of the locals that follow the parameters
 */
export function moduleBytes(
  pages: number,
  parameters: number,
  locals: readonly number[],
  body: number[],
): Uint8Array<ArrayBuffer> {
  const code = [...vector(locals.map((type) => [1, type])), ...body, 0x0b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([[0x60, ...vector(new Array(parameters).fill([TYPE.i32])), ...vector([])]])),
    ...section(3, vector([[0]])),
    ...section(5, vector([[0, ...unsigned(pages)]])),
    ...section(
      7,
      vector([
        [...name('memory'), 2, 0],
        [...name('run'), 0, 0],
      ]),
    ),
    ...section(10, vector([[...unsigned(code.length), ...code]])),
  ]);
}
