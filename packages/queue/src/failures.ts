import { asOutOfMemory, CryfoldError, decodeRecord, type ErrorRecord, errorRecordSchema } from '@cryfold/core';

/**
 * Converts any thrown value to a coded error: OUT_OF_MEMORY if its message reports a failed allocation, otherwise
 * CHILD_DIED.
 */
export function asCryfoldError(error: unknown): CryfoldError {
  if (error instanceof CryfoldError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return asOutOfMemory(error) ?? new CryfoldError('CHILD_DIED', message, { cause: error });
}

/** BullMQ keeps only the message of a failure, so the message contains the whole error record. */
export function failureMessage(error: CryfoldError): string {
  return JSON.stringify(error.toRecord());
}

/**
 * Reads the error record from the failure reason of a job. Reasons that BullMQ itself sets (for example, that the job
 * stalled too often) become PROCESS_DIED.
 */
export function failureOf(reason: string): ErrorRecord {
  if (reason.startsWith('{')) {
    try {
      return decodeRecord(errorRecordSchema, reason, 'failed job') as ErrorRecord;
    } catch {
      // The reason is not an error record, so it is quoted in the error below.
    }
  }
  return new CryfoldError('PROCESS_DIED', `the queue gave up on the job: ${reason.slice(0, 500)}`).toRecord();
}

/**
 * Runs a Redis operation. Every failure (no connection, Redis still loading, out of memory) has the class
 * 'infrastructure', so the operation is retried and the failure is never counted against a job.
 * @throws CryfoldError REDIS_UNREACHABLE
 */
export async function askRedis<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    // ioredis reports this message if a connection that is configured to fail immediately is not available.
    const why = message.startsWith("Stream isn't writeable") ? 'there is no connection' : message;
    throw new CryfoldError('REDIS_UNREACHABLE', `Redis: ${why}`, { cause });
  }
}
