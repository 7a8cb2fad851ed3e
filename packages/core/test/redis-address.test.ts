import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError, parseRedisUrl, withRedisPasswordFile } from '../src/index.js';

const nobody = { username: undefined, password: undefined };

test('parses URLs of a single server, of Sentinels and of a Redis Cluster', () => {
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

test('refuses unsupported Redis URLs without revealing their secrets', () => {
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

test('reports what is wrong with a Redis URL, and lists the supported forms', () => {
  for (const [url, message] of [
    ['http://h/', 'http://h/'],
    ['xredis://h', 'xredis://h'],
    ['redis+cluster://h:1/2', 'redis+cluster://h:1/2: a Redis Cluster has neither a name nor database numbers'],
    ['redis+cluster://h?db=2', 'redis+cluster://h?***: a Redis Cluster has neither a name nor database numbers'],
    [
      'redis+sentinel://h:1',
      'redis+sentinel://h:1: the Sentinels must be followed by /NAME, the name that they use for the primary',
    ],
    ['redis+cluster://a,b:x', 'redis+cluster://a,b:x: address 2 is not host:port'],
    ['redis+cluster://a,b:1:2', 'redis+cluster://a,b:1:2: address 2 is not host:port'],
    ['redis+cluster://a]', 'redis+cluster://a]: address 1 is not host:port'],
    ['redis+cluster://a:65536', 'redis+cluster://a:65536: address 1 is not host:port'],
  ]) {
    assert.throws(
      () => parseRedisUrl(url),
      (error) => {
        assert.ok(error instanceof CryfoldError);
        assert.equal(error.message, `REDIS_URL is not the URL of a Redis server: ${message}`);
        assert.equal(
          error.hint,
          'Use redis://user:password@host:port, or redis+sentinel://user:password@host:port,host:port/NAME, or ' +
            'redis+cluster://user:password@host:port,host:port. Percent-encode special characters in the user name and the password.',
        );
        return true;
      },
      url,
    );
  }
});

test('parses ports, addresses, users and database numbers in full', () => {
  const cluster = (url: string) => {
    const address = parseRedisUrl(url);
    assert.ok(address.kind === 'cluster');
    return address;
  };
  assert.deepEqual(cluster('REDIS+cluster://first-host:65535,[2001:DB8::a]:12').nodes, [
    { host: 'first-host', port: 65_535 },
    { host: '2001:DB8::a', port: 12 },
  ]);
  assert.deepEqual(cluster('redis+cluster://@h').nodes, [{ host: 'h', port: 6379 }]);
  for (const [user, username, password] of [
    ['name', 'name', undefined],
    [':p', undefined, 'p'],
    ['n:p:q', 'n', 'p:q'],
  ]) {
    const parsed = cluster(`redis+cluster://${user}@h?passwordFile=%2Ff`);
    assert.deepEqual([parsed.username, parsed.password, parsed.passwordFile], [username, password, '/f']);
  }
  const sentinel = parseRedisUrl('redis+sentinel://h/name/12');
  assert.ok(sentinel.kind === 'sentinel' && sentinel.db === 12);
  const first = parseRedisUrl('redis+sentinel://h/name');
  assert.ok(first.kind === 'sentinel' && first.db === 0);
  // A path may contain what looks like a URL.
  assert.deepEqual(parseRedisUrl('/run/redis+cluster://h'), { kind: 'single', url: '/run/redis+cluster://h' });
  assert.equal(withRedisPasswordFile('/run/redis://u@h', '/f'), '/run/redis://u@h');
  assert.equal(withRedisPasswordFile('redis://u:p@h', '/f'), 'redis://u:p@h');
  assert.equal(withRedisPasswordFile('redis://a@b:c@h', '/f'), 'redis://a@b:c@h?passwordFile=%2Ff');
});
