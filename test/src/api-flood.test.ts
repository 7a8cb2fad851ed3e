import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { cryfold, PROGRAM, start, TINY_SPEC, temporaryFolder, until } from './command.js';
import { RedisProcess } from './redis.js';
import { withoutRedis as skip } from './testbed.js';

const TOKEN = 'operate-operate-operate';
/**
 * Maximum number of files and sockets that the coordinator may open, and the number of connections that the attacker
 * keeps open.
 */
const DESCRIPTORS = 256;
const DRIPS = 400;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let redis: RedisProcess;
let environment: Record<string, string>;
let coordinator: ChildProcess;
let api: string;
let metrics: string;
const others: ReturnType<typeof start>[] = [];
const path = (name: string) => join(folder.path, name);

/** Starts a coordinator with a low limit on file descriptors, and finds the ports that it chose. */
async function startCoordinator(): Promise<void> {
  const args = [PROGRAM, 'coordinator', '--api-port', '0', '--metrics-port', '0'];
  const limited = ['-c', `ulimit -n ${DESCRIPTORS}; exec "$@"`, 'sh', process.execPath, ...args];
  coordinator = spawn('sh', limited, {
    env: { ...process.env, ...environment, CRYFOLD_API_TOKENS: `operate:${TOKEN}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let log = '';
  coordinator.stdout?.on('data', (chunk) => {
    log += chunk;
  });
  api = await until('the API', () => /"url":"(http:[^"]+)".*API ready/.exec(log)?.[1]);
  metrics = `http://127.0.0.1:${await until('metrics', () => /"port":(\d+),"msg":"metrics served"/.exec(log)?.[1])}`;
}

before(async () => {
  if (skip) return;
  folder = await temporaryFolder();
  redis = await RedisProcess.start();
  environment = { REDIS_URL: redis.url, CRYFOLD_STORE: `file:${path('store')}`, CRYFOLD_GRACE_SECONDS: '0' };
  await startCoordinator();
  others.push(start(['aggregator'], environment), start(['worker', '--queues', 'cpu'], environment));
  await writeFile(path('tiny.yaml'), TINY_SPEC);
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
});

after(async () => {
  if (skip) return;
  const ended = once(coordinator, 'exit');
  coordinator.kill('SIGKILL');
  for (const { process } of others) process.kill('SIGTERM');
  await Promise.all([ended, ...others.map((one) => one.ended)]);
  await redis.remove();
  await folder.remove();
});

/**
 * Beginnings of requests that are never completed: no data, unfinished headers, headers of a login without its body,
 * and headers of an upload that is not allowed.
 */
const BEGINNINGS = [
  '',
  'GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\n',
  'POST /api/v1/session HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n',
  'PUT /api/v1/artifacts/x HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 90000000\r\n\r\n',
];

/** Opens connections that each send one byte per second, and replaces every connection that the server closes. */
function drip(count: number, addresses: string[]): { stop: () => void } {
  const sockets = new Set<Socket>();
  let stopped = false;
  const open = (i: number) => {
    if (stopped) return;
    const { hostname, port } = new URL(addresses[i % addresses.length]);
    const socket = connect(Number(port), hostname, () => socket.write(BEGINNINGS[i % BEGINNINGS.length]));
    sockets.add(socket);
    socket.on('error', () => {}).resume();
    socket.once('close', () => {
      sockets.delete(socket);
      setTimeout(open, 100, i).unref();
    });
  };
  for (let i = 0; i < count; i++) open(i);
  const timer = setInterval(() => {
    for (const socket of sockets) if (!socket.connecting) socket.write('x');
  }, 1000);
  return {
    stop: () => {
      stopped = true;
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
    },
  };
}

test('completes a run and answers probes while 400 connections without a token send slowly', { skip }, async () => {
  const attack = drip(DRIPS, [api, api, api, api, api, metrics]);
  try {
    const running = start(
      ['run', path('tiny.yaml'), '--data', path('corpus'), '--estimators', 'svm', '--out', path('out'), '--json'],
      environment,
    );
    let asked = 0;
    const probes = setInterval(() => {
      for (const url of [`${api}/readyz`, `${metrics}/readyz`, `${metrics}/metrics`]) {
        fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(5000) }).then(
          ({ status }) => status === 200 && asked++,
          () => {},
        );
      }
    }, 500);
    const late = setTimeout(() => running.process.kill('SIGKILL'), 60_000);
    const { code, stderr } = await running.ended;
    clearTimeout(late);
    clearInterval(probes);
    assert.equal(code, 0, stderr);
    assert.ok(asked > 3, `${asked} probes were answered`);
    const listed = await cryfold(['list'], { CRYFOLD_SERVER: api, CRYFOLD_API_TOKEN: TOKEN });
    assert.match(listed.stdout, /complete/, listed.stderr);
    const opened = (await readFile(`/proc/${coordinator.pid}/limits`, 'utf8')).match(/Max open files\s+(\d+)/)?.[1];
    assert.equal(Number(opened), DESCRIPTORS);
  } finally {
    attack.stop();
  }
});
