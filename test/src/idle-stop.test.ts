import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TcpProxy } from '@cryfold/testing';
import { temporaryFolder, until } from './command.js';
import { RedisServer } from './redis-server.js';
import { startService, untilReady } from './service.js';
import { withoutRedis } from './testbed.js';

/**
 * The grace period is far longer than the test's time limit, so the test fails if a service waits for the entire grace
 * period.
 */
const GRACE_SECONDS = 600;
const ENDS_WITHIN_SECONDS = 60;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

before(async () => {
  folder = await temporaryFolder();
});
after(() => folder.remove());

for (const fault of ['cut', 'hang'] as const) {
  test(`stops idle services long before the end of their grace period while Redis is unreachable (${fault})`, {
    skip: withoutRedis,
  }, async () => {
    const redis = await RedisServer.start(folder.path);
    const proxy = await TcpProxy.start(redis.port);
    const environment = {
      REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
      CRYFOLD_STORE: `file:${folder.path}/store-${fault}`,
      CRYFOLD_GRACE_SECONDS: `${GRACE_SECONDS}`,
    };
    const services = await Promise.all(
      [['worker', '--queues', 'cpu'], ['coordinator'], ['aggregator']].map((args) => startService(args, environment)),
    );
    try {
      await untilReady(...services);
      proxy.set(fault);
      for (const { process } of services) process.kill('SIGTERM');
      const ended = () => services.every(({ process }) => process.exitCode !== null || process.signalCode !== null);
      await until('all services to exit', ended, ENDS_WITHIN_SECONDS);
      assert.deepEqual(
        services.map(({ process }) => process.exitCode),
        [0, 0, 0],
      );
    } finally {
      for (const { process } of services) process.kill('SIGKILL');
      await Promise.all(services.map(({ ended }) => ended));
      await proxy.stop();
      await redis.stop();
    }
  });
}
