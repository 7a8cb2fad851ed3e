import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { findTool } from '@cryfold/testing';
import { cryfold, PROGRAM, ROOT, temporaryFolder } from './command.js';
import { say } from './kube.js';
import { RedisServer } from './redis-server.js';
import { startService, untilReady } from './service.js';
import { withoutRedis } from './testbed.js';

/** Verifies the units in infra/systemd with systemd-analyze, and runs their commands as processes. */

const SOURCE = join(ROOT, 'infra', 'systemd');
const COMMON = join('cryfold-.service.d', 'common.conf');
const services = readdirSync(SOURCE).filter((name) => name.endsWith('.service'));

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);

before(async () => {
  folder = await temporaryFolder();
});
after(() => folder.remove());

/** Returns all values of a setting: first those in the common drop-in, then those in the unit. */
function values(unit: string, setting: string): string[] {
  const text = [COMMON, unit].map((name) => readFileSync(join(SOURCE, name), 'utf8')).join('\n');
  return [...text.matchAll(new RegExp(`^${setting}=(.*)$`, 'gm'))].map(([, value]) => value);
}

/** Returns the environment of a unit as set by systemd, but with credentials and cache in the test's folder. */
function environment(unit: string): Record<string, string> {
  const file = readFileSync(join(SOURCE, 'cryfold.env'), 'utf8');
  const pairs = [
    ...[...file.matchAll(/^(\w+)=(.*)$/gm)].map(([pair]) => pair),
    ...values(unit, 'Environment').flatMap((line) => line.split(' ')),
  ];
  const specifiers = (value: string) => value.replaceAll('%d', path('credentials')).replaceAll('%C', path('cache'));
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/).map(specifiers)));
}

test('systemd-analyze accepts the units, and reports a misspelled setting', async (t) => {
  const analyze = await findTool('systemd-analyze');
  if (!analyze) return t.skip('no systemd-analyze');
  cpSync(SOURCE, path('units'), { recursive: true });
  for (const name of services) {
    const text = readFileSync(path('units', name), 'utf8');
    writeFileSync(path('units', name), text.replace('/usr/local/bin/cryfold', PROGRAM));
  }
  const units = readdirSync(path('units')).filter((name) => /\.(service|timer)$/.test(name));
  const verify = () => say(analyze, ['verify', ...units.map((name) => path('units', name))]);
  const said = await verify();
  assert.equal(said.code, 0, said.stderr);
  assert.equal(said.stderr, '');
  writeFileSync(path('units', COMMON), readFileSync(path('units', COMMON), 'utf8').replace('KillMode', 'KilMode'));
  assert.match((await verify()).stderr, /KilMode/);
});

test('each unit’s environment refers to a file for every credential, and Prometheus scrapes its port', () => {
  assert.equal(services.length, 5);
  const prometheus = readFileSync(join(SOURCE, 'prometheus.yml'), 'utf8');
  const scraped = new Set([...prometheus.matchAll(/example\.com:(\d+)/g)].map(([, port]) => port));
  const ports = services.flatMap((unit) => environment(unit).CRYFOLD_METRICS_PORT ?? []);
  assert.equal(new Set(ports).size, 4);
  assert.deepEqual([...scraped].sort(), ports.sort());
  for (const unit of services) {
    const files = Object.entries(environment(unit)).filter(([name]) => name.endsWith('_FILE'));
    const credentials = values(unit, 'LoadCredential').map((value) => path('credentials', value.split(':')[0]));
    assert.deepEqual(files.map(([, file]) => file).sort(), credentials.sort(), unit);
    const grace = Number(environment(unit).CRYFOLD_GRACE_SECONDS ?? 0);
    assert.ok(Number.parseInt(values(unit, 'TimeoutStopSec')[0], 10) >= grace + 20, unit);
  }
});

test('the commands of the units, started as by systemd, evaluate a corpus and shut down cleanly', {
  skip: withoutRedis,
}, async () => {
  const redis = await RedisServer.start(folder.path, '--requirepass', 'secret');
  mkdirSync(path('credentials'));
  for (const name of ['redis-password', 's3-access-key', 's3-secret-key']) {
    writeFileSync(path('credentials', name), 'secret\n');
  }
  writeFileSync(path('credentials', 'api-tokens'), `read:${'a'.repeat(32)}\noperate:${'b'.repeat(32)}\n`);
  const place = {
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    CRYFOLD_STORE: `file:${path('store')}`,
    CRYFOLD_API_PORT: '0',
  };
  const units = ['cryfold-coordinator', 'cryfold-aggregator', 'cryfold-worker-cpu'].map((name) => `${name}.service`);
  const started = await Promise.all(
    units.map((unit) => {
      const [program, ...args] = values(unit, 'ExecStart')[0].split(' ');
      assert.equal(program, '/usr/local/bin/cryfold');
      return startService(args, { ...environment(unit), ...place });
    }),
  );
  try {
    await untilReady(...started);
    await synthesizeCorpus(path('corpus'), { clips: 30, seed: 1 });
    const args = ['run', '--data', path('corpus'), '--estimators', 'svm', '--folds', '2', '--repeats', '1'];
    const run = await cryfold(args, { ...environment(units[2]), ...place });
    assert.equal(run.code, 0, run.stderr);
    for (const { process } of started) process.kill('SIGTERM');
    const codes = await Promise.all(started.map(async ({ ended }) => (await ended).code));
    assert.deepEqual(codes, [0, 0, 0]);
  } finally {
    for (const { process } of started) process.kill('SIGKILL');
    await Promise.all(started.map(({ ended }) => ended));
    await redis.stop();
  }
});
