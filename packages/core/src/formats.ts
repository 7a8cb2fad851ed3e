import { z } from 'zod';
import { CryfoldError } from './errors.js';

/**
 * The format in which this version writes each queue payload and stored record, and the newest one that it reads. All
 * schemas are strict, so whatever an older version would refuse (a new member or value) or take for something else needs
 * a higher number here; the schema then reads both, as a union whose older member is transformed.
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

/** Member of a fold's environment: what its estimator did otherwise than asked, for readers of the results. */
export const FOLD_NOTE = 'note';

/** The newest format that a schema reads, undefined where its records carry none. */
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

/** @throws CryfoldError FORMAT_NEWER where a value says that its format is newer than what the schema reads */
export function refuseNewer(schema: z.ZodType, value: unknown, name: string): void {
  if (typeof value !== 'object' || value === null || !('format' in value)) return;
  const { format } = value;
  const reads = newestRead(schema);
  if (reads === undefined || !Number.isSafeInteger(format) || Number(format) <= reads) return;
  throw newer(name, Number(format), reads);
}

/** What is said of a record of a newer format than this version reads. */
export function newer(name: string, format: number, reads: number): CryfoldError {
  return new CryfoldError('FORMAT_NEWER', `${name} has format ${format}; this cryfold reads up to ${reads}`, {
    context: { artifact: name, format, reads },
    hint: 'A newer cryfold wrote it: upgrade this one. Do not delete it.',
  });
}

/** Codes of records that no retry makes readable. */
const UNREADABLE: ReadonlySet<string> = new Set(['FORMAT_NEWER', 'JOB_INVALID', 'ARTIFACT_TOO_LARGE']);

/** Whether a record is damaged, too large, or a newer cryfold's: it says nothing, and must not hide what others say. */
export function isUnreadable(error: unknown): error is CryfoldError {
  return error instanceof CryfoldError && UNREADABLE.has(error.code);
}

/** Undefined for a record that cannot be read. @throws what else reading it throws */
export function unlessUnreadable<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** As `unlessUnreadable`, of a record that is read from a store. */
export async function ifReadable<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** Whether a record could not be read because a newer cryfold wrote it. */
export function isNewer(error: unknown): error is CryfoldError {
  return error instanceof CryfoldError && error.code === 'FORMAT_NEWER';
}
