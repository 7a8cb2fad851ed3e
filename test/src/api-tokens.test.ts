import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { HttpClient } from '@cryfold/run-control';
import { loadConfig } from '@cryfold/runtime';
import { z } from 'zod';
import { start, temporaryFolder, until } from './command.js';
import { RedisProcess } from './redis.js';

const [OLD, KEPT, NEW] = ['old-token-old-token', 'kept-token-kept-token', 'new-token-new-token'];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let redis: RedisProcess;
before(async () => {
  folder = await temporaryFolder();
  redis = await RedisProcess.start();
});
after(async () => {
  await redis?.remove();
  await folder?.remove();
});

test('reloads a replaced token file, and closes the connections of removed tokens', async () => {
  const file = join(folder.path, 'tokens');
  const replace = async (text: string) => {
    await writeFile(`${file}.next`, text);
    await rename(`${file}.next`, file);
  };
  await replace(`operate:${OLD}\nread:${KEPT}\n`);
  const environment = {
    REDIS_URL: redis.url,
    CRYFOLD_STORE: join(folder.path, 'store'),
    CRYFOLD_API_TOKENS_FILE: file,
  };
  const coordinator = start(['coordinator', '--api-port', '0'], environment);
  try {
    const url = await until('the API', () => {
      if (coordinator.process.exitCode !== null) throw new Error(coordinator.stderr());
      return /"url":"([^"]+)"[^\n]*"API ready"/.exec(coordinator.stdout())?.[1];
    });
    const ask = (token: string, path = 'runs') =>
      fetch(`${url}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
    const statuses = async () => {
      const answers = await Promise.all([OLD, KEPT, NEW].map((token) => ask(token)));
      return answers.map(({ status }) => status).join();
    };
    assert.equal(await statuses(), '200,200,401');
    // Connects like a command that follows a run.
    const CRYFOLD_API_TOKEN_FILE = join(folder.path, 'token');
    await writeFile(CRYFOLD_API_TOKEN_FILE, OLD);
    const { target } = loadConfig({ CRYFOLD_SERVER: url, CRYFOLD_API_TOKEN_FILE });
    const client = new HttpClient(target.kind === 'server' ? target : assert.fail());
    await client.json('runs', z.unknown());
    const streams = await Promise.all([ask(OLD, 'events'), ask(KEPT, 'events')]);
    assert.deepEqual(
      streams.map(({ status }) => status),
      [200, 200],
    );
    const ends = streams.map(({ body }) =>
      new Response(body).text().then(
        () => 'ended',
        () => 'ended',
      ),
    );
    await replace(`read:${KEPT}\noperate:${NEW}\n`);
    await until('the new tokens', () => coordinator.stdout().includes('tokens changed'));
    assert.equal(await statuses(), '401,200,200');
    assert.equal(await ends[0], 'ended');
    assert.equal(await Promise.race([ends[1], 'open']), 'open', 'the kept token’s connection stays open');
    await assert.rejects(client.json('runs', z.unknown()), /token/);
    await writeFile(CRYFOLD_API_TOKEN_FILE, NEW);
    await client.json('runs', z.unknown());
    for (const [text, why] of [
      ['operate:short', /fewer than 16 characters/],
      ['', /open to everyone/],
    ] as const) {
      await replace(text);
      await until('the error to be logged', () => why.test(coordinator.stdout()));
      assert.equal(await statuses(), '401,200,200');
    }
    for (const token of [OLD, KEPT, NEW]) assert.ok(!(coordinator.stdout() + coordinator.stderr()).includes(token));
  } finally {
    coordinator.process.kill('SIGTERM');
    await coordinator.ended;
  }
});
