import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ApiServer } from '@cryfold/api-server';
import { type CryfoldError, encodeNpy, sha256 } from '@cryfold/core';
import { HttpClient, HttpStore } from '@cryfold/run-control';
import { createLogger } from '@cryfold/runtime';
import { freePort } from '@cryfold/testing';
import { Cluster, findRedis } from './cluster.js';
import { temporaryFolder, until, untilReady } from './command.js';
import { API, OPERATE, READ, startApi } from './start-service.js';
import { STORE_KINDS, type TestStore } from './stores.js';
import { withoutRedis } from './testbed.js';

const MIB = 2 ** 20;
const redis = await findRedis();
const withoutProc = process.platform !== 'linux' && 'the memory of a process is read from /proc';

/** Returns the resident memory of a process in MiB. */
async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

const imagesKey = () => `features/${randomBytes(32).toString('hex')}/images.npy`;
/** Returns an image file of about this size in bytes. */
const images = (bytes: number) =>
  encodeNpy(randomBytes(Math.floor(bytes / 30_000) * 30_000), [Math.floor(bytes / 30_000), 100, 100, 3]);

/** Sends the head of a request. The caller reads the response from the returned socket. */
async function send(url: string, head: string, token: string): Promise<Socket> {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.write(`${head} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${token}\r\n`);
  return socket;
}

/** Requests an artifact, and stops reading when its content begins. */
async function beginDownload(url: string, key: string): Promise<{ socket: Socket; status: number }> {
  const socket = await send(url, `GET /api/v1/artifacts/${key}`, READ);
  socket.write('\r\n');
  await once(socket, 'readable');
  const head = String(socket.read(15));
  return { socket, status: Number(head.slice(9, 12)) };
}

for (const kind of STORE_KINDS) {
  const skip = withoutRedis || withoutProc || kind.skip;
  describe(`artifacts through the API of a coordinator, ${kind.name}`, { skip }, () => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>;
    let cluster: Cluster;
    let bed: TestStore;
    let url: string;
    let remote: HttpStore;
    before(async () => {
      folder = await temporaryFolder();
      bed = await kind.create(join(folder.path, 'store'));
      cluster = await Cluster.start(folder.path, redis as string);
      const port = await freePort();
      url = `http://127.0.0.1:${port}`;
      cluster.run(
        {
          ...{ REDIS_URL: `redis://127.0.0.1:${cluster.redisPort}`, CRYFOLD_GRACE_SECONDS: '0' },
          ...{ ...bed.environment, CRYFOLD_API_TOKENS: `read:${READ},operate:${OPERATE}` },
        },
        { coordinator: ['coordinator', '--api-port', String(port)] },
      );
      await untilReady(url);
      remote = new HttpStore(new HttpClient({ url, token: OPERATE }));
    });
    after(async () => {
      await cluster?.stop();
      await bed?.remove();
      await folder?.remove();
    });

    const pid = () => cluster.pid('coordinator') ?? assert.fail('the coordinator died');

    test('accepts 20 MiB of images and 94 MB of weights, once, and returns them', async () => {
      const weights = randomBytes(94_000_000);
      for (const [key, content] of [
        [imagesKey(), images(20 * MIB)],
        [`weights/${sha256(weights)}.h5`, weights],
      ] as const) {
        assert.equal(await remote.putIfAbsent(key, content), true);
        assert.equal(await remote.putIfAbsent(key, content), false);
        assert.equal((await remote.stat(key))?.bytes, content.length);
        assert.equal(sha256((await remote.get(key))!), sha256(content));
        assert.equal(sha256((await bed.store.get(key))!), sha256(content));
      }
    });

    test('uses less than 150 MiB in the coordinator for eight unread downloads of 96 MiB each', async () => {
      const key = imagesKey();
      const content = images(96 * MIB);
      await bed.store.put(key, content);
      const before = await residentMib(pid());
      const downloads = await Promise.all(Array.from({ length: 8 }, () => beginDownload(url, key)));
      for (const { status } of downloads) assert.equal(status, 200);
      const grown = (await residentMib(pid())) - before;
      assert.ok(grown < 150, `memory grew by ${grown.toFixed(0)} MiB`);
      assert.equal(sha256((await remote.get(key))!), sha256(content), 'another client is served');
      for (const { socket } of downloads) socket.destroy();
    });

    test('uses less than 150 MiB in the coordinator for four uploads of 64 MiB each', async () => {
      const content = images(64 * MIB);
      const before = await residentMib(pid());
      let peak = before;
      const look = setInterval(() => {
        void residentMib(pid()).then((now) => {
          peak = Math.max(peak, now);
        });
      }, 20);
      const added = await Promise.all(Array.from({ length: 4 }, () => remote.putIfAbsent(imagesKey(), content)));
      clearInterval(look);
      assert.deepEqual(added, [true, true, true, true]);
      assert.ok(peak - before < 150, `memory grew by ${(peak - before).toFixed(0)} MiB`);
    });
  });

  describe(`limits of artifact transfers, ${kind.name}`, { skip }, () => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>;
    let cluster: Cluster;
    let bed: TestStore;
    let server: ApiServer;
    const key = imagesKey();
    before(async () => {
      folder = await temporaryFolder();
      bed = await kind.create(join(folder.path, 'store'));
      cluster = await Cluster.start(folder.path, redis as string);
      await bed.store.put(key, images(32 * MIB));
      server = await startApi({
        ...{ redisUrl: `redis://127.0.0.1:${cluster.redisPort}`, storeUrl: bed.storeUrl, s3: bed.s3, checks: {} },
        api: API,
        log: createLogger('test', 'silent'),
        transfers: { windowMs: 500, downloads: 3, downloadsOfOne: 2, uploads: 1 },
      });
    });
    after(async () => {
      await server?.close();
      await cluster?.stop();
      await bed?.remove();
      await folder?.remove();
    });
    const closed = (socket: Socket) => socket.closed || once(socket.resume(), 'close');

    test('aborts a stalled download, and frees its slot', async () => {
      const downloads = [await beginDownload(server.url, key), await beginDownload(server.url, key)];
      const refused = await beginDownload(server.url, key);
      assert.deepEqual([downloads[0].status, downloads[1].status, refused.status], [200, 200, 429]);
      refused.socket.destroy();
      // A socket that is not read does not notice when the server closes it, so check instead that its slot is free
      // again.
      await until('a free slot', async () => {
        const { socket, status } = await beginDownload(server.url, key);
        socket.destroy();
        return status === 200;
      });
      for (const { socket } of downloads) socket.destroy();
    });

    test('aborts a stalled upload, and leaves nothing behind', async () => {
      const target = imagesKey();
      const socket = await send(server.url, `PUT /api/v1/artifacts/${target}`, OPERATE);
      socket.write(`content-type: application/octet-stream\r\ncontent-length: ${20 * MIB}\r\n\r\n`);
      socket.write(images(9 * MIB));
      await closed(socket);
      assert.equal(await bed.store.has(target), false);
      const store = new HttpStore(new HttpClient({ url: server.url, token: OPERATE }));
      assert.equal(await store.putIfAbsent(target, images(MIB)), true, 'the slot of the upload is free again');
    });

    test('refuses an upload above the limit before reading its body', async () => {
      for (const [target, bytes] of [
        [imagesKey(), 513 * MIB],
        [`weights/${'0'.repeat(64)}.h5`, 257 * MIB],
        [`datasets/${'0'.repeat(64)}/manifest.json`, 33 * MIB],
      ] as const) {
        const socket = await send(server.url, `PUT /api/v1/artifacts/${target}`, OPERATE);
        socket.write(`content-type: application/octet-stream\r\ncontent-length: ${bytes}\r\n\r\n`);
        const [answer] = await once(socket, 'data');
        assert.match(String(answer), /^HTTP\/1\.1 413 /);
        socket.destroy();
      }
    });

    test('refuses content that does not match its key, header or format, and stores nothing', async () => {
      const put = async (target: string, body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) => {
        const response = await fetch(`${server.url}/api/v1/artifacts/${target}`, {
          ...{ method: 'PUT', body },
          headers: { authorization: `Bearer ${OPERATE}`, 'content-type': 'application/octet-stream', ...headers },
        });
        const { error } = (await response.json()) as { error?: CryfoldError };
        assert.equal(await bed.store.has(target), error === undefined);
        return error?.code;
      };
      const whole = new Uint8Array(images(20 * MIB));
      const more = new Uint8Array(whole.length + 1);
      more.set(whole);
      const gray = new Uint8Array(encodeNpy(new Uint8Array(16), [1, 4, 4, 1]));
      assert.equal(await put(imagesKey(), whole.subarray(0, -1)), 'ARTIFACT_CORRUPT');
      assert.equal(await put(imagesKey(), more), 'ARTIFACT_CORRUPT');
      assert.equal(await put(imagesKey(), gray), 'ARTIFACT_CORRUPT');
      assert.equal(await put(imagesKey(), randomBytes(20 * MIB)), 'NPY_INVALID');
      assert.equal(await put(imagesKey(), whole, { 'x-artifact-sha256': '0'.repeat(64) }), 'ARTIFACT_CORRUPT');
      assert.equal(await put(`weights/${'0'.repeat(64)}.h5`, randomBytes(20 * MIB)), 'ARTIFACT_CORRUPT');
      const digest = createHash('sha256').update(whole).digest('hex');
      assert.equal(await put(imagesKey(), whole, { 'x-artifact-sha256': digest }), undefined);
    });

    test('refuses a manifest that contradicts its clips', async () => {
      const store = new HttpStore(new HttpClient({ url: server.url, token: OPERATE }));
      const clips = ['a', 'b', 'c'].map((id) => ({ id, label: id === 'a' ? 'x' : 'y', group: id, hash: sha256(id) }));
      const hash = sha256(JSON.stringify(clips.map(({ id, label, group, hash }) => [id, label, group, hash])));
      const manifest = { format: 1, name: 'm', contentHash: hash, grouped: false, classes: ['x', 'y'], clips };
      const target = `datasets/${hash}/manifest.json`;
      const put = (value: unknown, key = target) =>
        store.putIfAbsent(key, new TextEncoder().encode(JSON.stringify(value)));
      const [first, ...rest] = clips;
      const other = '0'.repeat(64);
      for (const [changes, key] of [
        [{ contentHash: other }, `datasets/${other}/manifest.json`],
        [{ contentHash: other }, target],
        [{}, `datasets/${other}/manifest.json`],
        [{ clips: [{ ...first, label: 'y' }, ...rest] }, target],
        [{ clips: [{ ...first, hash: undefined }, ...rest] }, target],
        [{ clips: rest }, target],
        [{ classes: ['y', 'x'] }, target],
        [{ classes: ['x', 'y', 'z'] }, target],
        [{ grouped: true }, target],
        [{ rates: [{ rate: 8000, clips: 2 }] }, target],
      ] as const) {
        const said = JSON.stringify(changes);
        await assert.rejects(put({ ...manifest, ...changes }, key), { code: 'ARTIFACT_CORRUPT' }, said);
        assert.equal(await bed.store.has(key), false);
      }
      assert.equal(await put({ ...manifest, rates: [{ rate: 8000, clips: 3 }] }), true);
    });
  });
}
