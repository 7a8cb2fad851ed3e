import { CryfoldError } from '@cryfold/core';
import { SourceFailure } from './artifact-store.js';

/** Where trying again with the same request cannot help. */
const FINAL = new Set([
  'NoSuchKey',
  'NotFound',
  'PreconditionFailed',
  'NoSuchUpload',
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'NoSuchBucket',
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
const DENIED = new Set(['AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'InvalidToken']);
export const ABSENT = new Set(['NoSuchKey', 'NotFound']);
/** The tried-again error of a body that is not what was put. */
export class Damaged extends Error {}

export function code(error: unknown): string {
  return (error as { code?: string } | undefined)?.code ?? '';
}

/** Whether trying again cannot help. */
export function isFinal(error: unknown): boolean {
  return error instanceof CryfoldError || error instanceof SourceFailure || FINAL.has(code(error));
}

/** What a failed request to a bucket means; coded errors are left as they are. */
export function storeError(cause: unknown, key: string, bucket: string): unknown {
  if (cause instanceof CryfoldError || cause instanceof SourceFailure) return cause;
  const details = { cause, context: { key, bucket } };
  const what = `s3://${bucket}: ${key}: ${code(cause) || (cause as Error).message}`;
  if (cause instanceof Damaged) {
    return new CryfoldError('ARTIFACT_CORRUPT', cause.message, {
      ...details,
      hint: 'Delete it from the bucket: what is missing is computed again.',
    });
  }
  if (DENIED.has(code(cause))) {
    return new CryfoldError('STORE_DENIED', what, {
      ...details,
      hint: 'Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, the region and the bucket policy (docs/storage.md).',
    });
  }
  return new CryfoldError('STORE_UNREACHABLE', what, {
    ...details,
    hint: 'Check CRYFOLD_S3_ENDPOINT, the bucket’s name, and that the server runs and is not full; for TLS, CRYFOLD_S3_CA_FILE.',
  });
}
