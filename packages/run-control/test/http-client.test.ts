import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { HttpClient } from '../src/index.js';

test('rereads a replaced token file, and keeps the previous token while the file contains no token', async (t) => {
  const seen: (string | undefined)[] = [];
  const server = createServer(({ headers }, response) => {
    seen.push(headers.authorization);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-token-'));
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const file = join(folder, 'token');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const open = () => new HttpClient({ url, token: { file, variable: 'CRYFOLD_API_TOKEN_FILE' } });
  const client = open();
  for (const text of ['first\n', '', 'read:s3cr3t\noperate:s3cr3t\n', 'second\n']) {
    await writeFile(file, text);
    await client.send('runs');
  }
  await rm(file);
  await client.send('runs');
  assert.deepEqual(
    seen,
    ['first', 'first', 'first', 'second', 'second'].map((token) => `Bearer ${token}`),
  );

  await writeFile(file, 'read:s3cr3t\noperate:s3cr3t\n');
  await assert.rejects(open().send('runs'), (error) => {
    assert.match(String(error), /CRYFOLD_API_TOKEN_FILE: not a valid token/);
    assert.doesNotMatch(inspect(error), /s3cr3t/);
    return true;
  });
});
