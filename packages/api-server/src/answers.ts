import type { Socket } from 'node:net';
import { CryfoldError, type ErrorCode, errorRecordSchema } from '@cryfold/core';
import { type Logger, RepeatedErrors } from '@cryfold/runtime';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';

/** Body of all error responses: the same coded error that the command line prints. */
export const errorAnswer = z.object({ error: errorRecordSchema });

/** Response schemas of a route: the route's own schema for success, and the error schema for everything else. */
export const answers = <T extends z.ZodType>(ok: T) => ({ 200: ok, '4xx': errorAnswer, '5xx': errorAnswer });

const STATUSES: Partial<Record<ErrorCode, number>> = {
  API_INVALID: 400,
  API_UNAUTHORIZED: 401,
  API_FORBIDDEN: 403,
  API_NOT_FOUND: 404,
  API_METHOD_NOT_ALLOWED: 405,
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

/** Converts anything that a route throws into a response with a coded error. */
export function onError(log: Logger) {
  const errors = new RepeatedErrors(log);
  return (thrown: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const error = codedError(thrown);
    if (error.code === 'API_DEFECT') errors.error({ err: thrown, path: request.url }, 'request failed');
    else if (statusOf(error) >= 500) errors.warn({ code: error.code, path: request.url }, error.message);
    return sendError(reply, error);
  };
}

/** Error response for plugins that have an error handler of their own. */
export function errorResponse(thrown: Error): { status: 500; body: z.infer<typeof errorAnswer> } {
  const error = codedError(thrown as FastifyError);
  // Bull Board's types include only some of its status codes.
  return { status: statusOf(error) as 500, body: { error: error.toRecord() } };
}

function codedError(thrown: FastifyError): CryfoldError {
  if (thrown instanceof CryfoldError) return thrown;
  if (hasZodFastifySchemaValidationErrors(thrown)) {
    const [{ instancePath, message }] = thrown.validation;
    const where = `${thrown.validationContext ?? 'request'}${instancePath.replaceAll('/', '.')}`;
    return new CryfoldError('API_INVALID', `${where}: ${message}`);
  }
  if (thrown.statusCode !== undefined && thrown.statusCode >= 400 && thrown.statusCode < 500) return refusal(thrown);
  return new CryfoldError('API_DEFECT', 'internal error; see the log of the server');
}

/** Converts Fastify's own errors to cryfold's codes. */
function refusal({ statusCode, message }: FastifyError): CryfoldError {
  return new CryfoldError(statusCode === 413 ? 'ARTIFACT_TOO_LARGE' : 'API_INVALID', message);
}

/** Responds to a path that cannot be decoded or is too long. Fastify runs no hooks for such a path. */
export function onBadPath(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  const known = error.code === 'FST_ERR_BAD_URL' ? 'the path cannot be decoded' : 'a part of the path is too long';
  void sendError(reply, new CryfoldError('API_INVALID', known));
}

const MALFORMED: Record<string, [status: string, message: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the request took too long to arrive'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'the headers are longer than 16 KiB'],
};

/** Responds to invalid HTTP, and closes the connection. */
export function onMalformed({ code }: Error & { code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || socket.destroyed) return;
  const [status, message] = MALFORMED[code ?? ''] ?? ['400 Bad Request', 'the request is not valid HTTP'];
  const body = JSON.stringify({ error: new CryfoldError('API_INVALID', message).toRecord() });
  const head = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
  if (socket.writable) socket.write(`HTTP/1.1 ${status}\r\n${head}\r\n\r\n${body}`);
  socket.destroy();
}
