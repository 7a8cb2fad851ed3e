import { CryfoldError } from '@cryfold/core';
import { SourceFailure } from './artifact-store.js';
import type { Answer } from './s3-transport.js';

/** Errors that would occur again if the request were repeated. */
const FINAL = new Set([
  'NoSuchKey',
  'NotFound',
  'PreconditionFailed',
  'NoSuchUpload',
  'NoSuchBucket',
  'RequestTimeTooSkewed',
  'NotImplemented',
  'InvalidArgument',
  'InvalidRequest',
  'MethodNotAllowed',
  'InvalidBucketName',
  'AuthorizationHeaderMalformed',
  'PermanentRedirect',
  'MovedPermanently',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);
// Error codes which mean that access was denied, except those that always come with status 403. STORE_DENIED is thrown
// by S3Keys; the other codes come from servers.
const DENIED = new Set(['STORE_DENIED', 'AccessDenied', 'ExpiredToken', 'InvalidToken', 'TokenRefreshRequired']);
export const ABSENT = new Set(['NoSuchKey', 'NotFound']);
/** Thrown if a body differs from the content that was stored; the request can be retried. */
export class Damaged extends Error {}

export function code(error: unknown): string {
  return (error as { code?: string } | undefined)?.code ?? '';
}

/** Statuses with which servers reject a request that they do not support. */
const REFUSALS = new Set([400, 405, 409, 501]);

/** Whether a response may mean that the server does not support the condition of a put. */
export function refusesCondition(error: unknown): error is Error & Answer {
  return REFUSALS.has((error as Answer | undefined)?.status ?? 0);
}

/** Whether the server denied access, because it rejected the keys or because they lack a permission. */
export function isDenied(error: unknown): boolean {
  return DENIED.has(code(error)) || (error as Answer | undefined)?.status === 403;
}

/** Whether a retry would fail in the same way. */
export function isFinal(error: unknown): boolean {
  if (error instanceof CryfoldError || error instanceof SourceFailure) return true;
  return FINAL.has(code(error)) || isDenied(error) || (error as Answer | undefined)?.status === 501;
}

/** The largest clock difference that S3 servers accept, in milliseconds. */
const SKEW_MS = 15 * 60_000;

function isClockWrong(error: unknown): boolean {
  // The response to a HEAD request has no body that could state the reason.
  const { aheadMs = 0 } = error as Answer;
  return code(error) === 'RequestTimeTooSkewed' || (isDenied(error) && Math.abs(aheadMs) > SKEW_MS);
}

/** Whether the same request could succeed with other keys. */
export function asksForOtherKeys(error: unknown): boolean {
  return isDenied(error) && !isClockWrong(error);
}

function clockError(cause: unknown, bucket: string): CryfoldError {
  const { aheadMs } = cause as Answer;
  const seconds = Math.round(Math.abs(aheadMs ?? 0) / 1000);
  const amount = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  const how = aheadMs === undefined ? 'differs from' : `is ${amount} ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
  return new CryfoldError(
    'STORE_CLOCK_WRONG',
    `s3://${bucket}: the clock of this machine ${how} the clock of the S3 server`,
    {
      cause,
      context: { bucket },
      hint: `Synchronise both clocks with NTP (chronyd, systemd-timesyncd). S3 accepts a difference of at most ${SKEW_MS / 60_000} minutes.`,
    },
  );
}

/** Converts the error of a failed request to a coded error; returns coded errors unchanged. */
export function storeError(
  cause: unknown,
  { key, bucket, endpoint }: { key: string; bucket: string; endpoint: string | undefined },
): unknown {
  if (cause instanceof CryfoldError || cause instanceof SourceFailure) return cause;
  const details = { cause, context: { key, bucket } };
  const what = `s3://${bucket}: ${key}: ${code(cause) || (cause as Error).message || `status ${(cause as Answer).status}`}`;
  if (cause instanceof Damaged) {
    return new CryfoldError('ARTIFACT_CORRUPT', cause.message, {
      ...details,
      hint: 'Delete the object from the bucket; it will be recomputed.',
    });
  }
  if (isClockWrong(cause)) return clockError(cause, bucket);
  if (code(cause) === 'NoSuchBucket') {
    const at = endpoint === undefined ? '' : ` --endpoint-url ${endpoint}`;
    return new CryfoldError('STORE_BUCKET_MISSING', `s3://${bucket}: the bucket does not exist`, {
      ...details,
      hint: `Create the bucket, for example with: aws s3 mb s3://${bucket}${at}`,
    });
  }
  if (isDenied(cause)) {
    return new CryfoldError('STORE_DENIED', what, {
      ...details,
      hint: 'Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (or the role AWS_ROLE_ARN), the region and the bucket policy (see docs/storage.md).',
    });
  }
  const { isTunnelled } = cause as Answer;
  return new CryfoldError('STORE_UNREACHABLE', isTunnelled ? `${what} (through a proxy)` : what, {
    ...details,
    hint: isTunnelled
      ? 'Check the proxy in HTTPS_PROXY or HTTP_PROXY; servers listed in NO_PROXY are contacted directly.'
      : 'Check CRYFOLD_S3_ENDPOINT and the bucket name, and make sure that the server is running and not full. For TLS, also check CRYFOLD_S3_CA_FILE.',
  });
}
