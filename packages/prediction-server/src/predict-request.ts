import { imageSizeOf } from '@cryfold/features/kinds';
import { predictionJson } from '@cryfold/model-registry';
import { type Connections, clientAddress, type Metrics } from '@cryfold/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Arrivals } from './arrivals.js';
import { closeAfter, dropBody } from './drop-body.js';
import type { ModelHost } from './model-host.js';
import { busy } from './prediction-queue.js';
import { checkLength, receive } from './receive.js';
import type { Place, Spool } from './spool.js';

export interface Predicting {
  host: ModelHost;
  spool: Spool;
  arrivals: Arrivals;
  connections: Connections;
  /** Whose token a request has shown; undefined where none is asked for */
  nameOf: (request: FastifyRequest) => string | undefined;
  metrics: Metrics;
  /** Of one request, bytes */
  maxUpload: number;
  /** For a request's arrival, and for the client to take the answer, seconds */
  requestSeconds: number;
}

/** Windows of one request: somewhat more than an hour of clips of a second. */
const MAX_WINDOWS = 4000;
/** Of the images in one answer, before base64. */
const IMAGE_BYTES = 5 * 2 ** 20;

/**
 * Answers a request for predictions. It is let in before any of its body is read, and its place is free again when its
 * answer is sent or its client gone.
 * @throws CryfoldError UPLOAD_*, SERVER_BUSY, SPOOL_FAILED, and as `ModelHost.predict`
 */
export async function predictRequest(request: FastifyRequest, reply: FastifyReply, options: Predicting) {
  const { host, spool, arrivals, connections, nameOf, metrics, maxUpload, requestSeconds } = options;
  const { hop, images = false } = request.query as { hop?: number; images?: boolean };
  let place: Place | undefined;
  let free = () => {};
  const freed = new Promise<void>((resolve) => {
    free = resolve;
  });
  const closed = new AbortController();
  const ended = new Promise<void>((resolve) => {
    reply.raw.once('close', () => {
      closed.abort();
      resolve();
    });
  });
  const work = async () => {
    checkLength(request.headers, maxUpload);
    place = spool.take() ?? ((await arrivals.closeSlowest()) ? spool.take() : undefined);
    // From now on, the limits of places hold instead of those of connections.
    if (!place || !connections.trust(request.raw, nameOf(request) ?? clientAddress(request.ip))) {
      throw busy(`${spool.taken} requests are being answered already`);
    }
    const arrived = arrivals.add(request.raw, freed);
    const recordings = await receive(request.raw, { spool, place, maxUpload }).finally(arrived);
    const size = imageSizeOf(host.card.features);
    const { card, predictions } = await host.predict(
      recordings,
      {
        images: images && size ? Math.floor(IMAGE_BYTES / (3 * size.height * size.width)) : 0,
        maxWindows: MAX_WINDOWS,
        ...(hop === undefined ? {} : { hopSeconds: hop }),
      },
      closed.signal,
    );
    for (const { label } of predictions.flatMap(({ windows }) => windows)) {
      metrics.add('cryfold_serve_predictions_total', { label });
    }
    return predictionJson(card, predictions);
  };
  const working = work();
  // An answer that the client does not take may not stay in memory.
  const settle = () => closeAfter(requestSeconds, request.raw, reply.raw);
  working.then(settle, () => {
    if (request.raw.complete) settle();
    else dropBody(request.raw, requestSeconds);
  });
  void Promise.allSettled([working, ended]).then(() => {
    place?.release();
    free();
  });
  return working;
}
