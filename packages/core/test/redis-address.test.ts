import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError, parseRedisUrl, withRedisPasswordFile } from '@cryfold/core';

const nobody = { username: undefined, password: undefined };

test('parses URLs of one server, of Sentinels and of a Redis Cluster', () => {
  for (const url of ['redis://u:p@h:1/2', 'rediss://h', '/run/redis.sock'])
    assert.deepEqual(parseRedisUrl(url), { kind: 'single', url });
  assert.deepEqual(parseRedisUrl('redis+sentinel://a:1,b,[::1]:3/my%20name/4?sentinelPassword=s%2Fp'), {
    ...{ kind: 'sentinel', tls: false, name: 'my name', db: 4, sentinelPassword: 's/p', ...nobody },
    sentinels: [
      { host: 'a', port: 1 },
      { host: 'b', port: 26_379 },
      { host: '::1', port: 3 },
    ],
  });
  assert.deepEqual(parseRedisUrl('rediss+cluster://u:p%40%3A%2F@a,b:7'), {
    ...{ kind: 'cluster', tls: true, username: 'u', password: 'p@:/' },
    nodes: [
      { host: 'a', port: 6379 },
      { host: 'b', port: 7 },
    ],
  });
});

test('refuses other URLs without repeating their secrets', () => {
  for (const url of [
    'http://u:s3cr3t@h/',
    'redis://u:s3cr3t@h:port',
    'redis+other://u:s3cr3t@h',
    'redis+sentinel://u:s3cr3t@h:1',
    'redis+sentinel://u:s3cr3t@h:1/name/x',
    'redis+sentinel://u:s3cr3t@/name',
    'redis+cluster://u:s3cr3t@h:1/2',
    'redis+cluster://u:s3cr3t@h:1,',
    'redis+cluster://u:s3cr3t@h:99999',
    'redis+cluster://u:s3cr3t%@h:1',
    'redis+cluster://',
    // Special characters that are not percent-encoded
    'redis+sentinel://:s3cr3t/x@h:1/name',
    'redis+sentinel://u:s3cr3t,x/y@h:1/name',
    'redis+cluster://u:s3cr3t?x@h:1',
    'redis+cluster://u:s3cr3t#x@h:1',
  ]) {
    assert.throws(
      () => parseRedisUrl(url),
      (error) => error instanceof CryfoldError && error.code === 'USAGE' && !String(error).includes('s3cr3t'),
      url,
    );
  }
});

test('adds a password file to a URL without a password', () => {
  const put = (url: string) => withRedisPasswordFile(url, '/run/a b');
  assert.equal(put('redis://host:1/2'), 'redis://host:1/2?passwordFile=%2Frun%2Fa%20b');
  assert.equal(
    (parseRedisUrl(put('redis+sentinel://a/name?x=y')) as { passwordFile?: string }).passwordFile,
    '/run/a b',
  );
  assert.equal((parseRedisUrl(put('redis+cluster://u:@a,b')) as { passwordFile?: string }).passwordFile, '/run/a b');
  for (const url of ['redis://:own@host', 'redis+cluster://u:own@a,b', '/run/redis.sock']) assert.equal(put(url), url);
});
