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
  /** The client of a request, identified by its token; undefined if no token is required */
  nameOf: (request: FastifyRequest) => string | undefined;
  metrics: Metrics;
  /** Maximum size of a request in bytes */
  maxUpload: number;
  /** Time limit in seconds for receiving a request, and for sending the response */
  requestSeconds: number;
}

/** Maximum number of windows per request: enough for just over an hour of one-second clips. */
const MAX_WINDOWS = 4000;
/** Maximum size of the images in a response, before they are encoded in base64. */
const IMAGE_BYTES = 5 * 2 ** 20;

/**
 * Handles a request for predictions. Reserves a place in the spool before reading the body, and releases it when the
 * response has been sent or the client has disconnected.
 * @throws CryfoldError UPLOAD_*, SERVER_BUSY, SPOOL_FAILED, or any error that `ModelHost.predict` throws
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
    // From here on, the client is limited by the number of places instead of by the limit on connections.
    if (!place || !connections.trust(request.raw, nameOf(request) ?? clientAddress(request.ip))) {
      throw busy(`${spool.taken} requests are already being processed`);
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
  // The response must not stay in memory if the client does not read it.
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
