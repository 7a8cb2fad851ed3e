import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError } from '@cryfold/core';
import { findTool, IdentityIssuer, MINIO_ROLE, S3Server, TcpProxy } from '@cryfold/testing';
import { openStore } from '../src/index.js';
import { type Keys, S3Keys } from '../src/s3-keys.js';

const program = await findTool('minio');
const skip = program ? false : 'minio is neither on PATH nor in $CRYFOLD_TOOLS nor in the cache';

let folder: string;
let issuer: IdentityIssuer;
let server: S3Server;
before(async () => {
  if (!program) return;
  folder = await mkdtemp(join(tmpdir(), 'cryfold-keys-'));
  issuer = await IdentityIssuer.start();
  server = await S3Server.start({ tool: 'minio', program, environment: issuer.minio });
  await untilStsAccepts();
});
after(async () => {
  await server?.stop();
  issuer?.stop();
  if (folder) await rm(folder, { recursive: true });
});

const byte = new Uint8Array([1]);
function place() {
  return { endpoint: server.endpoint, region: server.region, addressing: 'path' as const };
}

function identity(tokenFile: string, endpoint = server.endpoint) {
  return { webIdentity: { tokenFile, roleArn: MINIO_ROLE, sessionName: 'test', endpoint } };
}

async function tokenFile(name: string, seconds: number): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, issuer.token(seconds));
  return file;
}

/** MinIO responds before it has loaded its identity provider, and rejects every web identity until then. */
async function untilStsAccepts(): Promise<void> {
  const keys = new S3Keys(identity(await tokenFile('ready', 60)), { silenceMs: 3000 });
  const end = Date.now() + 20_000;
  for (;;) {
    try {
      return void (await keys.get());
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(100);
    }
  }
}

/** Asserts that a promise is rejected with an error that contains no secret. */
async function assertDenied(action: Promise<unknown>, message = /./): Promise<void> {
  await assert.rejects(action, (error) => {
    assert.ok(error instanceof CryfoldError && error.code === 'STORE_DENIED', String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(JSON.stringify(error.toRecord()), /eyJ/, 'no part of a token');
    return true;
  });
}

/** Waits until MinIO rejects keys because they have expired. */
async function untilExpired(keys: Keys): Promise<void> {
  const store = openStore(`s3://${server.bucket}/probe`, { ...place(), ...keys });
  const end = Date.now() + 20_000;
  while (
    await store.get('a').then(
      () => true,
      () => false,
    )
  ) {
    assert.ok(Date.now() < end, 'the keys did not expire');
    await sleep(100);
  }
  await assertDenied(store.get('a'));
  await store.close();
}

test('fetches the keys of a web identity again before they expire, even after the token was replaced', {
  skip,
}, async () => {
  const file = await tokenFile('renewed', 3);
  const first = await new S3Keys(identity(file), { silenceMs: 5000 }).get();
  const store = openStore(`s3://${server.bucket}/role`, { ...place(), ...identity(file) }, { patienceMs: 100 });
  await store.check();
  await untilExpired(first);
  await assertDenied(store.get('a'), /STS at .* refuses the web identity: \w+/);
  await tokenFile('renewed', 60);
  await store.put('a', byte);
  assert.deepEqual(new Uint8Array((await store.get('a'))!), byte);
  await store.close();
});

test('uses valid keys while STS is unavailable, and fetches them once for concurrent requests', { skip }, async () => {
  const proxy = await TcpProxy.start(server.port);
  const file = await tokenFile('outage', 60);
  const keys = new S3Keys(identity(file, `http://127.0.0.1:${proxy.port}`), { silenceMs: 5000 });
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  try {
    const all = await Promise.all(Array.from({ length: 20 }, () => keys.get()));
    // MinIO creates different keys each time.
    assert.equal(new Set(all.map(({ accessKey }) => accessKey)).size, 1);
    proxy.set('cut');
    mock.timers.tick(55_000);
    assert.deepEqual(await keys.get(), all[0]);
    mock.timers.tick(6000);
    await assert.rejects(keys.get(), /STS at .* did not return keys/);
    mock.timers.reset();
    proxy.set('none');
    await tokenFile('outage', 60);
    const expired = all[0];
    assert.notEqual((await new S3Keys(identity(file), { silenceMs: 5000 }).get()).accessKey, expired.accessKey);
  } finally {
    mock.timers.reset();
    await proxy.stop();
  }
});

test('accepts keys and session tokens whose files are replaced one after the other while a store is open', {
  skip,
}, async () => {
  const fetch = async (seconds: number) =>
    new S3Keys(identity(await tokenFile('agent', seconds)), { silenceMs: 5000 }).get();
  const names = ['accessKey', 'secretKey', 'sessionToken'] as const;
  const file = (name: string) => ({ file: join(folder, name), variable: name });
  const write = async (keys: Keys, which: readonly (keyof Keys)[] = names) => {
    for (const name of which) await writeFile(join(folder, name), `${keys[name]}\n`);
  };
  const short = await fetch(3);
  await write(short);
  const given = { accessKey: file('accessKey'), secretKey: file('secretKey'), sessionToken: file('sessionToken') };
  // Converts the settings to JSON and back, as when another process receives them.
  const settings = JSON.parse(JSON.stringify({ ...place(), ...given }));
  const store = openStore(`s3://${server.bucket}/files`, settings, { patienceMs: 100 });
  await store.put('a', byte);
  await untilExpired(short);
  await assertDenied(store.get('a'));
  const next = await fetch(60);
  await write(next, ['accessKey']);
  await assertDenied(store.get('a'));
  await write(next);
  assert.deepEqual(new Uint8Array((await store.get('a'))!), byte);
  // While a file is being written, the previous keys remain in use.
  await writeFile(join(folder, 'accessKey'), '');
  assert.deepEqual(new Uint8Array((await store.get('a'))!), byte);
  await store.close();
});

for (const kind of ['a web identity', 'files'] as const) {
  test(`waits for the next keys of ${kind} if the current keys have expired`, { skip }, async () => {
    const file = await tokenFile(`late-${kind.length}`, 3);
    const first = await new S3Keys(identity(file), { silenceMs: 5000 }).get();
    const [accessKey, secretKey] = ['accessKey', 'secretKey'].map((name) => ({
      ...{ file: join(folder, `late-${name}`), variable: name },
    }));
    const sessionToken = { file: join(folder, 'late-sessionToken'), variable: 'sessionToken' };
    const write = async (keys: Keys) => {
      await writeFile(sessionToken.file, keys.sessionToken ?? '');
      await writeFile(accessKey.file, keys.accessKey);
      await writeFile(secretKey.file, keys.secretKey);
    };
    await write(first);
    const credentials = kind === 'files' ? { accessKey, secretKey, sessionToken } : identity(file);
    const store = openStore(`s3://${server.bucket}/late`, { ...place(), ...credentials }, { patienceMs: 20_000 });
    await store.put('a', byte);
    await untilExpired(first);
    const next = await tokenFile('next', 60);
    const committed = store.putIfAbsent(`late-${kind.length}`, byte);
    await sleep(700);
    await write(await new S3Keys(identity(next), { silenceMs: 5000 }).get());
    await tokenFile(`late-${kind.length}`, 60);
    assert.equal(await committed, true);
    await store.close();
  });
}

test('rejects an empty key or web identity file until it has content, and reports its name', { skip }, async () => {
  const [file, empty] = [join(folder, 'filled'), join(folder, 'empty')];
  await writeFile(file, '');
  await writeFile(empty, '');
  const secret = { file, variable: 'AWS_SECRET_ACCESS_KEY_FILE' };
  const store = openStore(`s3://${server.bucket}/empty`, {
    ...place(),
    accessKey: server.accessKey,
    secretKey: secret,
  });
  await assertDenied(store.get('a'), /AWS_SECRET_ACCESS_KEY_FILE: .*filled is empty/);
  await writeFile(file, server.secretKey);
  assert.equal(await store.get('a'), undefined);
  await store.close();
  const role = openStore(`s3://${server.bucket}/empty`, { ...place(), ...identity(empty) });
  await assertDenied(role.get('a'), /AWS_WEB_IDENTITY_TOKEN_FILE: .*empty is empty/);
  await role.close();
});

test('never shows a password in the address of STS', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-sts-'));
  try {
    const identity = { tokenFile: join(folder, 'token'), roleArn: 'r', sessionName: 's' };
    await writeFile(identity.tokenFile, 'a-token');
    const webIdentity = { ...identity, endpoint: 'http://user:s3cr3t@127.0.0.1:1/' };
    const keys = new S3Keys({ webIdentity }, { silenceMs: 3000 });
    await assert.rejects(keys.get(), (error) => {
      assert.match(String(error), /STS at http:\/\/\*\*\*@127.* did not return keys/);
      assert.doesNotMatch(String(error), /s3cr3t/);
      return true;
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('immediately reports a role that STS denies', { skip }, async () => {
  const { webIdentity } = identity(await tokenFile('forged', 60));
  await writeFile(webIdentity.tokenFile, `${issuer.token(60).slice(0, -8)}AAAAAAAA`);
  const store = openStore(`s3://${server.bucket}/forged`, { ...place(), webIdentity });
  await assertDenied(store.check(), /refuses the web identity/);
  await store.close();
});
