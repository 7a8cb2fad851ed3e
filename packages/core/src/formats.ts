import { z } from 'zod';
import { CryfoldError } from './errors.js';

/**
 * The format in which this version writes each queue payload and stored record. It is also the newest format that this
 * version reads. All schemas are strict, so anything that an older version would reject or misread (a new member or
 * value) requires a higher number here. The schema then becomes a union of both formats and converts the older one.
 */
export const FORMATS = {
  job: 1,
  manifest: 3,
  sounds: 1,
  audit: 1,
  plan: 4,
  search: 1,
  fold: 2,
  failure: 1,
  final: 1,
  finalRequest: 2,
  cancelled: 1,
  scheduling: 1,
  results: 2,
  gram: 1,
  model: 1,
  card: 4,
} as const;

/** Member of a fold's environment that describes how the training differed from what was requested. */
export const FOLD_NOTE = 'note';

/** Returns the newest format that a schema reads, or undefined if the schema has no format number. */
function newestRead(schema: z.core.$ZodType): number | undefined {
  const { def } = schema._zod;
  if (schema instanceof z.ZodObject) {
    const { format } = schema.shape;
    return format instanceof z.ZodLiteral ? Math.max(...[...format.values].map(Number)) : undefined;
  }
  if (schema instanceof z.ZodPipe) return newestRead((def as z.core.$ZodPipeDef).in);
  if (!(schema instanceof z.ZodUnion)) return undefined;
  const options = schema.options.map(newestRead).filter((format) => format !== undefined);
  return options.length > 0 ? Math.max(...options) : undefined;
}

/** @throws CryfoldError FORMAT_NEWER if a value declares a newer format than the schema reads */
export function refuseNewer(schema: z.ZodType, value: unknown, name: string): void {
  if (typeof value !== 'object' || value === null || !('format' in value)) return;
  const { format } = value;
  const reads = newestRead(schema);
  if (reads === undefined || !Number.isSafeInteger(format) || Number(format) <= reads) return;
  throw newer(name, Number(format), reads);
}

/** Returns the error for a record in a newer format than this version reads. */
export function newer(name: string, format: number, reads: number): CryfoldError {
  return new CryfoldError('FORMAT_NEWER', `${name} has format ${format}; this version reads formats up to ${reads}`, {
    context: { artifact: name, format, reads },
    hint: 'It was written by a newer version of cryfold. Upgrade this installation, and do not delete the record.',
  });
}

/** Codes of read errors that recur no matter how often the record is read again. */
const UNREADABLE: ReadonlySet<string> = new Set(['FORMAT_NEWER', 'JOB_INVALID', 'ARTIFACT_TOO_LARGE']);

/**
 * Whether a record is damaged, too large, or written by a newer version of cryfold. Such a record must not prevent
 * other records from being read.
 */
export function isUnreadable(error: unknown): error is CryfoldError {
  return error instanceof CryfoldError && UNREADABLE.has(error.code);
}

/** Returns undefined for a record that cannot be read. @throws any other error that occurs while it is read */
export function unlessUnreadable<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** Like `unlessUnreadable`, but takes the promise of a record that is being read from a store. */
export async function ifReadable<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** Whether a record could not be read because a newer version of cryfold wrote it. */
export function isNewer(error: unknown): error is CryfoldError {
  return error instanceof CryfoldError && error.code === 'FORMAT_NEWER';
}
