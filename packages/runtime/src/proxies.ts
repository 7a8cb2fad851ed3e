import { Agent, DecoratorHandler, type Dispatcher, Pool, ProxyAgent, setGlobalDispatcher } from 'undici';
import { proxyFor } from './proxy-agent.js';

/**
 * Makes `fetch` use the proxies set in the environment. Each request goes through a tunnel, so the proxy sees no token.
 */
export function fetchThroughProxies(): void {
  const factory = (origin: string | URL, options: object): Dispatcher => {
    const proxy = proxyFor(String(origin));
    if (proxy === undefined) return new Pool(origin, options);
    return new ProxyAgent({ ...options, uri: proxy }).compose(explainRefusals);
  };
  setGlobalDispatcher(new Agent({ factory }));
}

/** Makes errors mention the proxy's response, because fetch itself only reports that the request was cancelled. */
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
