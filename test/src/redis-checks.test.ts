import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CryfoldError, sha256 } from '@cryfold/core';
import { Consumer, checkRedis, inspectRedis, Queues, workPayload } from '@cryfold/queue';
import { cryfold, start, temporaryFolder, until } from './command.js';
import { operate, RedisProcess } from './redis.js';
import { readiness, startService, untilReady } from './service.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
before(async () => {
  folder = await temporaryFolder();
});
after(() => folder?.remove());

/** Starts a real Redis, optionally behind a proxy that replaces a text in its replies with one of equal length. */
async function withRedis(
  flags: string[],
  work: (url: string) => Promise<void>,
  change?: [from: string, to: string],
): Promise<void> {
  const redis = await RedisProcess.withPassword('a-password', flags);
  const proxy = createServer((client) => {
    const server = connect(Number(new URL(redis.url).port), '127.0.0.1');
    client.pipe(server);
    server.on('data', (chunk) => {
      client.write(change ? chunk.toString('latin1').replaceAll(...change) : chunk, 'latin1');
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ]) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  }).listen(0, '127.0.0.1');
  try {
    await once(proxy, 'listening');
    const url = new URL(redis.url);
    if (change) url.port = String((proxy.address() as AddressInfo).port);
    await work(url.href);
  } finally {
    proxy.close();
    await redis.remove();
  }
}

function unsafe(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof CryfoldError);
    assert.equal(error.code, 'REDIS_UNSAFE');
    assert.match(error.message, message);
    assert.ok(error.hint);
    return true;
  };
}

const ownVersion = async (url: string) => (await inspectRedis(url)).version;

test('refuses a Redis that may evict jobs', async () => {
  for (const policy of ['allkeys-lru', 'volatile-ttl']) {
    await withRedis(['--maxmemory-policy', policy], async (url) => {
      await assert.rejects(checkRedis(url), unsafe(new RegExp(`eviction policy ${policy}`)));
    });
  }
});

test('refuses a node of a Redis Cluster, since a queue’s keys would be spread over several nodes', async () => {
  await withRedis(['--cluster-enabled', 'yes'], async (url) => {
    await assert.rejects(checkRedis(url), unsafe(/Redis Cluster/));
  });
});

test('refuses a replica, but lets services wait until the replica is promoted', async () => {
  await withRedis(['--replicaof', '127.0.0.1', '1'], async (url) => {
    await assert.rejects(checkRedis(url), (error) => {
      assert.ok(error instanceof CryfoldError);
      assert.equal(error.code, 'REDIS_UNREACHABLE');
      assert.equal(error.failure, 'infrastructure');
      return /is a replica/.test(error.message);
    });
  });
});

test('refuses a Redis that is too old for BullMQ, and warns about one older than recommended', async (t) => {
  let version = '';
  await withRedis([], async (url) => {
    version = await ownVersion(url);
  });
  if (version.includes(' ')) return t.skip(`this server is ${version}`);
  // The fake version must have as many characters as the real version of this machine's server.
  const older = (start: string) => start + version.slice(start.length).replace(/\d/g, '1');
  const said = (start: string): [string, string] => [`redis_version:${version}`, `redis_version:${older(start)}`];
  await withRedis(
    [],
    async (url) => {
      await assert.rejects(checkRedis(url), unsafe(/4\.0\S* is too old: BullMQ needs 5\.0\.0/));
    },
    said('4.0'),
  );
  await withRedis(
    [],
    async (url) => {
      const { version: found, warnings } = await inspectRedis(url);
      assert.match(found, /^6\.0/);
      assert.match(warnings.join(' '), /recommends Redis 6\.2\.0/);
    },
    said('6.0'),
  );
});

test('reconnects when the primary becomes a replica, even if errors have the wording of Redis 6', async () => {
  const said: [string, string] = ['-READONLY ', '-ERR Error running script (call to f_0): @user_script: 1: -READONLY '];
  const work = async (url: string) => {
    const queues = new Queues(url);
    const errors: string[] = [];
    let reconnected = 0;
    let release: (() => void) | undefined;
    const consumer = new Consumer({
      ...{ url, queue: 'gpu', schema: workPayload, concurrency: 1, maxStalledCount: 1 },
      onError: ({ message }) => errors.push(message),
      observer: { failed: () => {}, lostLease: () => {}, reconnected: () => reconnected++ },
      handle: () =>
        new Promise((resolve) => {
          release = resolve;
        }),
    });
    try {
      const key = sha256('fold');
      await queues.add('gpu', [{ id: key, payload: { format: 1, kind: 'fold', run: 'r', key } }]);
      await until('the start', () => release);
      await operate(url, 'REPLICAOF', '127.0.0.1', '1');
      release?.();
      await until('a new connection', () => reconnected > 0);
      assert.match(errors.join(), /ERR Error running script/);
      await operate(url, 'REPLICAOF', 'NO', 'ONE');
      await until('an empty queue', async () => (await queues.liveIds('gpu')).size === 0);
    } finally {
      await consumer.close(true);
      await queues.close();
    }
  };
  await withRedis([], work, said);
});

test('warns about a Redis that saves nothing to disk, but not about one with an append-only file or snapshots', async () => {
  await withRedis([], async (url) => {
    assert.match((await inspectRedis(url)).warnings.join(), /saves nothing to disk/);
  });
  for (const flags of [
    ['--appendonly', 'yes'],
    ['--save', '900 1'],
  ]) {
    await withRedis(flags, async (url) => assert.deepEqual((await inspectRedis(url)).warnings, [], flags.join(' ')));
  }
});

test('reads the eviction policy from INFO if CONFIG is rejected, and warns about unknown settings', async () => {
  const managed = ['--rename-command', 'CONFIG', ''];
  await withRedis([...managed, '--maxmemory-policy', 'allkeys-lfu'], async (url) => {
    await assert.rejects(inspectRedis(url), unsafe(/allkeys-lfu/));
  });
  await withRedis(managed, async (url) => {
    const { warnings } = await inspectRedis(url);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /unknown whether Redis saves its data to disk/);
  });
  const hidden: [string, string] = ['maxmemory_policy:', 'maxmemory_other_:'];
  await withRedis(
    managed,
    async (url) => {
      assert.match(
        (await inspectRedis(url)).warnings.join(),
        /eviction policy of Redis is unknown.*must be noeviction/,
      );
    },
    hidden,
  );
  await withRedis(
    ['--maxmemory-policy', 'allkeys-lfu'],
    async (url) => {
      await assert.rejects(inspectRedis(url), unsafe(/allkeys-lfu/), 'CONFIG reports the policy even if INFO does not');
    },
    hidden,
  );
});

test('doctor reports the eviction policy with the command that fixes it, and warns about persistence', async () => {
  await withRedis([], async (url) => {
    const environment = { REDIS_URL: url, CRYFOLD_STORE: join(folder.path, 'doctor') };
    const found = async (code: number) => {
      const ended = await cryfold(['doctor', '--json'], environment);
      assert.equal(ended.code, code, ended.stderr);
      const { checks } = JSON.parse(ended.stdout);
      return checks.find(({ name }: { name: string }) => name === 'Redis');
    };
    const fit = await found(0);
    assert.equal(fit.ok, true);
    assert.match(fit.warnings.join(), /saves nothing to disk/);
    await operate(url, 'CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru');
    const { ok, fix } = await found(1);
    assert.deepEqual([ok, /config set maxmemory-policy noeviction/.test(fix)], [false, true]);
  });
});

test('does not start a service if Redis may evict keys, and reports it as not ready if this is set later', async () => {
  await withRedis(['--maxmemory-policy', 'allkeys-lru'], async (url) => {
    const environment = { REDIS_URL: url, CRYFOLD_STORE: join(folder.path, 'service') };
    const { code, stderr } = await start(['aggregator'], environment).ended;
    assert.equal(code, 2);
    assert.match(stderr, /eviction policy allkeys-lru/);
    await operate(url, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    const service = await startService(['aggregator'], environment);
    try {
      await untilReady(service);
      await operate(url, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
      const { checks } = await until('the service to notice', async () => {
        const found = await readiness(service.url);
        return found.status === 503 && found;
      });
      assert.match(Object.values(checks).join(), /eviction policy allkeys-lru/);
    } finally {
      service.process.kill('SIGTERM');
      await service.ended;
    }
  });
});
