import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';
import { Agent, DecoratorHandler, type Dispatcher, Pool, ProxyAgent, setGlobalDispatcher } from 'undici';

/**
 * The proxy for a URL by HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in capitals or not, which every program of a machine
 * shares. Loopback is always asked directly: no proxy reaches this machine's own services.
 * @returns undefined where the URL is asked directly, as where the variable names no http(s) proxy
 */
function proxyFor(url: string): string | undefined {
  const { hostname } = new URL(url);
  if (/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return undefined;
  const proxy = getProxyForUrl(url);
  return /^https?:/i.test(proxy) && URL.canParse(proxy) ? proxy : undefined;
}

/** Has `fetch` go through the proxies that the environment names; each request is tunnelled, so a proxy sees no token. */
export function fetchThroughProxies(): void {
  const factory = (origin: string | URL, options: object): Dispatcher => {
    const proxy = proxyFor(String(origin));
    if (proxy === undefined) return new Pool(origin, options);
    return new ProxyAgent({ ...options, uri: proxy }).compose(explainRefusals);
  };
  setGlobalDispatcher(new Agent({ factory }));
}

/** Has an error say what a proxy answered: fetch says of undici's own error only that the request was cancelled. */
const explainRefusals: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) =>
  dispatch(options, new RefusalHandler(handler));

class RefusalHandler extends DecoratorHandler {
  readonly #handler: Dispatcher.DispatchHandlers;

  constructor(handler: Dispatcher.DispatchHandlers) {
    super(handler);
    this.#handler = handler;
  }

  onError(error: Error): void {
    const { message } = error;
    this.#handler.onError?.(message.startsWith('Proxy response') ? new Error(message, { cause: error }) : error);
  }
}

/** Makes the connections of Node's own requests to a URL; undefined where it is asked directly. */
export function proxyAgent(url: string): HttpsProxyAgent<string> | undefined {
  const proxy = proxyFor(url);
  return proxy === undefined ? undefined : new HttpsProxyAgent(proxy, { keepAlive: true });
}
