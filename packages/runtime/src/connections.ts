import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import type { Logger } from './logger.js';

/**
 * Time limits in milliseconds: for receiving a request's headers, and for an entire request without a token, including
 * its response.
 */
const HEADERS_MS = 10_000;
const REQUEST_MS = 15_000;
/** Milliseconds that a client may leave a response unread before its connection is closed. */
const UNREAD_MS = 30_000;
/**
 * Milliseconds after which the transfer rate of a request body is checked, and its minimum average rate in bytes per
 * second. These are Kestrel's limits.
 */
const BODY_GRACE_MS = 5000;
const BODY_RATE = 240;
/**
 * A connection that is newer than this many milliseconds is never closed to make room for another one from the same
 * address.
 */
const NEW_MS = 1000;
/** Minimum time between warnings, in milliseconds. */
const WARN_MS = 60_000;
/** Maximum number of pending requests per connection. Browsers and fetch() send one request at a time. */
const PIPELINED = 16;

export interface ConnectionOptions {
  /**
   * Maximum number of open connections, at least 8. Once this number is reached, the oldest connection without a token
   * is closed to make room for each new one.
   */
  total: number;
  /** Maximum number of connections without a token from one address (IPv6: one /64) */
  perAddress: number;
  /** Absent: no logging */
  log?: Logger | undefined;
}

interface Exchange {
  request: IncomingMessage;
  /** When the request began, or when its rate was last checked, in ms since the epoch */
  since: number;
  /** Number of bytes received on the connection before `since` */
  bytes: number;
  /** The token of the request */
  name: string | undefined;
  answered: boolean;
}

interface Connection {
  socket: Socket;
  address: string;
  /** When the connection became idle */
  since: number;
  /**
   * When the client began to send the request whose headers are still incomplete; for a new connection, the time at
   * which it was opened
   */
  owes: number | undefined;
  /** Bytes received when the connection became idle */
  bytes: number;
  exchanges: Set<Exchange>;
}

/** The address that limits apply to: an IPv6 client owns a /64, and IPv4 may be mapped into IPv6. */
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
 * Keeps clients without a token from exhausting a server's connections. New connections are always accepted. If there
 * are too many, the server picks the address with the most connections without a token, and closes the oldest of these.
 * Slow requests, slow uploads and slow readers are disconnected as well. A request is trusted from the call to `trust`
 * until its response ends. While it is trusted, its connection is never closed to make room for another.
 */
export class Connections {
  readonly #total: number;
  readonly #perAddress: number;
  readonly #all = new Map<Socket, Connection>();
  /** Connections without a trusted request, by address; those that have been idle longest come first */
  readonly #untrusted = new Map<string, Set<Connection>>();
  readonly #names = new Map<string, number>();
  readonly #log: Logger | undefined;
  #trusted = 0;
  /** When a warning about too many connections was last logged */
  #warned = 0;

  constructor({ total, perAddress, log }: ConnectionOptions) {
    this.#log = log;
    this.#total = Math.max(8, total);
    this.#perAddress = Math.max(4, perAddress);
  }

  /** Maximum numbers of concurrent trusted requests: for all tokens together, and for each token. */
  get trustedLimits(): { total: number; perName: number } {
    return { total: Math.floor(this.#total * 0.75), perName: Math.floor(this.#total / 2) };
  }

  /** Limits the connections of a server. Several servers can share the same limits. */
  guard(server: Server): void {
    server.headersTimeout = HEADERS_MS;
    // Large uploads over slow links legitimately take long, so a body must only be sent at a minimum rate, without a
    // time limit.
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
   * Counts a request against its token until its response ends.
   * @returns false if the token has too many requests
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

  /** Closes connections whose requests use a token that is no longer valid, such as open event streams. */
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
    // A client may open many connections at the same moment, so the oldest one may not have had time to send any data.
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

  /** Moves a connection to the end of its address's list of untrusted connections, or removes it from the list. */
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
      this.#log?.warn(found, 'too many connections; each new one closes the oldest one without a token');
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
      // Some received data has not been read yet, so the server is the slow side, not the client.
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
 * Limits the connections of one HTTP server; see `Connections`. A server without tokens may `trust` a request on behalf
 * of its client's address once its body has arrived, if the response may take longer than 15 seconds.
 */
export function limitConnections(server: Server, options: ConnectionOptions): Connections {
  const connections = new Connections(options);
  connections.guard(server);
  return connections;
}

/** Maximum number of files and sockets that this process may open. */
function openFiles(): number {
  const { report } = process;
  // Otherwise creating the report would look up the host names of all peers.
  Object.assign(report ?? {}, { excludeNetwork: true });
  const found = report?.getReport() as { userLimits?: { open_files?: { soft?: number | string } } } | undefined;
  const soft = found?.userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : 65_536;
}

/**
 * Divides this process's file descriptors among its servers. At least a quarter of the descriptors, and at least 128 if
 * there are that many, are reserved for files, Redis and the store.
 * @returns `main` for the main server (at most 4096), `probes` for metrics and health checks (at most 64)
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
