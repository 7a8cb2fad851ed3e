import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { encodeWav } from '@cryfold/corpus';
import { RATE, tone, writeModel } from '@cryfold/model-registry/testing';
import { temporaryFolder, until } from './command.js';
import { killServed, type Served, serveModel } from './served-model.js';

const CLIP = encodeWav(tone(1), RATE);
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let served: Served;
const sockets: Socket[] = [];

before(async () => {
  folder = await temporaryFolder();
  await writeModel(join(folder.path, 'model'), ['a', 'b']);
  served = await serveModel(join(folder.path, 'model'));
});
after(async () => {
  for (const socket of sockets) socket.destroy();
  await killServed(served);
  await folder.remove();
});

/** Opens a connection that sends only this text. */
function open(text: string): { heard: () => string; socket: Socket } {
  const socket = connect(served.port, '127.0.0.1').on('error', () => {});
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  socket.write(text);
  sockets.push(socket);
  return { heard: () => heard, socket };
}

async function predict(): Promise<number> {
  const headers = { 'content-type': 'audio/wav', connection: 'close' };
  const answer = await fetch(`${served.url}/api/v1/predict`, { method: 'POST', headers, body: CLIP });
  await answer.arrayBuffer();
  return answer.status;
}

test('responds while a client keeps 300 connections open', async () => {
  const idle = Array.from({ length: 300 }, () => open('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'));
  await until('all connections', () => idle.every(({ heard, socket }) => heard().includes('ok\n') || socket.destroyed));
  assert.equal((await fetch(`${served.url}/healthz`, { headers: { connection: 'close' } })).status, 200);
  assert.equal(await predict(), 200);
  const kept = idle.filter(({ socket }) => !socket.destroyed).length;
  assert.ok(kept <= 256, `${kept} connections`);
});

test('drops a slow upload to make room for the next request', async () => {
  const head = 'POST /api/v1/predict HTTP/1.1\r\nhost: x\r\ncontent-type: audio/wav\r\n';
  const slow = Array.from({ length: 32 }, () => open(`${head}content-length: 10000000\r\n\r\n`).socket);
  const drip = setInterval(() => {
    // This is fast enough not to be disconnected, but far too slow to finish within the time limit of a request
    for (const socket of slow) if (!socket.destroyed) socket.write(Buffer.alloc(1000));
  }, 500);
  try {
    await until('a refusal', async () => (await predict()) === 503);
    await until('a response', async () => (await predict()) === 200, 20);
    assert.ok(slow.filter(({ destroyed }) => !destroyed).length >= 20, 'the other uploads continue');
  } finally {
    clearInterval(drip);
  }
});
