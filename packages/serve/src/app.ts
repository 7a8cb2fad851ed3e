import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CryfoldError } from '@cryfold/core';
import { predictionJson } from '@cryfold/models';
import type { Logger, Metrics } from '@cryfold/runtime';
import multipart from '@fastify/multipart';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import { errorAnswer } from './http-errors.js';
import type { Recording } from './messages.js';
import type { ModelHost } from './model-host.js';
import { ERROR_SCHEMA, MODEL_SCHEMA, PREDICTION_SCHEMA, QUERY_SCHEMA } from './schemas.js';

export interface AppOptions {
  host: ModelHost;
  metrics: Metrics;
  textFormat: string;
  log: Logger;
  version: string;
  /** Of one request, bytes */
  maxUpload: number;
  /** For a request's arrival, seconds */
  requestSeconds: number;
}

/** Recordings of one request. */
const MAX_FILES = 16;
const AUDIO = ['audio/wav', 'audio/wave', 'audio/x-wav', 'audio/vnd.wave', 'application/octet-stream'];

const POLICY = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'microphone=(self), camera=(), geolocation=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

const page = (name: string) => fileURLToPath(new URL(`../../page/${name}`, import.meta.url));
/** Path, file and type of what the page is made of. */
const PAGE = [
  ['/', page('index.html'), 'text/html; charset=utf-8'],
  ['/page.css', page('page.css'), 'text/css; charset=utf-8'],
  ['/page.js', fileURLToPath(new URL('./page/page.js', import.meta.url)), 'text/javascript; charset=utf-8'],
] as const;

/** The HTTP service: the page, the API under /api/v1, its OpenAPI description, health and metrics. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { host, metrics, textFormat, log, version, maxUpload, requestSeconds } = options;
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    // A misspelt parameter is refused rather than left out.
    ajv: { customOptions: { removeAdditional: false } },
    bodyLimit: maxUpload,
    requestTimeout: requestSeconds * 1000,
    connectionTimeout: 2 * requestSeconds * 1000,
    return503OnClosing: true,
    forceCloseConnections: 'idle',
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(AUDIO, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  await app.register(multipart, { limits: { fileSize: maxUpload, files: MAX_FILES, fields: 0, parts: MAX_FILES } });
  await app.register(swagger, {
    openapi: {
      info: { title: 'cryfold predictions', version, description: host.card.notice },
      tags: [{ name: 'predictions' }, { name: 'service' }],
    },
  });
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(POLICY);
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    metrics.add('cryfold_serve_requests_total', { route, status: reply.statusCode });
    metrics.observe('cryfold_serve_request_seconds', { route }, reply.elapsedTime / 1000);
  });
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = errorAnswer(error);
    if (status >= 500) request.log.error({ err: error }, 'request failed');
    if (status === 503) reply.header('retry-after', '2');
    // The rest of an upload that is refused is not waited for.
    if (status === 413) reply.header('connection', 'close');
    return reply.code(status).send(body);
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: { code: 'NOT_FOUND', message: `there is no ${request.method} ${request.url}` } }),
  );

  for (const [path, file, type] of PAGE) {
    const bytes = await readFile(file);
    app.get(path, { schema: { hide: true } }, (_request, reply) => reply.type(type).send(bytes));
  }
  app.get(
    '/api/v1/model',
    { schema: { tags: ['predictions'], summary: 'The model that answers', response: { 200: MODEL_SCHEMA } } },
    async () => {
      const { name, version, created, notice, intendedUse, limits, data, features, metrics: figures } = host.card;
      return { name, version, created, notice, intendedUse, limits, data, features, metrics: figures };
    },
  );
  app.post(
    '/api/v1/predict',
    {
      schema: {
        tags: ['predictions'],
        summary: 'Classify WAV recordings, window by window',
        description: `The body is one WAV file (audio/wav), or up to ${MAX_FILES} of them (multipart/form-data).`,
        consumes: [...AUDIO, 'multipart/form-data'],
        querystring: QUERY_SCHEMA,
        response: { 200: PREDICTION_SCHEMA, '4xx': ERROR_SCHEMA, '5xx': ERROR_SCHEMA },
      },
    },
    async (request) => {
      const { hop, images = false } = request.query as { hop?: number; images?: boolean };
      const recordings = await readRecordings(request);
      const { card, predictions } = await host.predict(recordings, {
        images,
        ...(hop === undefined ? {} : { hopSeconds: hop }),
      });
      for (const { label } of predictions.flatMap(({ windows }) => windows)) {
        metrics.add('cryfold_serve_predictions_total', { label });
      }
      return predictionJson(card, predictions);
    },
  );
  const service = { tags: ['service'] };
  app.get('/healthz', { schema: { ...service, summary: 'Whether the process answers' } }, async () => 'ok\n');
  app.get('/readyz', { schema: { ...service, summary: 'Whether predictions are answered' } }, async (_request, reply) =>
    reply.code(host.ready ? 200 : 503).send({ ready: host.ready, checks: { model: host.ready ? 'ok' : 'loading' } }),
  );
  app.get('/metrics', { schema: { ...service, summary: 'Metrics for Prometheus' } }, async (_request, reply) =>
    reply.type(textFormat).send(await metrics.text()),
  );
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  return app;
}

/** @throws CryfoldError UPLOAD_INVALID */
async function readRecordings(request: FastifyRequest): Promise<Recording[]> {
  if (!request.isMultipart()) {
    if (Buffer.isBuffer(request.body) && request.body.length > 0) return [{ name: 'recording', bytes: request.body }];
    throw new CryfoldError('UPLOAD_INVALID', 'the request has no body', { hint: 'Send a WAV file as audio/wav.' });
  }
  const recordings: Recording[] = [];
  try {
    for await (const file of request.files()) {
      // A name comes from a stranger and goes back into messages.
      const name = file.filename.replace(/[^\p{L}\p{N} ._-]/gu, '_').slice(0, 80) || 'recording';
      recordings.push({ name, bytes: await file.toBuffer() });
    }
  } catch (cause) {
    // The parser's own complaints have no code.
    if ((cause as { statusCode?: number }).statusCode !== undefined) throw cause;
    throw new CryfoldError('UPLOAD_INVALID', `the form cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (recordings.length === 0) throw new CryfoldError('UPLOAD_INVALID', 'the form holds no file');
  return recordings;
}
