import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { loadConfig } from '../src/index.js';

test('S3 credentials come from variables or from mounted files, and are absent without both halves', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-config-'));
  try {
    const [id, secret] = [join(folder, 'id'), join(folder, 'secret')];
    await writeFile(id, 'who\n');
    await writeFile(secret, 'hush\n');
    const { s3 } = loadConfig({ AWS_ACCESS_KEY_ID_FILE: id, AWS_SECRET_ACCESS_KEY_FILE: secret });
    assert.equal(s3?.accessKey, 'who');
    assert.equal(s3?.secretKey, 'hush');
    assert.equal(s3?.addressing, 'host', 'Amazon');
    const own = loadConfig({ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', CRYFOLD_S3_ENDPOINT: 'http://h:9' });
    assert.equal(own.s3?.addressing, 'path', 'a server of one’s own');
    assert.equal(loadConfig({ AWS_ACCESS_KEY_ID: 'a' }).s3, undefined);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the password of Redis comes from a mounted file, whatever characters it holds', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-config-'));
  try {
    const REDIS_PASSWORD_FILE = join(folder, 'password');
    await writeFile(REDIS_PASSWORD_FILE, 'a/b%c@d:e+f\n');
    const { redisUrl } = loadConfig({ REDIS_URL: 'redis://host:6379/2', REDIS_PASSWORD_FILE });
    const url = new URL(redisUrl ?? '');
    assert.equal(decodeURIComponent(url.password), 'a/b%c@d:e+f');
    assert.equal(`${url.host}${url.pathname}`, 'host:6379/2');
    const own = loadConfig({ REDIS_URL: 'redis://:own@host', REDIS_PASSWORD_FILE });
    assert.equal(own.redisUrl, 'redis://:own@host', 'a password in the URL stays');
    assert.equal(loadConfig({ REDIS_URL: '/run/redis.sock', REDIS_PASSWORD_FILE }).redisUrl, '/run/redis.sock');
    assert.throws(
      () => loadConfig({ REDIS_URL: 'redis://h', REDIS_PASSWORD_FILE: join(folder, 'none') }),
      CryfoldError,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a wrong variable is named, and its value is not told', () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ AWS_SECRET_ACCESS_KEY_FILE: '/absent/file', AWS_ACCESS_KEY_ID: 'x' }, /AWS_SECRET_ACCESS_KEY_FILE/],
    [{ CRYFOLD_S3_ENDPOINT: 'ftp://user:hush@host' }, /CRYFOLD_S3_ENDPOINT/],
    [{ CRYFOLD_S3_ADDRESSING: 'hush' }, /CRYFOLD_S3_ADDRESSING/],
    [
      { CRYFOLD_SERVER: 'http://h', CRYFOLD_API_TOKEN: 'read:hush@\noperate:hush@' },
      /CRYFOLD_API_TOKEN: this is not one/,
    ],
    [{ CRYFOLD_SERVER: 'http://h', CRYFOLD_API_TOKEN: 'operate:hush@' }, /CRYFOLD_API_TOKEN: this is not one/],
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
