import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { mapLimited } from '@cryfold/core';
import { synthesizeCorpus } from '@cryfold/corpus';
import { writeModel } from '@cryfold/model-registry/testing';
import { tensorFlowInfo } from '@cryfold/nn';
import { start, temporaryFolder, until } from './command.js';
import { RedisProcess } from './redis.js';

const QUEUED = ['coordinator', 'coordinator --api-port 0', 'aggregator', 'worker --queues cpu', 'worker --queues gpu'];
const METRICS = ['', ' --metrics-port 0'];
const S3_AWAY = {
  ...{ CRYFOLD_STORE: 's3://bucket/p', CRYFOLD_S3_ENDPOINT: 'http://127.0.0.1:1' },
  ...{ AWS_ACCESS_KEY_ID: 'k', AWS_SECRET_ACCESS_KEY: 's' },
};

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: string;
let redis: RedisProcess;
/** Accepts connections, but never responds. */
let silent: Server;
let takenPort: number;
/** Commands of the services that process jobs from Redis, except the GPU worker if TensorFlow is not installed. */
let services: string[];

before(async () => {
  folder = await temporaryFolder();
  store = `file:${join(folder.path, 'store')}`;
  redis = await RedisProcess.start();
  silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  takenPort = (silent.address() as AddressInfo).port;
  const hasTensorFlow = await tensorFlowInfo().then(
    () => true,
    () => false,
  );
  services = QUEUED.filter((command) => hasTensorFlow || !command.endsWith('gpu'));
});
after(async () => {
  silent?.close();
  await redis?.remove();
  await folder?.remove();
});

interface Expected {
  code: number;
  /** The error's first words */
  message: string;
}

/** Asserts that each command fails to start: it exits by itself with this code, and stderr ends with one error. */
async function assertFails(commands: string[], environment: Record<string, string>, { code, message }: Expected) {
  const attempt = async (line: string) => {
    const { process: child, ended } = start(line.split(' '), { CRYFOLD_START_TIMEOUT: '1', ...environment });
    try {
      await until(`cryfold ${line} to exit`, () => child.exitCode !== null || child.signalCode !== null, 30);
    } finally {
      child.kill('SIGKILL');
    }
    const { code: found, stderr } = await ended;
    const where = `cryfold ${line} ${JSON.stringify(environment)}: ${stderr}`;
    assert.equal(found, code, where);
    // Before it starts its services, a run prints what it is preparing, so skip everything before the error.
    const error = stderr.slice(stderr.search(/^cryfold: /m));
    assert.ok(error.startsWith(`cryfold: ${message}`), where);
    assert.match(error, /^cryfold: .*\n( {2}.*\n)?$/, where);
  };
  await mapLimited(commands, attempt, 4);
}

/** Returns two variants of each command: without and with a metrics port. */
const withAndWithoutMetrics = (commands: string[]) =>
  commands.flatMap((command) => METRICS.map((flags) => command + flags));

test('every service exits if its store URL is wrong, with and without a metrics port', async () => {
  const environment = { REDIS_URL: redis.url, CRYFOLD_STORE: 'ftp://somewhere' };
  await assertFails(withAndWithoutMetrics(services), environment, { code: 2, message: 'STORE_URL_INVALID: ' });
});

test('every service exits if its Redis URL is wrong', async () => {
  const environment = { REDIS_URL: 'redis://127.0.0.1:notaport', CRYFOLD_STORE: store };
  const commands = services.map((command, i) => command + METRICS[i % 2]);
  await assertFails(commands, environment, { code: 2, message: 'USAGE: REDIS_URL' });
});

test('every service exits if Redis is unreachable or hangs, or if the store is unreachable', async () => {
  // All services start in the same way, but a GPU worker first looks for TensorFlow, which takes seconds.
  const commands = services.slice(1, 4).map((command, i) => command + METRICS[i % 2]);
  for (const url of ['redis://127.0.0.1:1', `redis://127.0.0.1:${takenPort}`]) {
    const environment = { REDIS_URL: url, CRYFOLD_STORE: store };
    await assertFails(commands, environment, { code: 1, message: 'REDIS_UNREACHABLE: ' });
  }
  await assertFails(commands, { REDIS_URL: redis.url, ...S3_AWAY }, { code: 1, message: 'STORE_UNREACHABLE: ' });
});

test('every service exits if another program uses its metrics port', async () => {
  const commands = services.map((command) => `${command} --metrics-port ${takenPort}`);
  const environment = { REDIS_URL: redis.url, CRYFOLD_STORE: store, CRYFOLD_METRICS_HOST: '127.0.0.1' };
  await assertFails(commands, environment, { code: 2, message: `USAGE: metrics port ${takenPort}: ` });
});

test('a coordinator exits if another program uses its API port, with and without a metrics port', async () => {
  const environment = { REDIS_URL: redis.url, CRYFOLD_STORE: store };
  const commands = withAndWithoutMetrics([`coordinator --api-port ${takenPort}`]);
  await assertFails(commands, environment, { code: 1, message: 'API_PORT_TAKEN: ' });
});

test('a local run with a page exits if another program uses its port', async () => {
  const corpus = join(folder.path, 'corpus');
  await synthesizeCorpus(corpus, { clips: 30, seed: 1 });
  const run = `run --data ${corpus} --out ${join(folder.path, 'out')} --estimators svm --folds 3 --repeats 1`;
  await assertFails([`${run} --ui ${takenPort}`], {}, { code: 1, message: 'API_PORT_TAKEN: ' });
});

test('the prediction server exits if its model, store or port is unavailable', async () => {
  const model = join(folder.path, 'model');
  await writeModel(model, ['a', 'b']);
  const serve = 'serve --port 0 --model';
  const stored = `${serve} none`;
  await assertFails([stored], { CRYFOLD_STORE: store }, { code: 2, message: 'MODEL_NOT_FOUND: ' });
  await assertFails([`${serve} ${model}/absent`], {}, { code: 2, message: 'MODEL_NOT_FOUND: ' });
  await assertFails([stored], { CRYFOLD_STORE: 'ftp://somewhere' }, { code: 2, message: 'STORE_URL_INVALID: ' });
  await assertFails([stored], S3_AWAY, { code: 1, message: 'STORE_UNREACHABLE: ' });
  const commands = [`serve --port ${takenPort} --model ${model}`];
  await assertFails(commands, {}, { code: 2, message: `USAGE: port ${takenPort}: ` });
});
