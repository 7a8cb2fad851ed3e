const BASE = '/api/v1';

/** What the API says went wrong. */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint?: string,
    /** Whether asking again would change nothing */
    readonly lasting = false,
  ) {
    super(`${code}: ${message}`);
  }
}

/** Asks the API. @throws Refusal */
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

// biome-ignore lint/suspicious/noExplicitAny: whatever was answered
function refusal(status: number, answer: any): Refusal {
  if (!answer?.error) return new Refusal(String(status), 'no coded answer');
  const { code, message, hint } = answer.error;
  return new Refusal(code, message, hint, status < 500 && status !== 401 && status !== 429);
}

/** Why a stream was refused, which an EventSource does not tell; undefined where it is not any more. */
async function whyRefused(path: string): Promise<Refusal | undefined> {
  const response = await fetch(BASE + path).catch(() => undefined);
  if (!response?.ok) return response && refusal(response.status, await response.json().catch(() => undefined));
  await response.body?.cancel();
  return undefined;
}

/** Milliseconds before a lost stream is opened anew: the first, doubled each time, and the last. */
const [FIRST_MS, LAST_MS] = [2000, 30_000];

/**
 * Hears a stream of events until ended. After a short disconnect the browser comes back by itself within a second and
 * tells the last event's id, so that the server sends what was missed; of a server that stays away it is asked ever less
 * often, and all is told anew. `refused` is told an answer that is no stream.
 */
export function listen<S, C>(
  path: string,
  heard: {
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
      heard.connected(true);
    });
    source.addEventListener('error', () => {
      heard.connected(false);
      const refused = source.readyState === EventSource.CLOSED;
      lost++;
      // Once is left to the browser, which knows the last event's id.
      if (!refused && lost === 1 && wait === FIRST_MS) return;
      source.close();
      timer = setTimeout(open, wait);
      wait = Math.min(2 * wait, LAST_MS);
      if (refused) void whyRefused(path).then((why) => why && !ended && heard.refused(why));
    });
    source.addEventListener('snapshot', ({ data }) => heard.snapshot(JSON.parse(data)));
    source.addEventListener('change', ({ data }) => heard.change(JSON.parse(data)));
  };
  open();
  return () => {
    ended = true;
    clearTimeout(timer);
    source.close();
  };
}
