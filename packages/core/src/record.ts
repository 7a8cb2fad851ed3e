import { z } from 'zod';
import { CryfoldError, ERROR_CODES, type ErrorCode } from './errors.js';
import { refuseNewer } from './formats.js';

const encoder = new TextEncoder();

/**
 * Encodes a stored record as JSON. The order of members is kept, because tables follow the order of the spec.
 * @throws TypeError on NaN and infinities, which JSON would turn into null
 */
export function encodeRecord(value: unknown): Uint8Array {
  const finite = (key: string, member: unknown) => {
    if (typeof member === 'number' && !Number.isFinite(member)) throw new TypeError(`${key} is ${member}`);
    return member;
  };
  return encoder.encode(JSON.stringify(value, finite));
}

const DAMAGED =
  'The record is damaged or was not written by cryfold. Restore it from a backup, or delete it and run the command again.';

/**
 * Parses a stored record or queue payload as untrusted input.
 * @throws CryfoldError JOB_INVALID, whose message identifies the artifact or queue and the invalid member; FORMAT_NEWER
 */
export function decodeRecord<T>(schema: z.ZodType<T>, source: Uint8Array | string | object, name: string): T {
  let value: unknown = source;
  try {
    if (source instanceof Uint8Array) value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(source));
    else if (typeof source === 'string') value = JSON.parse(source);
  } catch (cause) {
    throw new CryfoldError('JOB_INVALID', `${name}: not JSON`, { cause, context: { artifact: name }, hint: DAMAGED });
  }
  refuseNewer(schema, value, name);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CryfoldError('JOB_INVALID', `${name}: ${issue.path.join('.') || '(top level)'}: ${issue.message}`, {
    context: { artifact: name },
    hint: DAMAGED,
  });
}

export const errorRecordSchema = z.strictObject({
  code: z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]),
  failure: z.enum(['usage', 'input', 'infrastructure', 'crash']),
  message: z.string(),
  context: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  hint: z.string().optional(),
});

export const epochSchema = z.strictObject({
  epoch: z.int(),
  loss: z.number(),
  accuracy: z.number(),
  /** The test loss and the test accuracy are absent if the estimator does not receive the labels of test clips */
  testLoss: z.number().optional(),
  testAccuracy: z.number().optional(),
  seconds: z.number(),
});

/** One epoch of a learning curve: losses in nats, accuracies in [0, 1]. */
export type EpochPoint = z.infer<typeof epochSchema>;
