import { CryfoldError } from '@cryfold/core';
import { SourceFailure } from './artifact-store.js';
import type { Answer } from './s3-transport.js';

/** Where trying again with the same request cannot help. */
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
// Others come with status 403; S3Keys throws the first.
const DENIED = new Set(['STORE_DENIED', 'AccessDenied', 'ExpiredToken', 'InvalidToken', 'TokenRefreshRequired']);
export const ABSENT = new Set(['NoSuchKey', 'NotFound']);
/** The tried-again error of a body that is not what was put. */
export class Damaged extends Error {}

export function code(error: unknown): string {
  return (error as { code?: string } | undefined)?.code ?? '';
}

/** Statuses with which servers refuse a request that they do not understand, or cannot serve as it is. */
const REFUSALS = new Set([400, 405, 409, 501]);

/** Whether an answer may mean that the server does not know the condition of a put. */
export function refusesCondition(error: unknown): error is Error & Answer {
  return REFUSALS.has((error as Answer | undefined)?.status ?? 0);
}

/** Whether the server refused the keys, or what they were used for. */
export function isDenied(error: unknown): boolean {
  return DENIED.has(code(error)) || (error as Answer | undefined)?.status === 403;
}

/** Whether trying again cannot help. */
export function isFinal(error: unknown): boolean {
  if (error instanceof CryfoldError || error instanceof SourceFailure) return true;
  return FINAL.has(code(error)) || isDenied(error) || (error as Answer | undefined)?.status === 501;
}

/** Differences of clocks that servers of the S3 API accept, milliseconds. */
const SKEW_MS = 15 * 60_000;

function isClockWrong(error: unknown): boolean {
  // The answer to a HEAD request has no body that could say why it was refused.
  const { aheadMs = 0 } = error as Answer;
  return code(error) === 'RequestTimeTooSkewed' || (isDenied(error) && Math.abs(aheadMs) > SKEW_MS);
}

/** Whether other keys could make the same request succeed. */
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
    `s3://${bucket}: the clock of this machine ${how} that of the S3 server`,
    {
      cause,
      context: { bucket },
      hint: `Set the clock of both with NTP (chronyd, systemd-timesyncd): S3 accepts ${SKEW_MS / 60_000} minutes of difference.`,
    },
  );
}

/** What a failed request to a bucket means; coded errors are left as they are. */
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
      hint: 'Delete it from the bucket: what is missing is computed again.',
    });
  }
  if (isClockWrong(cause)) return clockError(cause, bucket);
  if (code(cause) === 'NoSuchBucket') {
    const at = endpoint === undefined ? '' : ` --endpoint-url ${endpoint}`;
    return new CryfoldError('STORE_BUCKET_MISSING', `s3://${bucket}: there is no such bucket`, {
      ...details,
      hint: `Make it, for example with: aws s3 mb s3://${bucket}${at}`,
    });
  }
  if (isDenied(cause)) {
    return new CryfoldError('STORE_DENIED', what, {
      ...details,
      hint: 'Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (or the role of AWS_ROLE_ARN), the region and the bucket policy (docs/storage.md).',
    });
  }
  const { isTunnelled } = cause as Answer;
  return new CryfoldError('STORE_UNREACHABLE', isTunnelled ? `${what} (through a proxy)` : what, {
    ...details,
    hint: isTunnelled
      ? 'Check the proxy of HTTPS_PROXY or HTTP_PROXY; NO_PROXY names servers that are reached without it.'
      : 'Check CRYFOLD_S3_ENDPOINT, the bucket’s name, and that the server runs and is not full; for TLS, CRYFOLD_S3_CA_FILE.',
  });
}
