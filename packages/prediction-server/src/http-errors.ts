import { CryfoldError, type ErrorCode } from '@cryfold/core';

/** HTTP status by error code. All other codes map to 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  USAGE: 400,
  API_UNAUTHORIZED: 401,
  API_FORBIDDEN: 403,
  API_BUSY: 429,
  UPLOAD_INVALID: 400,
  UPLOAD_TOO_LARGE: 413,
  UPLOAD_TYPE: 415,
  WAV_INVALID: 422,
  WAV_EMPTY: 422,
  WAV_NOT_FINITE: 422,
  CLIP_SHORT: 422,
  CLIP_SILENT: 422,
  RATE_UNKNOWN: 422,
  RECORDING_LONG: 422,
  SPOOL_FAILED: 503,
  SERVER_BUSY: 503,
  CHILD_DIED: 503,
  OUT_OF_MEMORY: 503,
  PREDICTION_TIMEOUT: 504,
};

export interface ErrorAnswer {
  status: number;
  body: { error: { code: string; message: string; hint?: string; context?: Record<string, unknown> } };
}

/** Returns the error response for a client. Details of internal errors are logged but not returned. */
export function errorAnswer(error: unknown): ErrorAnswer {
  const coded = error instanceof CryfoldError ? error : fromFastify(error as Refusal);
  const status = coded && STATUS[coded.code];
  if (!coded || !status) {
    return {
      status: 500,
      body: { error: { code: 'INTERNAL', message: 'internal error; see the log of the service' } },
    };
  }
  const { code, message, hint, context } = coded;
  return { status, body: { error: { code, message, ...(hint && { hint }), context } } };
}

interface Refusal {
  code?: string;
  statusCode?: number;
  message?: string;
}

/** Converts Fastify's own errors. */
function fromFastify(refusal: Refusal): CryfoldError | undefined {
  const { code, statusCode, message = 'invalid request' } = refusal;
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' || statusCode === 415) {
    return new CryfoldError('UPLOAD_TYPE', 'the content type of the request is not supported', {
      hint: 'Send a WAV file as audio/wav, or files as multipart/form-data.',
    });
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new CryfoldError('USAGE', message);
  return undefined;
}
