import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Seconds for which a rejected client may continue to send, so that it can read the response before its connection is
 * closed.
 */
const LINGER_SECONDS = 2;

/** Discards the body of a rejected request, and closes the connection if that takes too long. */
export function dropBody(request: IncomingMessage, seconds = LINGER_SECONDS): void {
  closeAfter(Math.min(LINGER_SECONDS, seconds), request, request);
}

/**
 * Discards whatever the client still sends, and closes its connection unless `awaited` finishes within the given number
 * of seconds.
 */
export function closeAfter(seconds: number, request: IncomingMessage, awaited: IncomingMessage | ServerResponse): void {
  if (request.socket.destroyed) return;
  const timer = setTimeout(() => request.socket.destroy(), seconds * 1000).unref();
  for (const event of ['end', 'close']) awaited.once(event, () => clearTimeout(timer));
  request.resume();
}
