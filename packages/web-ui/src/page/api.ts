const BASE = '/api/v1';

/** An error that the API has returned. */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint?: string,
    /** Whether the error is permanent, so that retrying would be useless */
    readonly lasting = false,
  ) {
    super(`${code}: ${message}`);
  }
}

/** Sends a request to the API. @throws Refusal */
export async function ask<T>(path: string, method = 'GET', body?: unknown): Promise<T> {
  const init: RequestInit = { method };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { 'content-type': 'application/json' };
  }
  const response = await fetch(BASE + path, init);
  const answer = await response.json().catch(() => undefined);
  if (response.ok) return answer as T;
  throw refusal(response.status, answer);
}

// biome-ignore lint/suspicious/noExplicitAny: any JSON value
function refusal(status: number, answer: any): Refusal {
  if (!answer?.error) return new Refusal(String(status), 'the server sent no error code');
  const { code, message, hint } = answer.error;
  return new Refusal(code, message, hint, status < 500 && status !== 401 && status !== 429);
}

/**
 * Requests a refused stream again to find out the reason, which an EventSource does not expose. Returns undefined if
 * the stream is no longer refused.
 */
async function whyRefused(path: string): Promise<Refusal | undefined> {
  const response = await fetch(BASE + path).catch(() => undefined);
  if (!response?.ok) return response && refusal(response.status, await response.json().catch(() => undefined));
  await response.body?.cancel();
  return undefined;
}

/** Milliseconds before a lost stream is reopened: the initial value, which is doubled each time, and the maximum. */
const [FIRST_MS, LAST_MS] = [2000, 30_000];

/**
 * Subscribes to a stream of events. After a short interruption, the browser itself reconnects within a second and sends
 * the id of the last event, so that the server sends the events that were missed. If the server stays unreachable, this
 * function reconnects with exponential backoff and gets a new snapshot. It calls `refused` if the response is not a
 * stream.
 */
export function listen<S, C>(
  path: string,
  on: {
    snapshot: (state: S) => void;
    change: (change: C) => void;
    connected: (is: boolean) => void;
    refused: (why: Refusal) => void;
  },
): () => void {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = FIRST_MS;
  let ended = false;
  const open = () => {
    let lost = 0;
    source = new EventSource(BASE + path);
    source.addEventListener('open', () => {
      lost = 0;
      wait = FIRST_MS;
      on.connected(true);
    });
    source.addEventListener('error', () => {
      on.connected(false);
      const refused = source.readyState === EventSource.CLOSED;
      lost++;
      // Let the browser itself reconnect the first time, since it sends the id of the last event.
      if (!refused && lost === 1 && wait === FIRST_MS) return;
      source.close();
      timer = setTimeout(open, wait);
      wait = Math.min(2 * wait, LAST_MS);
      if (refused) void whyRefused(path).then((why) => why && !ended && on.refused(why));
    });
    source.addEventListener('snapshot', ({ data }) => on.snapshot(JSON.parse(data)));
    source.addEventListener('change', ({ data }) => on.change(JSON.parse(data)));
  };
  open();
  return () => {
    ended = true;
    clearTimeout(timer);
    source.close();
  };
}
