import { CryfoldError } from './errors.js';

/** Element types that cryfold stores, with numpy's descriptors (little-endian). */
const TYPES = {
  '|u1': Uint8Array,
  '<i4': Int32Array,
  '<f4': Float32Array,
  '<f8': Float64Array,
} as const;

export type NpyType = keyof typeof TYPES;
export type NpyData = Uint8Array | Int32Array | Float32Array | Float64Array;

export interface NpyArray<T extends NpyData = NpyData> {
  shape: number[];
  data: T;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0];

function typeOf(data: NpyData): NpyType {
  if (data instanceof Uint8Array) return '|u1';
  if (data instanceof Int32Array) return '<i4';
  return data instanceof Float32Array ? '<f4' : '<f8';
}

/** Encodes a C-order array as npy version 1.0 (numpy.lib.format). */
export function encodeNpy(data: NpyData, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${typeOf(data)}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11, ' ').concat('\n');
  const out = new Uint8Array(10 + header.length + data.byteLength);
  out.set(MAGIC);
  out[8] = header.length & 255;
  out[9] = header.length >> 8;
  out.set(new TextEncoder().encode(header), 10);
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + header.length);
  return out;
}

/** What the header of an npy file says about the data. */
export interface NpyHeader {
  type: NpyType;
  shape: number[];
  /** Offset of the data in bytes */
  start: number;
  /** Length of the data in bytes */
  bytes: number;
}

const PREFIX = 10;
/** Maximum size of a version 1.0 header in bytes. */
export const NPY_HEADER_LIMIT = PREFIX + 0xffff;

function invalidNpy(name: string, why: string): CryfoldError {
  return new CryfoldError('NPY_INVALID', `${name}: ${why}`, {
    context: { artifact: name },
    hint: 'Delete the file and run the command again.',
  });
}

/**
 * Decodes an npy version 1.0 header of a C-order array with the expected element type and number of dimensions.
 * @param bytes the first `NPY_HEADER_LIMIT` bytes of the file, or all of it if shorter
 * @throws CryfoldError NPY_INVALID with `name` in its message
 */
export function decodeNpyHeader(bytes: Uint8Array, type: NpyType, dimensions: number, name: string): NpyHeader {
  const invalid = (why: string) => invalidNpy(name, why);
  if (bytes.length < PREFIX || MAGIC.some((byte, i) => bytes[i] !== byte)) throw invalid('not an npy 1.0 array');
  const start = PREFIX + bytes[8] + 256 * bytes[9];
  const header = new TextDecoder('latin1').decode(bytes.subarray(PREFIX, start));
  const match = /^\{'descr': '([^']+)', 'fortran_order': False, 'shape': \(([\d, ]*)\), \}\s*$/.exec(header);
  if (!match)
    throw invalid(/'fortran_order': True/.test(header) ? 'Fortran order, not C order' : 'unreadable npy header');
  if (match[1] !== type) throw invalid(`elements are ${match[1]}, not ${type}`);
  const shape = match[2]
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  if (shape.length !== dimensions) throw invalid(`${shape.length} dimensions, not ${dimensions}`);
  const length = shape.reduce((product, size) => product * size, TYPES[type].BYTES_PER_ELEMENT);
  if (!Number.isSafeInteger(length)) throw invalid(`the shape (${shape.join(', ')}) is too large`);
  return { type, shape, start, bytes: length };
}

/**
 * Decodes an npy version 1.0 file of a C-order array with the expected element type and number of dimensions.
 * @throws CryfoldError NPY_INVALID with `name` in its message
 */
export function decodeNpy<T extends NpyType>(
  bytes: Uint8Array,
  type: T,
  dimensions: number,
  name: string,
): NpyArray<InstanceType<(typeof TYPES)[T]>> {
  const { shape, start, bytes: expected } = decodeNpyHeader(bytes, type, dimensions, name);
  const Type = TYPES[type];
  if (bytes.length - start !== expected) {
    throw invalidNpy(name, `${bytes.length - start} bytes of data do not fit shape (${shape.join(', ')})`);
  }
  // Copies the data, because it may start at an unaligned byte; Buffer's slice would be a view.
  const copy = new Uint8Array(bytes.length - start);
  copy.set(bytes.subarray(start));
  return {
    shape,
    data: new Type(copy.buffer, 0, expected / Type.BYTES_PER_ELEMENT) as InstanceType<(typeof TYPES)[T]>,
  };
}
