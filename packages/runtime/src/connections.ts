import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import type { Logger } from './logger.js';

/** Milliseconds for the headers of a request, and for the whole of a request without a token, its answer included. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 15_000;
/** Milliseconds that a client may leave an answer unread before its connection is closed. */
const UNREAD_MS = 30_000;
/** Milliseconds before the rate of a body is judged, and bytes a second that it then has on average: Kestrel's limits. */
const BODY_GRACE_MS = 5000;
const BODY_RATE = 240;
/** Milliseconds for which a new connection is not closed in favor of its own address's next one. */
const NEW_MS = 1000;
/** Milliseconds between two warnings. */
const WARN_MS = 60_000;
/** Unanswered requests on one connection. Browsers and fetch() send one. */
const PIPELINED = 16;

export interface ConnectionOptions {
  /** Connections open at once; the next one closes the oldest without a token. At least 8. */
  total: number;
  /** Of these, connections of one address (IPv6: one /64) without a token */
  perAddress: number;
  /** Absent: nothing is logged */
  log?: Logger | undefined;
}

interface Exchange {
  request: IncomingMessage;
  /** When it began, or when its rate was judged last; ms since the epoch */
  since: number;
  /** Bytes that the connection had received by then */
  bytes: number;
  /** Whose token it has */
  name: string | undefined;
  answered: boolean;
}

interface Connection {
  socket: Socket;
  address: string;
  /** When it became idle */
  since: number;
  /** When the first byte of a request was seen to be missing the rest; a new connection owes a request at once */
  owes: number | undefined;
  /** Bytes that it had received when it became idle */
  bytes: number;
  exchanges: Set<Exchange>;
}

/** The address that limits count: IPv6 clients own a /64, and IPv4 may come mapped into IPv6. */
export function clientAddress(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [head, tail] = address.split('%')[0].split('::');
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  const zeros = Array<string>(tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}

/**
 * Keeps clients without a token from exhausting a server's connections. A new connection is always accepted; where there
 * are too many, the oldest one without a token is closed, of the address that has most. Slow requests, bodies and
 * readers are closed as well. A request counts as trusted from `trust` until its answer ends, and is never closed in
 * favor of another.
 */
export class Connections {
  readonly #total: number;
  readonly #perAddress: number;
  readonly #all = new Map<Socket, Connection>();
  /** Connections without a trusted request by address, the one that is idle for longest first */
  readonly #untrusted = new Map<string, Set<Connection>>();
  readonly #names = new Map<string, number>();
  readonly #log: Logger | undefined;
  #trusted = 0;
  /** When too many connections were logged last */
  #warned = 0;

  constructor({ total, perAddress, log }: ConnectionOptions) {
    this.#log = log;
    this.#total = Math.max(8, total);
    this.#perAddress = Math.max(4, perAddress);
  }

  /** Trusted requests at once: of all tokens, and of one. */
  get trustedLimits(): { total: number; perName: number } {
    return { total: Math.floor(this.#total * 0.75), perName: Math.floor(this.#total / 2) };
  }

  /** Limits the connections of a server. Several servers may share the limits. */
  guard(server: Server): void {
    server.headersTimeout = HEADERS_MS;
    // Large uploads over slow lines take long; the rate of a body is limited instead.
    server.requestTimeout = 0;
    server.setTimeout(UNREAD_MS);
    server.on('connection', (socket) => this.#add(socket));
    server.prependListener('request', (request, response) => this.#begin(request, response));
    server.on('timeout', (socket) => {
      const working = (this.#all.get(socket)?.exchanges.size ?? 0) > 0;
      if (!working || socket.writableLength > 0) socket.destroy();
    });
    const timer = setInterval(() => this.#closeSlow(), 1000).unref();
    server.once('close', () => clearInterval(timer));
  }

  /**
   * Counts a request as one of this token's until its answer ends.
   * @returns false if there are too many of them already
   */
  trust(request: IncomingMessage, name: string): boolean {
    const connection = this.#all.get(request.socket);
    const exchange = [...(connection?.exchanges ?? [])].find((one) => one.request === request);
    if (!connection || !exchange) return true;
    const { total, perName } = this.trustedLimits;
    const own = this.#names.get(name) ?? 0;
    if (this.#trusted >= total || own >= perName) return false;
    this.#trusted++;
    this.#names.set(name, own + 1);
    exchange.name = name;
    this.#sort(connection);
    return true;
  }

  /** Closes the connections with requests of a token that is no longer valid, such as open event streams. */
  closeOf(name: string): void {
    for (const connection of [...this.#all.values()]) {
      if ([...connection.exchanges].some((exchange) => exchange.name === name)) this.#close(connection);
    }
  }

  #add(socket: Socket): void {
    const now = Date.now();
    const address = clientAddress(socket.remoteAddress ?? '');
    const connection = { socket, address, since: now, owes: now, bytes: 0, exchanges: new Set<Exchange>() };
    if (this.#all.size >= this.#total && !this.#closeOldest()) {
      socket.destroy();
      return;
    }
    this.#all.set(socket, connection);
    this.#sort(connection);
    socket.once('close', () => this.#remove(connection));
    const [oldest] = this.#untrusted.get(address) ?? [];
    const crowded = (this.#untrusted.get(address)?.size ?? 0) > this.#perAddress;
    // Many may connect at the same instant, before the first of them can be heard.
    if (oldest && crowded && now - oldest.since > NEW_MS) this.#close(oldest);
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#all.get(request.socket);
    if (!connection) return;
    const { socket, exchanges } = connection;
    const exchange = { request, since: Date.now(), bytes: socket.bytesRead, name: undefined, answered: false };
    connection.owes = undefined;
    exchanges.add(exchange);
    if (exchanges.size > PIPELINED) this.#close(connection);
    response.once('close', () => this.#answered(connection, exchange));
  }

  #answered(connection: Connection, exchange: Exchange): void {
    exchange.answered = true;
    exchange.since = Date.now();
    this.#forget(exchange);
    if (exchange.request.complete) this.#end(connection, exchange);
    else this.#sort(connection);
  }

  #end(connection: Connection, exchange: Exchange): void {
    connection.exchanges.delete(exchange);
    connection.since = Date.now();
    connection.bytes = connection.socket.bytesRead;
    this.#sort(connection);
  }

  #forget(exchange: Exchange): void {
    const { name } = exchange;
    if (name === undefined) return;
    exchange.name = undefined;
    this.#trusted--;
    const left = (this.#names.get(name) ?? 1) - 1;
    if (left > 0) this.#names.set(name, left);
    else this.#names.delete(name);
  }

  /** Puts a connection last among its address's untrusted ones, or takes it from them. */
  #sort(connection: Connection): void {
    const own = this.#untrusted.get(connection.address) ?? new Set();
    own.delete(connection);
    const trusted = [...connection.exchanges].some(({ name }) => name !== undefined);
    if (!trusted && this.#all.has(connection.socket)) own.add(connection);
    if (own.size > 0) this.#untrusted.set(connection.address, own);
    else this.#untrusted.delete(connection.address);
  }

  #remove(connection: Connection): void {
    if (!this.#all.delete(connection.socket)) return;
    for (const exchange of connection.exchanges) this.#forget(exchange);
    this.#sort(connection);
  }

  #close(connection: Connection): void {
    this.#remove(connection);
    connection.socket.destroy();
  }

  #closeOldest(): boolean {
    let most: Set<Connection> = new Set();
    for (const own of this.#untrusted.values()) if (own.size > most.size) most = own;
    const [oldest] = most;
    if (Date.now() - this.#warned > WARN_MS) {
      this.#warned = Date.now();
      const found = { connections: this.#all.size, address: oldest?.address, ofAddress: most.size };
      this.#log?.warn(found, 'too many connections: each new one closes the oldest without a token');
    }
    if (oldest) this.#close(oldest);
    return oldest !== undefined;
  }

  #closeSlow(): void {
    const now = Date.now();
    for (const connection of this.#all.values()) {
      const { socket, exchanges, bytes } = connection;
      if (exchanges.size === 0 && connection.owes === undefined && socket.bytesRead > bytes) connection.owes = now;
      const late = connection.owes !== undefined && now - connection.owes > HEADERS_MS;
      if (late || [...exchanges].some((exchange) => this.#isSlow(connection, exchange, now))) this.#close(connection);
    }
  }

  #isSlow(connection: Connection, exchange: Exchange, now: number): boolean {
    const { request, name, answered, since } = exchange;
    if (answered && request.complete) this.#end(connection, exchange);
    else if (name === undefined) return now - since > REQUEST_MS;
    else if (!request.complete && request.readableLength > 0) {
      // What has arrived waits for us, not for the client.
      exchange.since = now;
      exchange.bytes = connection.socket.bytesRead;
    } else if (!request.complete) {
      const expected = ((now - since - BODY_GRACE_MS) / 1000) * BODY_RATE;
      return connection.socket.bytesRead - exchange.bytes < expected;
    }
    return false;
  }
}

/**
 * Limits the connections of one HTTP server: see `Connections`. A server without tokens may `trust` a request in the name
 * of its client's address once its body has arrived, if its answer may take longer than 15 seconds.
 */
export function limitConnections(server: Server, options: ConnectionOptions): Connections {
  const connections = new Connections(options);
  connections.guard(server);
  return connections;
}

/** How many files and sockets this process may have open. */
function openFiles(): number {
  const { report } = process;
  // Without this, the report looks up the names of all peers.
  Object.assign(report ?? {}, { excludeNetwork: true });
  const found = report?.getReport() as { userLimits?: { open_files?: { soft?: number | string } } } | undefined;
  const soft = found?.userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : 65_536;
}

/**
 * Connections that the servers of this process may have, so that files, Redis and the store keep at least a quarter of
 * the descriptors and 128 of them where there are that many.
 * @returns `main` for the server that does the work (at most 4096), `probes` for metrics and health (at most 64)
 */
export function connectionBudget(files: number = openFiles()): { main: ConnectionOptions; probes: ConnectionOptions } {
  const forProbes = Math.min(64, Math.floor(files / 16));
  const kept = Math.max(files / 4, Math.min(128, files / 2));
  const total = Math.min(4096, Math.floor(files - kept) - forProbes);
  return {
    main: { total, perAddress: Math.min(256, Math.floor(total / 4)) },
    probes: { total: forProbes, perAddress: Math.floor(forProbes / 2) },
  };
}
