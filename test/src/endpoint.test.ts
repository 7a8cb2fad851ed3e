import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cryfold, temporaryFolder, until } from './command.js';
import { RedisProcess } from './redis.js';
import { type RunningService, readiness, seriesValue, startService, untilReady } from './service.js';

let redis: RedisProcess;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let environment: Record<string, string>;
const services: RunningService[] = [];

before(async () => {
  redis = await RedisProcess.start();
  folder = await temporaryFolder();
  environment = { REDIS_URL: redis.url, CRYFOLD_STORE: `file:${folder.path}` };
  for (const args of [['coordinator'], ['aggregator'], ['worker', '--queues', 'cpu']]) {
    services.push(await startService(args, environment));
  }
});

after(async () => {
  for (const { process } of services) process.kill('SIGTERM');
  await Promise.all(services.map(({ ended }) => ended));
  await redis.remove();
  await folder.remove();
});

test('reports a service as ready while Redis responds, and as alive in any case', async () => {
  await untilReady(...services);
  await redis.kill();
  for (const { url } of services) {
    const { checks } = await until('an outage to be noticed', async () => {
      const found = await readiness(url);
      return !found.ready && found;
    });
    assert.notEqual(checks.redis, 'ok');
    assert.equal(checks.store, 'ok');
    assert.equal((await readiness(url)).status, 503);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    assert.match(await (await fetch(`${url}/metrics`)).text(), /^cryfold_check_ok\{check="redis"\} 0$/m);
  }
  await redis.restart();
  await untilReady(...services);
});

test('the coordinator exports the depth and consumers of all queues', async () => {
  const [{ url }] = services;
  const text = await until('the metrics of the queues', async () => {
    const answer = await (await fetch(`${url}/metrics`)).text();
    return seriesValue(answer, 'cryfold_queue_consumers{queue="cpu"}') === 1 && answer;
  });
  for (const queue of ['gpu', 'cpu', 'runs', 'aggregate']) {
    for (const state of ['waiting', 'active', 'delayed', 'prioritized', 'failed']) {
      assert.equal(seriesValue(text, `cryfold_queue_jobs{queue="${queue}",state="${state}"}`), 0);
    }
  }
  assert.equal(seriesValue(text, 'cryfold_queue_consumers{queue="gpu"}'), 0, 'no worker serves the queue');
  assert.ok((seriesValue(text, 'cryfold_redis_memory_bytes') ?? 0) > 1e5);
});

test('exits with a clear error if a port is taken or invalid', async () => {
  const taken = new URL(services[0].url).port;
  for (const port of [taken, '70000']) {
    const { code, stderr } = await cryfold(['aggregator', '--metrics-port', port], environment);
    assert.equal(code, 2);
    assert.match(stderr, /^cryfold: USAGE: metrics port \d+: .*\n {2}Choose another port with --metrics-port/m);
  }
  const { code, stderr } = await cryfold(['aggregator'], { ...environment, CRYFOLD_METRICS_PORT: 'http' });
  assert.equal(code, 2);
  assert.match(stderr, /CRYFOLD_METRICS_PORT/);
});
