import type { IncomingMessage, ServerResponse } from 'node:http';

/** Seconds in which a refused client may still send, and so read the refusal before its connection is closed. */
const LINGER_SECONDS = 2;

/** Discards the body of a request that is refused, and closes its connection where that takes long. */
export function dropBody(request: IncomingMessage, seconds = LINGER_SECONDS): void {
  closeAfter(Math.min(LINGER_SECONDS, seconds), request, request);
}

/** Discards what the client still sends, and closes its connection unless `awaited` has ended by then. */
export function closeAfter(seconds: number, request: IncomingMessage, awaited: IncomingMessage | ServerResponse): void {
  if (request.socket.destroyed) return;
  const timer = setTimeout(() => request.socket.destroy(), seconds * 1000).unref();
  for (const event of ['end', 'close']) awaited.once(event, () => clearTimeout(timer));
  request.resume();
}
