import { CryfoldError, type ErrorCode, errorRecordSchema } from '@cryfold/core';
import type { Logger } from '@cryfold/runtime';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';

/** What every answer but success holds: the same coded error that the command line prints. */
export const errorAnswer = z.object({ error: errorRecordSchema });

const STATUSES: Partial<Record<ErrorCode, number>> = {
  API_INVALID: 400,
  API_UNAUTHORIZED: 401,
  API_FORBIDDEN: 403,
  RUN_NOT_FOUND: 404,
  MODEL_NOT_FOUND: 404,
  ARTIFACT_MISSING: 404,
  USAGE: 409,
  PROMOTION_LOST: 409,
  ARTIFACT_TOO_LARGE: 413,
  API_BUSY: 429,
  API_DEFECT: 500,
};

function statusOf({ code, failure }: CryfoldError): number {
  return STATUSES[code] ?? { usage: 400, input: 422, infrastructure: 503, crash: 500 }[failure];
}

export function sendError(reply: FastifyReply, error: CryfoldError): FastifyReply {
  return reply
    .code(statusOf(error))
    .type('application/json')
    .serializer(JSON.stringify)
    .send({ error: error.toRecord() });
}

/** Turns whatever a route throws into a coded answer. */
export function onError(log: Logger) {
  return (thrown: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    if (thrown instanceof CryfoldError) {
      if (statusOf(thrown) >= 500) log.warn({ code: thrown.code, path: request.url }, thrown.message);
      return sendError(reply, thrown);
    }
    if (hasZodFastifySchemaValidationErrors(thrown)) {
      const [{ instancePath, message }] = thrown.validation;
      const where = `${thrown.validationContext ?? 'request'}${instancePath.replaceAll('/', '.')}`;
      return sendError(reply, new CryfoldError('API_INVALID', `${where}: ${message}`));
    }
    if (thrown.statusCode !== undefined && thrown.statusCode >= 400 && thrown.statusCode < 500) {
      const code = thrown.statusCode === 413 ? 'ARTIFACT_TOO_LARGE' : 'API_INVALID';
      return sendError(reply, new CryfoldError(code, thrown.message));
    }
    log.error({ err: thrown, path: request.url }, 'request failed');
    return sendError(reply, new CryfoldError('API_DEFECT', 'the request met a defect of cryfold'));
  };
}
