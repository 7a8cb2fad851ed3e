import type { Agent, AgentOptions } from 'node:http';
import type { Socket } from 'node:net';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';

/**
 * The proxy for a URL by HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in capitals or not, which every program of a machine
 * shares. Loopback is always asked directly: no proxy reaches this machine's own services.
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
 * Makes the connections of Node's own requests to a URL: tunnels, so that a proxy sees no token. What a proxy answers
 * instead of opening one looks like the server's own answer; a request emits `proxyConnect` with it before.
 * @returns undefined where the URL is asked directly
 */
export function proxyAgent(url: string, options: TunnelOptions): Agent | undefined {
  const proxy = proxyFor(url);
  return proxy === undefined ? undefined : new Tunnels(proxy, options);
}
