import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Consumer, checkRedis, Queues, runPayload } from '@cryfold/queue';
import { loadConfig } from '@cryfold/runtime';
import { until } from './command.js';
import { operate, RedisProcess } from './redis.js';

const CLUSTER = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'];

/** Starts a Redis whose password is also in a file, and calls `work` with an environment that refers to the file. */
async function withRotation({ user, isCluster }: Who, work: (rotation: Rotation) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-rotation-'));
  const server = await RedisProcess.withPassword('admin-password', isCluster ? CLUSTER : []);
  const file = join(folder, 'password');
  let url = server.url;
  const operator = async (...words: string[]) => {
    const reply = await operate(url, ...words);
    const [, , variable, password] = words;
    if (variable === 'requirepass') url = server.url.replace(/:[^:]*@/, `:${password}@`);
    return reply;
  };
  const write = (password: string) => writeFile(file, `${password}\n`);
  try {
    await write('first');
    if (isCluster) {
      await operator('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
      const isUp = () =>
        operator('GET', 'x').then(
          () => true,
          () => false,
        );
      await until('the Redis Cluster', isUp);
    }
    const { host } = new URL(server.url);
    const REDIS_URL = `redis${isCluster ? '+cluster' : ''}://${user ? `${user}@` : ''}${host}`;
    await work({ operator, write, environment: { REDIS_URL, REDIS_PASSWORD_FILE: file } });
  } finally {
    await server.remove();
    await rm(folder, { recursive: true });
  }
}

interface Who {
  /** Name of the Redis user; absent for the default user */
  user?: string;
  isCluster?: boolean;
}

interface Rotation {
  operator: (...words: string[]) => Promise<string>;
  write: (password: string) => Promise<void>;
  environment: Record<string, string>;
}

function redisUrl(environment: Record<string, string>): string {
  const { target } = loadConfig(environment);
  return target.kind === 'cluster' ? target.redisUrl : assert.fail(target.kind);
}

/** Starts a producer and a consumer. @returns a function that passes a job through both, and one that closes them */
async function startWork(url: string) {
  const done: string[] = [];
  const queues = new Queues(url);
  const consumer = new Consumer({
    ...{ url, queue: 'runs' as const, schema: runPayload, concurrency: 1, maxStalledCount: 1 },
    handle: async ({ run }) => void done.push(run),
    onError: () => {},
  });
  const job = async (run: string) => {
    const payload = runPayload.parse({ format: 1, kind: 'run', run });
    await until('a job to be added', () =>
      queues.add('runs', [{ id: run, payload }]).then(
        () => true,
        () => false,
      ),
    );
    await until('the job to be done', async () => done.includes(run));
  };
  const close = async () => {
    await consumer.close(true);
    await queues.close();
  };
  return { job, close };
}

const WHO: Record<string, Who> = {
  'the default user': {},
  'a user': { user: 'worker' },
  'a user of a Redis Cluster': { user: 'worker', isCluster: true },
};
for (const [name, who] of Object.entries(WHO)) {
  test(`reads a rotated password of ${name} from its file`, async () => {
    const { user } = who;
    await withRotation(who, async ({ operator, write, environment }) => {
      const set = (password: string) =>
        user
          ? operator('ACL', 'SETUSER', user, 'reset', 'on', `>${password}`, '~*', '&*', '+@all')
          : operator('CONFIG', 'SET', 'requirepass', password);
      await set('first');
      const url = redisUrl(environment);
      const { job, close } = await startWork(url);
      try {
        await job('one');
        // The password is changed some time before the file is updated, as is common with mounted secrets.
        await set('second');
        await operator('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        await assert.rejects(checkRedis(url, 1000), /WRONGPASS/);
        await write('second');
        await checkRedis(url, 1000);
        await job('two');
      } finally {
        await close();
      }
    });
  });
}
