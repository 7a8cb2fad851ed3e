import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '@cryfold/core';
import type { S3Server, TcpProxy } from '@cryfold/testing';
import { KEYS_AWAY, type KeyAgent } from './chaos-keys.js';
import { askRedisAt } from './chaos-redis.js';
import type { Cluster } from './cluster.js';
import { descendants, until } from './command.js';
import { RedisServer } from './redis-server.js';

/** The targets of faults. */
export interface Scene {
  cluster: Cluster;
  server: S3Server | undefined;
  s3: TcpProxy | undefined;
  /** Absent if the S3 keys never change */
  keys: KeyAgent | undefined;
  redis: TcpProxy;
  folder: string;
  random: Random;
  deck: Deck;
  /** Signal that is aborted when all faults of a round must end */
  ended: AbortSignal;
}

export interface FaultKind {
  name: string;
  weight: number;
  needsS3?: boolean;
  needsKeys?: boolean;
  /** Applies the fault. @returns the number of killed processes */
  act: (scene: Scene) => Promise<number>;
}

export const wait = (scene: Scene, seconds: number) =>
  sleep(seconds * 1000, undefined, { signal: scene.ended }).catch(() => {});
const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random.uniform() * items.length)];

function kill(pid: number | undefined, signal: NodeJS.Signals = 'SIGKILL'): number {
  if (!pid) return 0;
  try {
    process.kill(pid, signal);
    return 1;
  } catch {
    return 0;
  }
}

const killMember = (of: (name: string) => boolean) => async (scene: Scene) =>
  kill(scene.cluster.pid(pick(scene.random, scene.cluster.names.filter(of))));

const stop = (names: readonly string[]) => async (scene: Scene) => {
  const pid = scene.cluster.pid(pick(scene.random, names));
  kill(pid, 'SIGSTOP');
  await wait(scene, 13);
  kill(pid, 'SIGCONT');
  return 0;
};

const network =
  (which: 's3' | 'redis', fault: Parameters<TcpProxy['set']>[0], seconds: number) => async (scene: Scene) => {
    scene[which]?.set(fault);
    await wait(scene, seconds);
    scene[which]?.set('none');
    return 0;
  };

/** The Redis user of the services. A fault can change this user's password, because it logs in as another user. */
export const REDIS_USER = ['--user', 'cryfold', 'on', '>secret', '~*', '&*', '+@all'];

const redisAt = ({ cluster }: Scene, ...words: string[]) => askRedisAt(cluster.redisPort, ...words).catch(() => '');

/**
 * Makes a replica the primary for 3 s while connections to the old primary stay open, and then switches back. New
 * connections reach the new primary 1 s after each switch, which is a realistic delay for a DNS update.
 */
async function failover(scene: Scene): Promise<number> {
  const { cluster, redis, folder } = scene;
  const replica = await RedisServer.start(folder, ...REDIS_USER);
  const handOver = async (from: number, to: number) => {
    await askRedisAt(to, 'REPLICAOF', 'NO', 'ONE').catch(() => {});
    await askRedisAt(from, 'REPLICAOF', '127.0.0.1', `${to}`).catch(() => {});
    await wait(scene, 1);
    redis.retarget(to);
  };
  const synchronized = async (port: number) => {
    const info = await askRedisAt(port, 'INFO', 'replication').catch(() => '');
    return scene.ended.aborted || info.includes('master_link_status:up');
  };
  await askRedisAt(replica.port, 'REPLICAOF', '127.0.0.1', `${cluster.redisPort}`);
  await until('the replica', () => synchronized(replica.port), 20).catch(() => {});
  await handOver(cluster.redisPort, replica.port);
  await wait(scene, 3);
  await until('the old primary', () => synchronized(cluster.redisPort), 20).catch(() => {});
  await handOver(replica.port, cluster.redisPort);
  await replica.stop();
  return 0;
}

const FAULTS: readonly FaultKind[] = [
  { name: 'kill -9 worker', weight: 6, act: killMember((name) => name.startsWith('worker')) },
  {
    name: 'kill -9 training child',
    weight: 6,
    act: async ({ cluster, random }) => {
      const workers = cluster.names.filter((name) => name.startsWith('worker'));
      const children = workers.flatMap((name) => descendants(cluster.pid(name) ?? -1));
      return children.length > 0 ? kill(pick(random, children).pid) : 0;
    },
  },
  { name: 'kill -9 coordinator', weight: 4, act: killMember((name) => name === 'coordinator') },
  { name: 'kill -9 aggregator', weight: 2, act: killMember((name) => name === 'aggregator') },
  {
    name: 'SIGTERM worker',
    weight: 2,
    act: async ({ cluster, random }) => {
      kill(cluster.pid(pick(random, ['worker-0', 'worker-1'])), 'SIGTERM');
      return 0;
    },
  },
  {
    // A lock lasts 8 s, and locks are checked every 3 s, so another worker has taken over the fold by the time this
    // worker resumes.
    name: 'SIGSTOP worker for 13 s',
    weight: 1,
    act: stop(['worker-0', 'worker-1']),
  },
  { name: 'SIGSTOP coordinator for 13 s', weight: 1, act: stop(['coordinator']) },
  {
    name: 'kill -9 Redis',
    weight: 2,
    act: async (scene) => {
      await scene.cluster.killRedis();
      await wait(scene, 1.5);
      scene.cluster.startRedis();
      return 1;
    },
  },
  {
    name: 'restart Redis',
    weight: 1,
    act: async ({ cluster }) => {
      await cluster.killRedis('SIGTERM');
      cluster.startRedis();
      return 0;
    },
  },
  {
    name: 'FLUSHALL',
    weight: 2,
    act: async ({ cluster }) => {
      await askRedisAt(cluster.redisPort, 'FLUSHALL').catch(() => {});
      return 0;
    },
  },
  { name: 'failover of Redis, connections stay open', weight: 2, act: failover },
  {
    name: 'Redis full for 5 s',
    weight: 2,
    act: async (scene) => {
      await redisAt(scene, 'CONFIG', 'SET', 'maxmemory', '1');
      await wait(scene, 5);
      await redisAt(scene, 'CONFIG', 'SET', 'maxmemory', '0');
      return 0;
    },
  },
  {
    name: 'password of Redis changed for 3 s',
    weight: 1,
    act: async (scene) => {
      await redisAt(scene, 'ACL', 'SETUSER', 'cryfold', 'resetpass', '>changed');
      await redisAt(scene, 'CLIENT', 'KILL', 'USER', 'cryfold');
      await wait(scene, 3);
      await redisAt(scene, 'ACL', 'SETUSER', 'cryfold', '>secret');
      return 0;
    },
  },
  { name: 'network to Redis cut for 3 s', weight: 1, act: network('redis', 'cut', 3) },
  { name: 'network to Redis hangs for 3 s', weight: 1, act: network('redis', 'hang', 3) },
  {
    name: 'kill -9 S3 server',
    weight: 3,
    needsS3: true,
    act: async (scene) => {
      await scene.server?.kill();
      await wait(scene, 1.5);
      await scene.server?.restart();
      return 1;
    },
  },
  { name: 'S3 slow for 4 s', weight: 1, needsS3: true, act: network('s3', 'slow', 4) },
  { name: 'S3 answers 500 for 3 s', weight: 1, needsS3: true, act: network('s3', 500, 3) },
  { name: 'S3 answers 503 for 3 s', weight: 1, needsS3: true, act: network('s3', 503, 3) },
  { name: 'S3 full (507) for 3 s', weight: 1, needsS3: true, act: network('s3', 507, 3) },
  {
    name: `no new S3 keys for ${KEYS_AWAY} s, those at hand expire`,
    weight: 2,
    needsKeys: true,
    act: async (scene) => {
      if (!scene.keys) return 0;
      scene.keys.pauses++;
      await wait(scene, KEYS_AWAY);
      scene.keys.pauses--;
      return 0;
    },
  },
  { name: 'network to S3 cut for 3 s', weight: 1, needsS3: true, act: network('s3', 'cut', 3) },
  { name: 'S3 answers lost for 3 s', weight: 1, needsS3: true, act: network('s3', 'answer-lost', 3) },
];

/** Draws faults in random order and in proportion to their weights, like cards from a deck that is then reshuffled. */
export class Deck {
  readonly #random: Random;
  readonly #kinds: readonly FaultKind[];
  #cards: FaultKind[] = [];

  /** @param server the S3 server of the store; undefined if the store is a folder */
  constructor(random: Random, server: S3Server | undefined) {
    this.#random = random;
    const can = ({ needsS3, needsKeys }: FaultKind) =>
      (server !== undefined || !needsS3) && (server?.tool === 'minio' || !needsKeys);
    this.#kinds = FAULTS.filter(can);
  }

  draw(): FaultKind {
    if (this.#cards.length === 0) {
      this.#cards = this.#kinds.flatMap((kind) => Array<FaultKind>(kind.weight).fill(kind));
      this.#random.shuffle(this.#cards);
    }
    return this.#cards.pop() as FaultKind;
  }
}
