import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/**
 * An HTTP proxy whose tunnels (CONNECT) always lead to this machine, whatever host is requested. If a test requests a
 * host name that only the proxy can resolve, a response proves that the request went through the proxy.
 */
export class ConnectProxy {
  /** Requested hosts and ports */
  readonly asked: string[] = [];
  /** The status with which the proxy refuses tunnels; if undefined, it opens them */
  refuses: number | undefined;
  /** Whether the proxy accepts connections but never responds */
  hangs = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(credentials: string) {
    this.#server = createServer((_request, response) => response.writeHead(501).end());
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    const expected = `Basic ${Buffer.from(credentials).toString('base64')}`;
    this.#server.on('connect', ({ url = '', headers }, client: Socket) => {
      this.asked.push(url);
      client.on('error', () => {});
      if (this.hangs) return;
      const status = headers['proxy-authorization'] === expected ? this.refuses : 407;
      if (status !== undefined) {
        client.end(`HTTP/1.1 ${status} Refused\r\n\r\n`);
        return;
      }
      const target = connect(Number(url.split(':').at(-1)), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        client.pipe(target).pipe(client);
      });
      this.#sockets.add(target);
      target.once('close', () => this.#sockets.delete(target));
      target.on('error', () => client.destroy());
    });
  }

  /** @param credentials `user:password` that the proxy requires */
  static async start(credentials: string): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(credentials);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** All open connections, both those from clients and those to servers */
  get open(): number {
    return this.#sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
