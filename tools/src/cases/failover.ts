import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { Cluster, findRedis } from '@cryfold/integration-tests/cluster';
import { PROGRAM, until } from '@cryfold/integration-tests/command';
import { freePort } from '@cryfold/testing';
import type { Bench } from './bench.js';

const FOLDS = 200;

/** During a run, turns the first Redis of a cluster into a replica while connections stay open. */
export async function failover(bench: Bench): Promise<string> {
  const program = await findRedis();
  if (!program) return 'neither redis-server nor valkey-server is on PATH';
  const data = await bench.make('base.py');
  const folder = bench.path('06');
  mkdirSync(folder, { recursive: true });
  const others: ChildProcess[] = [];
  const own = (command: string, args: string[]) => {
    const child = spawn(command, args, { cwd: folder, stdio: 'ignore', env: { ...process.env, ...environment } });
    others.push(child);
    return child;
  };
  const [port, second] = [await freePort(), await freePort()];
  const environment = { REDIS_URL: `redis://127.0.0.1:${port}`, CRYFOLD_STORE: `file:${folder}/store` };
  const cluster = await Cluster.start(folder, program);
  try {
    writeFileSync(`${folder}/target`, String(cluster.redisPort));
    own(process.execPath, [`${bench.cases}/06-proxy.mjs`, String(port), `${folder}/target`]);
    const replica = ['--port', String(second), '--bind', '127.0.0.1', '--save', '', '--maxmemory-policy', 'noeviction'];
    own(program, [...replica, '--replicaof', `127.0.0.1 ${cluster.redisPort}`]);
    const cli = program.replace(/server$/, 'cli');
    const redis = async (of: number, ...args: string[]) =>
      (await bench.call(cli, ['-h', '127.0.0.1', '-p', String(of), ...args])).stdout;
    await until('the replica to follow', async () => (await redis(second, 'info')).includes('master_link_status:up'));
    cluster.run(environment, {
      coordinator: ['coordinator'],
      aggregator: ['aggregator'],
      worker: ['worker', '--queues', 'gpu,cpu'],
    });
    const flags = ['--data', data, '--estimators', 'svm', '--folds', '2', '--repeats', String(FOLDS / 2), '--yes'];
    const run = own(process.execPath, [PROGRAM, 'run', ...flags]);
    const done = async () => (await readdir(`${folder}/store/folds`).catch(() => [])).length;
    await until('the first folds', async () => (await done()) > 5);
    writeFileSync(`${folder}/target`, String(second));
    await redis(second, 'replicaof', 'no', 'one');
    await redis(cluster.redisPort, 'replicaof', '127.0.0.1', String(second));
    const before = await done();
    await until('the run to finish', () => run.exitCode !== null, 90).catch(() => {});
    const when = before < FOLDS ? 'failed over during the run' : 'failed over too late';
    return `exit ${run.exitCode}; ${when}; ${await done()} of ${FOLDS} folds`;
  } finally {
    for (const child of others.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await cluster.stop();
  }
}
