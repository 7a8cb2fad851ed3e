import { CryfoldError, isObject } from '@cryfold/core';
import type { WeightMap } from './network.js';

/**
 * The content of a file in the safetensors format (huggingface.co/docs/safetensors), which other tools can read. The
 * file starts with the length of a JSON header as 8 bytes. Next comes the header, which contains text metadata and each
 * tensor's type, shape and byte range. The data follows the header.
 */
export interface TensorFile {
  tensors: WeightMap;
  metadata: Record<string, string>;
}

export function encodeSafetensors({ tensors, metadata }: TensorFile): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let size = 0;
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [size, size + data.byteLength] };
    size += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const out = new Uint8Array(start + size).fill(0x20, 8, start);
  new DataView(out.buffer).setUint32(0, start - 8, true);
  out.set(text, 8);
  let at = start;
  for (const { data } of tensors.values()) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}

/**
 * Maximum header size in bytes. The header of a network's file is about 30 KB long. Decoding a header takes many times
 * its size in memory.
 */
const LARGEST_HEADER = 2 ** 24;

/**
 * Reads float32 tensors. Needs memory for the whole file, plus some for its header.
 * @param name shown in messages
 * @throws CryfoldError ARTIFACT_CORRUPT
 */
export function decodeSafetensors(bytes: Uint8Array, name: string): TensorFile {
  const corrupt = (why: string, cause?: unknown) =>
    new CryfoldError('ARTIFACT_CORRUPT', `${name}: ${why}`, {
      context: { artifact: name },
      hint: 'Delete the file; its content will be recomputed.',
      cause,
    });
  // `slice` is not used, because a Buffer's slice is a view.
  const copy = (from: number, to: number) => new Uint8Array(bytes.subarray(from, to)).buffer;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = bytes.length < 8 || view.getUint32(4, true) !== 0 ? 0 : 8 + view.getUint32(0, true);
  if (start === 0 || start > bytes.length) throw corrupt('not a safetensors file, or truncated');
  if (start > LARGEST_HEADER) throw corrupt(`its header has ${start} bytes`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf8', { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (cause) {
    throw corrupt('unreadable header', cause);
  }
  if (!isObject(header)) throw corrupt('unreadable header');
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isObject(metadata) || !Object.values(metadata).every((text) => typeof text === 'string')) {
    throw corrupt('its metadata values are not all strings');
  }
  const tensors = new Map<string, { shape: number[]; data: Float32Array }>();
  let end = 0;
  for (const [tensor, entry] of Object.entries(entries)) {
    const { dtype, shape, data_offsets: range } = isObject(entry) ? entry : {};
    const count = isCounts(shape) ? shape.reduce((product, length) => product * length, 1) : -1;
    if (dtype !== 'F32' || !isCounts(shape) || !isCounts(range) || range[1] - range[0] !== 4 * count) {
      throw corrupt(`${tensor} is not a float32 tensor of shape [${shape}]`);
    }
    if (!(range[0] === end) || start + range[1] > bytes.length) throw corrupt(`some bytes of ${tensor} are missing`);
    end = range[1];
    tensors.set(tensor, { shape, data: new Float32Array(copy(start + range[0], start + range[1])) });
  }
  if (start + end !== bytes.length) throw corrupt('there are extra bytes');
  return { tensors, metadata: metadata as Record<string, string> };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}
