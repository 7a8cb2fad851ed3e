import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { clientAddress, connectionBudget, limitConnections } from '@cryfold/runtime';

/**
 * Responds at once, except on `/stream`, which it trusts and keeps open, and on `/trusted`, where it waits for the
 * body.
 */
async function serve(t: TestContext, total: number, perAddress = total) {
  const server: Server = createServer((request, response) => {
    const { url } = request;
    if (url !== '/' && !limits.trust(request, 'name')) response.writeHead(429).end();
    else if (url === '/stream') response.writeHead(200).write('begun');
    else request.resume().once('end', () => response.end('ok'));
    if (url === '/') response.end('ok');
  });
  const limits = limitConnections(server, { total, perAddress });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets: Socket[] = [];
  const peers = new Map<number | undefined, Socket>();
  server.on('connection', (peer) => peers.set(peer.remotePort, peer));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const open = async (text = '') => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {}).setEncoding('latin1');
    await once(socket, 'connect');
    if (text) socket.write(text);
    return socket;
  };
  const answerOf = async (socket: Socket) => String((await once(socket, 'data'))[0]).slice(9, 12);
  /** The server-side socket of a connection. */
  const peerOf = async (socket: Socket) => {
    for (;;) {
      const peer = peers.get(socket.localPort);
      if (peer) return peer;
      await turn();
    }
  };
  return { open, answerOf, peerOf };
}

const ask = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${headers}\r\n`;
const post = (path: string, length: number) => `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`;

test('always accepts the next connection, and never closes a trusted one to make room', async (t) => {
  const { open, answerOf } = await serve(t, 8);
  const stream = await open(ask('/stream'));
  assert.equal(await answerOf(stream), '200');
  const idle = await open();
  const closed = once(idle.resume(), 'close');
  for (let i = 0; i < 30; i++) await open('GET / HTT');
  await closed;
  const last = await open(ask('/'));
  assert.equal(await answerOf(last), '200');
  assert.equal(stream.destroyed || stream.readableEnded, false);
});

test('trusts at most half of all connections for one token', async (t) => {
  const { open, answerOf } = await serve(t, 12);
  const answers: string[] = [];
  for (let i = 0; i < 8; i++) answers.push(await answerOf(await open(ask('/stream'))));
  assert.deepEqual(answers, [...Array(6).fill('200'), ...Array(2).fill('429')]);
});

test('accepts another trusted connection once one ends', async (t) => {
  const { open, answerOf } = await serve(t, 8);
  for (let i = 0; i < 30; i++) {
    const stream = await open(ask('/stream'));
    assert.equal(await answerOf(stream), '200');
    const closed = once(stream, 'close');
    stream.destroy();
    await closed;
    assert.equal(await answerOf(await open(ask('/trusted', 'connection: close\r\n'))), '200');
  }
});

const SECONDS = 30;

interface Ends {
  socket: Socket;
  /** The server's end */
  peer: Socket;
}

/**
 * Sends the bytes once per second for `SECONDS` seconds. Returns the number of seconds after which the server closed
 * the connection.
 */
async function secondsOpen(t: TestContext, { socket, peer }: Ends, bytes: string): Promise<number> {
  socket.resume();
  for (let second = 0; second < SECONDS; second++) {
    if (peer.destroyed) return second;
    socket.write(bytes);
    // The server must have received the bytes before its clock advances.
    while (peer.bytesRead < socket.bytesWritten && !peer.destroyed) await turn();
    t.mock.timers.tick(1000);
  }
  return SECONDS;
}

test('closes connections with slow headers, slow bodies, or bodies of rejected requests', async (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setInterval'] });
  const { open, peerOf } = await serve(t, 8);
  const begin = async (text: string): Promise<Ends> => {
    const socket = await open(text);
    return { socket, peer: await peerOf(socket) };
  };
  assert.ok((await secondsOpen(t, await begin('GET / HTTP/1.1\r\nx: '), 'x')) < 15);
  assert.ok((await secondsOpen(t, await begin(post('/', 1e6)), 'x')) < 20);
  assert.ok((await secondsOpen(t, await begin(post('/trusted', 1e6)), 'x')) < 10);
  assert.equal(await secondsOpen(t, await begin(post('/trusted', 1e6)), 'x'.repeat(300)), SECONDS);
});

test('closes a connection that pipelines too many requests', async (t) => {
  const { open } = await serve(t, 8);
  const socket = await open(ask('/stream').repeat(40));
  await once(socket.resume(), 'close');
});

test('leaves enough file descriptors for files, Redis and the store', () => {
  for (const [files, total] of [
    [64, 28],
    [256, 112],
    [1024, 704],
    [20_000, 4096],
    [1_048_576, 4096],
  ]) {
    const { main, probes } = connectionBudget(files);
    assert.equal(main.total, total, `${files}`);
    assert.ok(main.perAddress <= total / 4 && main.perAddress <= 256);
    assert.ok(main.total + probes.total <= files * 0.75);
  }
});

test('counts IPv6 clients by their /64 prefix, and IPv4-mapped addresses as IPv4', () => {
  assert.equal(clientAddress('::ffff:10.0.0.1'), '10.0.0.1');
  assert.equal(clientAddress('10.0.0.1'), '10.0.0.1');
  assert.equal(clientAddress('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2');
  assert.equal(clientAddress('2001:db8::5:6'), '2001:db8:0:0');
  assert.equal(clientAddress('::1'), '0:0:0:0');
  assert.equal(clientAddress('fe80::1%eth0'), 'fe80:0:0:0');
});
