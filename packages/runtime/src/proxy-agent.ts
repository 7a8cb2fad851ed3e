import type { Agent, AgentOptions } from 'node:http';
import type { Socket } from 'node:net';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';

/**
 * Returns the proxy for a URL according to HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in upper or lower case, as in other
 * programs. Loopback addresses never use a proxy, because no proxy can reach this machine's own services.
 * @returns undefined if the URL is contacted directly, or if the variable does not contain the URL of an http(s) proxy
 */
export function proxyFor(url: string): string | undefined {
  const { hostname } = new URL(url);
  if (/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return undefined;
  const proxy = getProxyForUrl(url);
  return /^https?:/i.test(proxy) && URL.canParse(proxy) ? proxy : undefined;
}

interface TunnelOptions extends AgentOptions {
  /** Timeout in milliseconds for a proxy to open a tunnel. */
  patienceMs: number;
}

/**
 * Limits the time for opening a tunnel. Until a tunnel is open, a request has no socket, so its own timeout does not
 * run yet.
 */
class Tunnels extends HttpsProxyAgent<string> {
  readonly #patienceMs: number;

  constructor(proxy: string, { patienceMs, ...options }: TunnelOptions) {
    super(proxy, options);
    this.#patienceMs = patienceMs;
  }

  override async connect(...[request, options]: Parameters<HttpsProxyAgent<string>['connect']>): Promise<Socket> {
    const stop = new AbortController();
    // The socket must be created with these options before the first await.
    this.connectOpts = { ...this.connectOpts, signal: stop.signal };
    const timer = setTimeout(() => stop.abort(), this.#patienceMs);
    try {
      return await super.connect(request, options);
    } catch (cause) {
      if (!stop.signal.aborted) throw cause;
      throw new Error(`the proxy did not respond within ${this.#patienceMs} ms`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * Returns the agent for Node's own requests to a URL. It opens tunnels, so the proxy sees no token. If the proxy
 * refuses, its response looks as if it came from the server, but the request emits `proxyConnect` with this response
 * first.
 * @returns undefined if the URL is contacted directly
 */
export function proxyAgent(url: string, options: TunnelOptions): Agent | undefined {
  const proxy = proxyFor(url);
  return proxy === undefined ? undefined : new Tunnels(proxy, options);
}
