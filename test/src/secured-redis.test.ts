import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { freePort, selfSigned } from '@cryfold/testing';
import { Cluster, findRedis } from './cluster.js';
import { cryfold, logLines, ROOT, TINY_SPEC, temporaryFolder, until } from './command.js';

const PASSWORD = 'wonderful-s3cret';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: ChildProcess | undefined;
let cluster: Cluster | undefined;
let environment: Record<string, string>;
let skip: string | false = false;
const path = (name: string) => join(folder.path, name);

/** Returns the ACL rule in docs/reliability.md as a line of a Redis configuration. */
async function documentedUser(): Promise<string> {
  const rule = /^ACL SETUSER (.*)$/m.exec(await readFile(join(ROOT, 'docs', 'reliability.md'), 'utf8'))?.[1];
  assert.ok(rule, 'docs/reliability.md contains the rule');
  return `user ${rule.replace('>PASSWORD', `>${PASSWORD}`)}`;
}

/** Returns whether something accepts connections at the port. */
function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

before(async () => {
  folder = await temporaryFolder();
  const program = await findRedis();
  if (!program) {
    skip = 'neither redis-server nor valkey-server is on PATH or in the cache';
    return;
  }
  try {
    selfSigned({ key: path('key.pem'), certificate: path('ca.pem'), names: ['IP:127.0.0.1'] });
  } catch {
    skip = 'openssl is not installed';
    return;
  }
  const port = await freePort();
  const settings = [
    ...['port 0', `tls-port ${port}`, 'tls-auth-clients no', 'bind 127.0.0.1', `dir ${folder.path}`, 'save ""'],
    ...[`tls-cert-file ${path('ca.pem')}`, `tls-key-file ${path('key.pem')}`, `tls-ca-cert-file ${path('ca.pem')}`],
    ...['user default off', await documentedUser()],
  ];
  await writeFile(path('redis.conf'), `${settings.join('\n')}\n`);
  const started = spawn(program, [path('redis.conf')], { stdio: 'ignore' });
  server = started;
  await until('Redis to listen or exit', async () => started.exitCode !== null || listens(port));
  if (started.exitCode !== null) {
    skip = `${program} was built without TLS`;
    return;
  }
  await writeFile(path('tiny.yaml'), TINY_SPEC);
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
  environment = {
    REDIS_URL: `rediss://cryfold:${PASSWORD}@127.0.0.1:${port}`,
    NODE_EXTRA_CA_CERTS: path('ca.pem'),
    CRYFOLD_STORE: `file:${path('store')}`,
  };
  cluster = await Cluster.start(folder.path, program);
  cluster.run(environment, {
    coordinator: ['coordinator', '--metrics-port', '0'],
    aggregator: ['aggregator'],
    worker: ['worker', '--queues', 'gpu,cpu'],
  });
});
after(async () => {
  await cluster?.stop();
  server?.kill('SIGKILL');
  await folder.remove();
});

test('runs, shows and cancels an evaluation over TLS as the documented user', async (t) => {
  if (skip) return t.skip(skip);
  const run = (seed: string) => [
    ...['run', path('tiny.yaml'), '--data', path('corpus'), '--out', path('out')],
    ...['--estimators', 'small-cnn,svm', '--seed', seed],
  ];
  const ended = await cryfold(run('1'), environment);
  assert.equal(ended.code, 0, ended.stderr);
  const status = await cryfold(['status', '--json'], environment);
  assert.equal(status.code, 0, status.stderr);
  const [{ run: id }] = JSON.parse((await cryfold(['list', '--json'], environment)).stdout);
  assert.equal((await cryfold(['cancel', id], environment)).code, 0);
  const lines = await until('the run to be logged as finished', async () => {
    const found = await logLines(folder.path);
    return found.some(({ msg }) => msg === 'run finished') && found;
  });
  const denied = lines.filter((line) => /NOPERM|no permissions/i.test(JSON.stringify(line)));
  assert.deepEqual(denied, []);
  assert.ok(!JSON.stringify(lines).includes(PASSWORD));
});

test('reports an untrusted certificate and a wrong password clearly', async (t) => {
  if (skip) return t.skip(skip);
  const { NODE_EXTRA_CA_CERTS: _trusted, ...foreign } = environment;
  for (const [unfit, reason] of [
    [foreign, /REDIS_UNREACHABLE.*certificate/],
    [{ ...environment, REDIS_URL: environment.REDIS_URL.replace(PASSWORD, 'wrong') }, /REDIS_UNREACHABLE.*WRONGPASS/],
  ] as const) {
    const { code, stderr } = await cryfold(['status'], { ...unfit });
    assert.notEqual(code, 0);
    assert.match(stderr, reason);
    assert.ok(!stderr.includes(PASSWORD));
  }
});

test('does not let the documented user empty Redis or read other keys', async (t) => {
  if (skip) return t.skip(skip);
  const { connect } = await import('node:tls');
  const url = new URL(environment.REDIS_URL);
  const socket = connect({ host: '127.0.0.1', port: Number(url.port), ca: await readFile(path('ca.pem')) });
  let said = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  socket.write(`AUTH cryfold ${PASSWORD}\r\nFLUSHALL\r\nGET other\r\nCONFIG GET *\r\nKEYS *\r\nPING\r\n`);
  await until('the answers', () => said.includes('PONG'), 10);
  socket.destroy();
  assert.equal(said.match(/-NOPERM/g)?.length, 4, said);
});
