import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';
import { Agent, DecoratorHandler, type Dispatcher, Pool, ProxyAgent, setGlobalDispatcher } from 'undici';

/**
 * The proxy for a URL according to HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in upper or lower case, as for other programs.
 * Loopback is always contacted directly, because no proxy reaches this machine's own services.
 * @returns undefined if the URL is contacted directly, also if the variable does not name an http(s) proxy
 */
function proxyFor(url: string): string | undefined {
  const { hostname } = new URL(url);
  if (/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return undefined;
  const proxy = getProxyForUrl(url);
  return /^https?:/i.test(proxy) && URL.canParse(proxy) ? proxy : undefined;
}

/** Makes `fetch` use the proxies of the environment. Each request is tunnelled, so a proxy sees no token. */
export function fetchThroughProxies(): void {
  const factory = (origin: string | URL, options: object): Dispatcher => {
    const proxy = proxyFor(String(origin));
    if (proxy === undefined) return new Pool(origin, options);
    return new ProxyAgent({ ...options, uri: proxy }).compose(explainRefusals);
  };
  setGlobalDispatcher(new Agent({ factory }));
}

/** Makes an error report the response of a proxy: without it, fetch only reports that the request was cancelled. */
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

/** The agent for Node's own requests to a URL; undefined if it is contacted directly. */
export function proxyAgent(url: string): HttpsProxyAgent<string> | undefined {
  const proxy = proxyFor(url);
  return proxy === undefined ? undefined : new HttpsProxyAgent(proxy, { keepAlive: true });
}
