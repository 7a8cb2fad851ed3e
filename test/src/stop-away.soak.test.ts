import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { synthesizeCorpus } from '@cryfold/corpus';
import { findTool, S3_TOOLS, S3Server, TcpProxy } from '@cryfold/testing';
import { type Command, cryfold, start, temporaryFolder, until } from './command.js';
import { RedisServer } from './redis-server.js';
import { killServed, serveModel } from './served-model.js';
import { withoutRedis } from './testbed.js';

/** Tests how processes stop while neither Redis nor the store responds. */

const GRACE_SECONDS = 3;
/**
 * Time limit for stopping after the grace period, in seconds: 5 s, doubled for busy machines. If stopping waited for
 * the store, it would take up to 60 s.
 */
const MORE_SECONDS = 10;

const [tool, program] = await (async () => {
  for (const name of S3_TOOLS) {
    const found = await findTool(name);
    if (found) return [name, found] as const;
  }
  return [undefined, undefined] as const;
})();
const skip = withoutRedis || (tool === undefined && 'there is no S3 server: set CRYFOLD_TOOLS');

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: S3Server;
let s3: TcpProxy;
let environment: Record<string, string>;
const path = (...parts: string[]) => join(folder.path, ...parts);

before(async () => {
  if (!tool || skip) return;
  folder = await temporaryFolder();
  server = await S3Server.start({ tool, program });
  s3 = await TcpProxy.start(server.port);
  environment = {
    ...server.environment('away'),
    CRYFOLD_S3_ENDPOINT: `http://127.0.0.1:${s3.port}`,
    CRYFOLD_GRACE_SECONDS: `${GRACE_SECONDS}`,
  };
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
});
after(async () => {
  await s3?.stop();
  await server?.stop();
  await folder?.remove();
});

/** Sends SIGTERM to a process, which must exit in time. @returns its exit code */
async function stopped({ process, ended }: Command, what: string): Promise<number | null> {
  process.kill('SIGTERM');
  const gone = () => process.exitCode !== null || process.signalCode !== null;
  await until(`${what} to exit`, gone, GRACE_SECONDS + MORE_SECONDS);
  return (await ended).code;
}

test('stops busy services and the command that follows their run within the time limit', { skip }, async () => {
  const redis = await RedisServer.start(folder.path);
  const proxy = await TcpProxy.start(redis.port);
  await writeFile(
    path('slow.yaml'),
    `version: 1
name: slow
protocol: { folds: 2, repeats: 1 }
estimators:
  small-cnn: { kind: small-cnn, epochs: 5000, learningRate: 1e-3, filters: [4, 8, 8], dense: [16] }
`,
  );
  const cluster = { ...environment, REDIS_URL: `redis://127.0.0.1:${proxy.port}` };
  const commands = {
    coordinator: start(['coordinator', '--api-port', '0'], cluster),
    aggregator: start(['aggregator'], cluster),
    worker: start(['worker', '--queues', 'gpu'], cluster),
    follower: start(['run', path('slow.yaml'), '--data', path('corpus')], cluster),
  };
  try {
    await until('a fold', () => commands.worker.stdout().includes('fold started'));
    proxy.set('hang');
    s3.set('hang');
    const codes = await Promise.all(Object.entries(commands).map(([name, command]) => stopped(command, name)));
    assert.deepEqual(codes, [0, 0, 0, 4]);
  } finally {
    s3.set('none');
    for (const { process } of Object.values(commands)) process.kill('SIGKILL');
    await Promise.all(Object.values(commands).map(({ ended }) => ended));
    await proxy.stop();
    await redis.stop();
  }
});

test('stops a prediction server in time while its store hangs', { skip }, async () => {
  const run = ['run', '--data', path('corpus'), '--estimators', 'svm', '--folds', '3', '--workers', '1'];
  const made = [run, ['train-final', 'latest', '--of', 'svm', '--name', 'm', '--json']];
  let said = '';
  for (const args of made) {
    const { code, stdout, stderr } = await cryfold(args, environment);
    assert.equal(code, 0, stderr);
    said = stdout;
  }
  const { card } = JSON.parse(said) as { card: { version: string } };
  assert.equal((await cryfold(['models', 'promote', `m@${card.version}`], environment)).code, 0);
  const served = await serveModel('m', ['--poll', '0.2'], environment);
  try {
    s3.set('hang');
    // Wait for several polling intervals, so that one of the service's requests to the store hangs.
    await sleep(1000);
    assert.equal(await stopped(served, 'the service'), 0);
  } finally {
    s3.set('none');
    await killServed(served);
  }
});
