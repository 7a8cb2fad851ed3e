import { createHash } from 'node:crypto';

/** Hex sha256 of bytes or of a string's UTF-8 bytes. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Text that `canonicalJson` inserts verbatim, so that a value shared by many others is serialised only once. */
export class CanonicalText {
  readonly text: string;

  constructor(value: unknown) {
    this.text = canonicalJson(value);
  }
}

/**
 * JSON with object keys sorted at every level, so that equal values produce equal text. `undefined` members are left
 * out, as in JSON.stringify. Throws TypeError on NaN and infinities.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`not representable in JSON: ${value}`);
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (value instanceof CanonicalText) return value.text;
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** Hex sha256 of the canonical JSON of a value. */
export function contentKey(value: unknown): string {
  return sha256(canonicalJson(value));
}

/** A 32-bit unsigned seed derived from any text, such as a fold key and a purpose. */
export function deriveSeed(...parts: (string | number)[]): number {
  return Number.parseInt(sha256(parts.join('\u0000')).slice(0, 8), 16);
}
