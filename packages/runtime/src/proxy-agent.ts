import type { Agent, AgentOptions } from 'node:http';
import type { Socket } from 'node:net';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';

/**
 * The proxy for a URL according to HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in upper or lower case, as for other programs.
 * Loopback is always contacted directly, because no proxy reaches this machine's own services.
 * @returns undefined if the URL is contacted directly, also if the variable does not name an http(s) proxy
 */
export function proxyFor(url: string): string | undefined {
  const { hostname } = new URL(url);
  if (/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return undefined;
  const proxy = getProxyForUrl(url);
  return /^https?:/i.test(proxy) && URL.canParse(proxy) ? proxy : undefined;
}

interface TunnelOptions extends AgentOptions {
  /** A proxy is given up when it has opened no tunnel after this long, milliseconds. */
  patienceMs: number;
}

/** Opens tunnels in a limited time: a request has no socket until then, so that its own timeout does not count yet. */
class Tunnels extends HttpsProxyAgent<string> {
  readonly #patienceMs: number;

  constructor(proxy: string, { patienceMs, ...options }: TunnelOptions) {
    super(proxy, options);
    this.#patienceMs = patienceMs;
  }

  override async connect(...[request, options]: Parameters<HttpsProxyAgent<string>['connect']>): Promise<Socket> {
    const stop = new AbortController();
    // The socket is made of these before the first await.
    this.connectOpts = { ...this.connectOpts, signal: stop.signal };
    const timer = setTimeout(() => stop.abort(), this.#patienceMs);
    try {
      return await super.connect(request, options);
    } catch (cause) {
      if (!stop.signal.aborted) throw cause;
      throw new Error(`the proxy does not answer within ${this.#patienceMs} ms`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * The agent for Node's own requests to a URL. It opens tunnels, so a proxy sees no token. If the proxy refuses, its
 * response looks like that of the server; the request emits `proxyConnect` with it before.
 * @returns undefined if the URL is contacted directly
 */
export function proxyAgent(url: string, options: TunnelOptions): Agent | undefined {
  const proxy = proxyFor(url);
  return proxy === undefined ? undefined : new Tunnels(proxy, options);
}
