import type http from 'node:http';
import type https from 'node:https';

/** minio-js leaves bodies of these answers unread, which would hold their sockets. */
const UNREAD = new Set([408, 429, 499, 500, 502, 503, 504, 520]);

/** Node's own requests, given up when the server falls silent. */
export function transport(kind: typeof http | typeof https, silenceMs: number): Pick<typeof http, 'request'> {
  const request = (options: https.RequestOptions, answered: (response: http.IncomingMessage) => void) => {
    const sent = kind.request(options, (response) => {
      if (UNREAD.has(response.statusCode ?? 0)) response.resume();
      answered(response);
    });
    sent.setTimeout(silenceMs, () => sent.destroy(new Error(`no answer within ${silenceMs} ms`)));
    return sent;
  };
  return { request } as Pick<typeof http, 'request'>;
}
