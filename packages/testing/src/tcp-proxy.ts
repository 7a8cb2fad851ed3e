import http from 'node:http';
import https from 'node:https';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What the proxy does to connections: it leaves them alone, cuts them, lets them hang, delays each chunk by 300 ms,
 * loses responses (the request arrives, but then the connection is closed), or responds to HTTP requests with a fixed
 * status.
 */
export type Fault = 'none' | 'cut' | 'hang' | 'slow' | 'answer-lost' | 500 | 503 | 507;

/** A TCP proxy between a client and a server on this machine that can inject faults. */
export class TcpProxy {
  readonly #server: Server;
  #target: number;
  readonly #sockets = new Set<Socket>();
  #fault: Fault = 'none';
  /** Number of further connections that still work before the fault takes effect */
  #spare = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** Whether an HTTP server at the port responds with anything but a server error. */
  static answers(port: number, tls = false): Promise<boolean> {
    return new Promise((resolve) => {
      const options = { host: '127.0.0.1', port, path: '/', timeout: 1000, rejectUnauthorized: false };
      const request = (tls ? https : http).request(options, (response) => {
        response.resume();
        resolve((response.statusCode ?? 500) < 500);
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(false));
      request.end();
    });
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Changes the fault, and closes open connections, so that it applies to every connection. */
  set(fault: Fault, spare = 0): void {
    this.#fault = fault;
    this.#spare = spare;
    if (fault !== 'none' && spare === 0) for (const socket of this.#sockets) socket.destroy();
  }

  /**
   * Directs new connections to another port. Connections that are already open are unaffected, as after a change to a
   * DNS record.
   */
  retarget(port: number): void {
    this.#target = port;
  }

  #accept(client: Socket): void {
    this.#sockets.add(client);
    client.on('close', () => this.#sockets.delete(client));
    client.on('error', () => {});
    const fault = this.#spare-- > 0 ? 'none' : this.#fault;
    if (fault === 'cut') return void client.destroy();
    if (fault === 'hang') return;
    if (typeof fault === 'number') {
      client.once('data', () => {
        client.end(`HTTP/1.1 ${fault} Fault\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
        client.resume();
      });
      return;
    }
    const server = connect(this.#target, '127.0.0.1');
    this.#sockets.add(server);
    server.on('error', () => client.destroy());
    server.on('close', () => {
      this.#sockets.delete(server);
      client.destroy();
    });
    client.on('close', () => server.destroy());
    if (fault === 'none') {
      client.pipe(server);
      server.pipe(client);
      return;
    }
    if (fault === 'answer-lost') {
      client.pipe(server);
      server.once('data', () => client.destroy());
      return;
    }
    const slowly = (from: Socket, to: Socket) =>
      from.on('data', (chunk) => {
        from.pause();
        setTimeout(() => {
          to.write(chunk);
          from.resume();
        }, 300);
      });
    slowly(client, server);
    slowly(server, client);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
