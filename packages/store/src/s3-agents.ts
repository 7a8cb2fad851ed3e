import http from 'node:http';
import https from 'node:https';
import { proxyAgent } from '@cryfold/runtime/proxy-agent';

/**
 * The connections to an S3 server: direct ones, or tunnels through the proxy that the environment variables specify.
 * This is decided for each host, since Amazon uses separate hosts for buckets and regions.
 */
export class Agents {
  readonly #direct: http.Agent;
  readonly #options: http.AgentOptions & { patienceMs: number };
  /** Agents by the server's origin; undefined if the server is contacted directly */
  readonly #tunnels = new Map<string, http.Agent | undefined>();

  /** @param silenceMs timeout in milliseconds for a proxy that does not respond */
  constructor(protocol: 'http:' | 'https:', silenceMs: number) {
    const options = { keepAlive: true, maxSockets: 32 };
    this.#direct = protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
    this.#options = { ...options, patienceMs: silenceMs };
  }

  /** @param origin `https://HOST:PORT` */
  of(origin: string): { agent: http.Agent; isTunnel: boolean } {
    if (!this.#tunnels.has(origin)) this.#tunnels.set(origin, proxyAgent(origin, this.#options));
    const tunnel = this.#tunnels.get(origin);
    return { agent: tunnel ?? this.#direct, isTunnel: tunnel !== undefined };
  }

  destroy(): void {
    this.#direct.destroy();
    for (const tunnel of this.#tunnels.values()) tunnel?.destroy();
  }
}
