import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CryfoldError, readSecret } from '@cryfold/core';
import { loadConfig } from '../src/index.js';

test('reads S3 credentials from variables or mounted files, but only if key and secret are both set', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-config-'));
  try {
    const [id, secret] = [join(folder, 'id'), join(folder, 'secret')];
    await writeFile(id, 'who\n');
    await writeFile(secret, 'hush\n');
    const { s3 } = loadConfig({ AWS_ACCESS_KEY_ID_FILE: id, AWS_SECRET_ACCESS_KEY_FILE: secret });
    assert.ok(s3 && 'accessKey' in s3);
    assert.deepEqual([s3.accessKey, s3.secretKey].map(readSecret), ['who', 'hush']);
    assert.doesNotMatch(JSON.stringify(s3), /hush/, 'files are read again each time');
    assert.equal(s3.addressing, 'host', 'Amazon');
    const own = loadConfig({ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', CRYFOLD_S3_ENDPOINT: 'http://h:9' });
    assert.equal(own.s3?.addressing, 'path', 'a self-hosted server');
    assert.equal(loadConfig({ AWS_ACCESS_KEY_ID: 'a' }).s3, undefined);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('treats an empty secret file as set: S3 keys may come later, but an API needs tokens to start', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-config-'));
  try {
    const file = join(folder, 'empty');
    await writeFile(file, '\n');
    const { s3 } = loadConfig({ AWS_ACCESS_KEY_ID_FILE: file, AWS_SECRET_ACCESS_KEY_FILE: file });
    assert.ok(s3 && 'accessKey' in s3);
    await writeFile(file, 'later');
    assert.equal(readSecret(s3.accessKey), 'later');
    await writeFile(file, '');
    const api = { CRYFOLD_API_PORT: '0', CRYFOLD_API_TOKENS_FILE: file };
    assert.throws(() => loadConfig(api), /CRYFOLD_API_TOKENS_FILE: .* contains no token/);
    const client = { CRYFOLD_SERVER: 'http://h', CRYFOLD_API_TOKEN_FILE: file };
    assert.throws(() => loadConfig(client), /CRYFOLD_API_TOKEN_FILE: the value is not a single token/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('accepts a role and web identity instead of S3 keys, in the variables of the AWS SDKs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-config-'));
  try {
    const AWS_WEB_IDENTITY_TOKEN_FILE = join(folder, 'token');
    await writeFile(AWS_WEB_IDENTITY_TOKEN_FILE, 'hush');
    const role = { AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN: 'arn:aws:iam::1:role/r' };
    const stsOf = (environment: Record<string, string>) => {
      const { s3 } = loadConfig({ ...role, ...environment });
      return s3 && 'webIdentity' in s3 ? s3.webIdentity.endpoint : assert.fail('no role');
    };
    assert.equal(stsOf({ AWS_REGION: 'eu-west-1' }), 'https://sts.eu-west-1.amazonaws.com');
    assert.equal(stsOf({ AWS_REGION: 'cn-north-1' }), 'https://sts.cn-north-1.amazonaws.com.cn');
    const own = { CRYFOLD_S3_ENDPOINT: 'https://minio.example:9000' };
    assert.equal(stsOf({ ...own, AWS_ENDPOINT_URL_STS: 'https://sts.example' }), 'https://sts.example');
    assert.throws(() => stsOf(own), /AWS_ENDPOINT_URL_STS/, 'the token for another server is not sent to Amazon');
    const keys = loadConfig({ ...role, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }).s3;
    assert.ok(keys && 'accessKey' in keys, 'keys have precedence');
    assert.equal(loadConfig({ AWS_WEB_IDENTITY_TOKEN_FILE }).s3, undefined, 'no role');
    assert.doesNotMatch(JSON.stringify(loadConfig(role)), /hush/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** Returns the URL of the cluster's Redis, as configured by these environment variables. */
function redisOf(environment: Record<string, string>): string {
  const { target } = loadConfig(environment);
  return target.kind === 'cluster' ? target.redisUrl : assert.fail(target.kind);
}

test('targets this machine by default, a cluster if REDIS_URL is set, and a server if CRYFOLD_SERVER is set', () => {
  const targetOf = (environment: Record<string, string>) => loadConfig(environment).target;
  const [REDIS_URL, CRYFOLD_STORE, CRYFOLD_SERVER] = ['redis://h:6379', 's3://b/p', 'http://h:8080'];
  assert.deepEqual(targetOf({}), { kind: 'local', storeUrl: undefined });
  assert.deepEqual(targetOf({ CRYFOLD_STORE }), { kind: 'local', storeUrl: CRYFOLD_STORE });
  assert.deepEqual(targetOf({ REDIS_URL }), { kind: 'cluster', redisUrl: REDIS_URL, storeUrl: undefined });
  assert.deepEqual(targetOf({ REDIS_URL: '', CRYFOLD_SERVER: '' }), { kind: 'local', storeUrl: undefined });
  assert.deepEqual(targetOf({ REDIS_URL, CRYFOLD_STORE, CRYFOLD_SERVER, CRYFOLD_API_TOKEN: 'a-token' }), {
    ...{ kind: 'server', url: CRYFOLD_SERVER, token: 'a-token' },
  });
});

test('adds the path of the password file to the address of Redis, not the password itself', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-config-'));
  try {
    const REDIS_PASSWORD_FILE = join(folder, 'password');
    await writeFile(REDIS_PASSWORD_FILE, 'hush\n');
    const url = new URL(redisOf({ REDIS_URL: 'redis://host:6379/2', REDIS_PASSWORD_FILE }));
    assert.equal(url.searchParams.get('passwordFile'), REDIS_PASSWORD_FILE);
    assert.doesNotMatch(url.href, /hush/);
    assert.equal(`${url.host}${url.pathname}`, 'host:6379/2');
    const own = redisOf({ REDIS_URL: 'redis://:own@host', REDIS_PASSWORD_FILE });
    assert.equal(own, 'redis://:own@host', 'a password in the URL is kept');
    assert.equal(redisOf({ REDIS_URL: '/run/redis.sock', REDIS_PASSWORD_FILE }), '/run/redis.sock');
    assert.throws(
      () => loadConfig({ REDIS_URL: 'redis://h', REDIS_PASSWORD_FILE: join(folder, 'none') }),
      CryfoldError,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('reads mounted secrets written by Windows editors and PowerShell; rejects other encodings without quoting the text', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-config-'));
  try {
    const CRYFOLD_API_TOKEN_FILE = join(folder, 'token');
    const read = async (bytes: Buffer) => {
      await writeFile(CRYFOLD_API_TOKEN_FILE, bytes);
      const { target } = loadConfig({ CRYFOLD_SERVER: 'http://h:1', CRYFOLD_API_TOKEN_FILE });
      return target.kind === 'server' && target.token ? readSecret(target.token) : assert.fail(target.kind);
    };
    for (const bytes of [Buffer.from('\ufeffsecret\r\n'), Buffer.from('\ufeffsecret\r\n', 'utf16le')])
      assert.equal(await read(bytes), 'secret');
    await assert.rejects(read(Buffer.from('hush-\u00e9', 'latin1')), (error) => {
      assert.ok(error instanceof CryfoldError);
      assert.match(error.message, /CRYFOLD_API_TOKEN_FILE: line 1 of .*token is not UTF-8/);
      assert.doesNotMatch(JSON.stringify([error.toRecord(), String(error.cause)]), /hush/);
      return true;
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('reports the name of an invalid variable, but not its value', () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ AWS_SECRET_ACCESS_KEY_FILE: '/absent/file', AWS_ACCESS_KEY_ID: 'x' }, /AWS_SECRET_ACCESS_KEY_FILE/],
    [{ CRYFOLD_S3_ENDPOINT: 'ftp://user:hush@host' }, /CRYFOLD_S3_ENDPOINT/],
    [{ CRYFOLD_S3_ADDRESSING: 'hush' }, /CRYFOLD_S3_ADDRESSING/],
    [
      { CRYFOLD_SERVER: 'http://h', CRYFOLD_API_TOKEN: 'read:hush@\noperate:hush@' },
      /CRYFOLD_API_TOKEN: the value is not a single token/,
    ],
    [{ CRYFOLD_SERVER: 'http://h', CRYFOLD_API_TOKEN: 'operate:hush@' }, /CRYFOLD_API_TOKEN: the value is not/],
  ];
  for (const [environment, names] of cases) {
    assert.throws(
      () => loadConfig(environment),
      (error) => {
        assert.ok(error instanceof CryfoldError && error.code === 'USAGE');
        assert.match(error.message, names);
        assert.doesNotMatch(error.message, /hush@/);
        return true;
      },
    );
  }
});

test('rejects a grace period that exceeds the longest possible timer', () => {
  assert.equal(loadConfig({ CRYFOLD_GRACE_SECONDS: '2000000' }).graceSeconds, 2_000_000);
  assert.throws(() => loadConfig({ CRYFOLD_GRACE_SECONDS: '2200000' }), /CRYFOLD_GRACE_SECONDS/);
});

test('lets a starting service wait a minute for an unavailable Redis or store by default', () => {
  assert.equal(loadConfig({}).startSeconds, 60);
  assert.equal(loadConfig({ CRYFOLD_START_TIMEOUT: '5' }).startSeconds, 5);
});
