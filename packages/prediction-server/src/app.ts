import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { connectionBudget, type Logger, limitConnections, RepeatedErrors, type Tokens } from '@cryfold/runtime';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { Arrivals } from './arrivals.js';
import { errorAnswer } from './http-errors.js';
import type { ModelHost } from './model-host.js';
import { type Predicting, predictRequest } from './predict-request.js';
import { MAX_FILES } from './receive.js';
import { ERROR_SCHEMA, MODEL_SCHEMA, PREDICTION_SCHEMA, QUERY_SCHEMA } from './schemas.js';
import { askForTokens } from './token-access.js';

export interface AppOptions extends Omit<Predicting, 'arrivals' | 'connections' | 'nameOf'> {
  /** The tokens of clients that may send requests */
  access: Tokens;
  host: ModelHost;
  textFormat: string;
  log: Logger;
  version: string;
}

/** Maximum number of connections. The actual limit is lower if the process may open only a few files. */
const MAX_CONNECTIONS = 256;
/** Time limit in seconds for the headers of a request. */
const HEADERS_SECONDS = 10;
/** Content types that are accepted. The actual format is detected from the content. */
const AUDIO = [
  ...[
    'audio/wav',
    'audio/wave',
    'audio/x-wav',
    'audio/vnd.wave',
    'audio/flac',
    'audio/x-flac',
    'audio/ogg',
    'audio/opus',
  ],
  ...['audio/mpeg', 'audio/mp3', 'audio/mp4', 'audio/x-m4a', 'audio/aac', 'audio/3gpp', 'audio/webm', 'video/webm'],
  ...['audio/aiff', 'audio/x-aiff', 'audio/x-caf', 'audio/basic', 'application/ogg', 'application/octet-stream'],
];

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
const script = (name: string) => fileURLToPath(new URL(`./page/${name}`, import.meta.url));
const JAVASCRIPT = 'text/javascript; charset=utf-8';
/** Path, file and content type of the page and of everything that it loads. */
const PAGE = [
  ['/', page('index.html'), 'text/html; charset=utf-8'],
  ['/page.css', page('page.css'), 'text/css; charset=utf-8'],
  ['/page.js', script('page.js'), JAVASCRIPT],
  ['/dom.js', script('dom.js'), JAVASCRIPT],
  ['/spectrogram.js', script('spectrogram.js'), JAVASCRIPT],
  ['/wav.js', script('wav.js'), JAVASCRIPT],
] as const;

/** Creates the HTTP service: the page, the API under /api/v1, its OpenAPI description, health and metrics. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { host, log, version, requestSeconds, access } = options;
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    // Misspelt parameters are rejected rather than ignored.
    ajv: { customOptions: { removeAdditional: false } },
    http: { connectionsCheckingInterval: 1000 },
    return503OnClosing: true,
    forceCloseConnections: 'idle',
  });
  const total = Math.min(MAX_CONNECTIONS, connectionBudget().main.total);
  // Behind a proxy, all clients may share one address.
  const connections = limitConnections(app.server, { total, perAddress: total, log });
  app.server.requestTimeout = requestSeconds * 1000;
  app.server.headersTimeout = Math.min(HEADERS_SECONDS, requestSeconds) * 1000;
  app.removeAllContentTypeParsers();
  // The handler reads the body itself, after it has admitted the request.
  app.addContentTypeParser([...AUDIO, 'multipart/form-data'], (_request, _body, done) => done(null));
  await app.register(swagger, {
    openapi: {
      info: { title: 'cryfold predictions', version, description: host.card.notice },
      tags: [{ name: 'predictions' }, { name: 'service' }],
      ...(access.tokens.length > 0 && {
        components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
        security: [{ token: [] }],
      }),
    },
  });
  addAnswers(app, options);
  const nameOf =
    access.tokens.length === 0 ? () => undefined : await askForTokens(app, { ...access, connections, log });
  for (const [path, file, type] of PAGE) {
    const bytes = await readFile(file);
    app.get(path, { config: { tokenless: true }, schema: { hide: true } }, (_request, reply) =>
      reply.type(type).send(bytes),
    );
  }
  addModelRoutes(app, { ...options, connections, nameOf, arrivals: new Arrivals() });
  addServiceRoutes(app, options);
  return app;
}

/** Adds headers, metrics and error handling to all responses. */
function addAnswers(app: FastifyInstance, { metrics, log }: AppOptions): void {
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(POLICY);
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    metrics.add('cryfold_serve_requests_total', { route, status: reply.statusCode });
    metrics.observe('cryfold_serve_request_seconds', { route }, reply.elapsedTime / 1000);
  });
  const errors = new RepeatedErrors(log);
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = errorAnswer(error);
    const { code, message } = body.error;
    if (code === 'INTERNAL') errors.error({ err: error, path: request.url }, 'request failed');
    // Rejected requests are not logged, because there are many of them under load. A metric counts them.
    else if (status >= 500 && code !== 'SERVER_BUSY') errors.warn({ code, path: request.url }, message);
    if (status === 503) reply.header('retry-after', '2');
    return reply.code(status).send(body);
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: { code: 'NOT_FOUND', message: `there is no ${request.method} ${request.url}` } }),
  );
}

/** Routes of the model and its predictions. */
function addModelRoutes(app: FastifyInstance, predicting: Predicting): void {
  const { host } = predicting;
  app.get(
    '/api/v1/model',
    { schema: { tags: ['predictions'], summary: 'The current model', response: { 200: MODEL_SCHEMA } } },
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
        summary: 'Classify recordings, window by window',
        description: `The body is one recording (audio/wav, audio/flac, audio/ogg, audio/mpeg, ...), or up to ${MAX_FILES} of them (multipart/form-data).`,
        consumes: [...AUDIO, 'multipart/form-data'],
        querystring: QUERY_SCHEMA,
        response: { 200: PREDICTION_SCHEMA, '4xx': ERROR_SCHEMA, '5xx': ERROR_SCHEMA },
      },
    },
    (request, reply) => predictRequest(request, reply, predicting),
  );
}

/** Routes of health, metrics and the API's description. */
function addServiceRoutes(app: FastifyInstance, { host, metrics, textFormat }: AppOptions): void {
  const service = { tags: ['service'] };
  const config = { tokenless: true };
  app.get('/healthz', { config, schema: { ...service, summary: 'Whether the process responds' } }, async () => 'ok\n');
  app.get(
    '/readyz',
    { config, schema: { ...service, summary: 'Whether the service is ready to predict' } },
    async (_request, reply) =>
      reply.code(host.ready ? 200 : 503).send({ ready: host.ready, checks: { model: host.ready ? 'ok' : 'loading' } }),
  );
  app.get('/metrics', { schema: { ...service, summary: 'Metrics for Prometheus' } }, async (_request, reply) =>
    reply.type(textFormat).send(await metrics.text()),
  );
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
