import { AsyncLocalStorage } from 'node:async_hooks';
import http from 'node:http';
import https from 'node:https';
import type { Agents } from './s3-agents.js';

/** minio-js does not read the bodies of these responses, so their sockets would never be released. */
const UNREAD = new Set([408, 429, 499, 500, 502, 503, 504, 520]);

/** Information about the last response, which minio-js does not include in its errors. */
export interface Answer {
  status?: number | undefined;
  /**
   * By how many milliseconds this machine's clock is ahead of the server's; it is only accurate to one second, the
   * resolution of the Date header
   */
  aheadMs?: number | undefined;
  /** Whether the request went through a proxy's tunnel */
  isTunnelled?: boolean;
}

const current = new AsyncLocalStorage<Answer>();

/** Runs an action. If the action throws, adds what is known about the last response to the error. */
export async function withAnswer<T>(action: () => Promise<T>): Promise<T> {
  const answer: Answer = {};
  try {
    return await current.run(answer, action);
  } catch (error) {
    if (error instanceof Error) Object.assign(error, answer);
    throw error;
  }
}

/** Makes minio-js use Node's own HTTP client, with requests that are aborted if the server stops sending data. */
export function transport(
  agents: Agents,
  { certificates, silenceMs }: { certificates: string | undefined; silenceMs: number },
): Pick<typeof http, 'request'> {
  const request = (
    options: https.RequestOptions & { headers: { host: string } },
    answered: (response: http.IncomingMessage) => void,
  ) => {
    const answer = current.getStore();
    const { agent, isTunnel } = agents.of(`${options.protocol}//${options.headers.host}`);
    if (answer) answer.isTunnelled = isTunnel;
    const { request: send } = options.protocol === 'https:' ? https : http;
    const sent = send({ ...options, agent, ...(certificates && { ca: certificates }) }, (response) => {
      const { statusCode = 0, headers } = response;
      const date = Date.parse(headers.date ?? '');
      if (answer) {
        Object.assign(answer, { status: statusCode, aheadMs: Number.isNaN(date) ? undefined : Date.now() - date });
      }
      if (UNREAD.has(statusCode)) response.resume();
      answered(response);
    });
    failWithProxy(sent);
    sent.setTimeout(silenceMs, () => sent.destroy(new Error(`no response within ${silenceMs} ms`)));
    return sent;
  };
  return { request } as Pick<typeof http, 'request'>;
}

/**
 * Makes a request fail if a proxy refuses to open a tunnel. Otherwise the response of the proxy would look like a
 * response of the server.
 */
export function failWithProxy(request: http.ClientRequest): void {
  request.once('proxyConnect', ({ statusCode }: { statusCode: number }) => {
    if (statusCode !== 200) request.destroy(new Error(`the proxy responded with status ${statusCode}`));
  });
}
