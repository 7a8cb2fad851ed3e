import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '@cryfold/core';
import { synthesizeCorpus } from '@cryfold/corpus';
import { findTool, IdentityIssuer, S3_TOOLS, S3Server, TcpProxy } from '@cryfold/testing';
import { Deck, REDIS_USER, type Scene, wait } from './chaos-faults.js';
import { KeyAgent } from './chaos-keys.js';
import { Cluster, findRedis } from './cluster.js';
import { cryfold, descendants, type LogLine, logLines, processes, start, until } from './command.js';

/** Twenty folds of one or two seconds each, which are cheap, but long enough for faults to hit them. */
const SPEC = `
version: 1
name: chaos
protocol: { folds: 5, repeats: 2 }
estimators:
  small-cnn: { kind: small-cnn, epochs: 25, learningRate: 1e-3, filters: [4, 8, 8], dense: [16] }
  svm: { kind: svm }
fusion:
  combined: { members: [small-cnn, svm] }
`;
const FOLDS = 20;
/** Maximum number of bytes that a service may write to its log per minute, whatever happens. */
const LOG_BYTES = 1e6;

export interface ChaosOptions {
  seed: number;
  /** Stops after the round in which the total number of killed processes reaches this value */
  kills: number;
  /** No new round is started after this many minutes */
  minutes: number;
  /** An empty folder for data, stores and logs */
  folder: string;
  say: (text: string) => void;
}

export interface ChaosReport {
  rounds: number;
  kills: number;
  /** Number of faults by name */
  faults: Record<string, number>;
  /** Total number of folds in all rounds, and of attempts at these folds */
  folds: number;
  attempts: number;
  /**
   * How often the command that follows the run had to be started again, to continue the run or to retry failed folds
   */
  restarted: number;
  /** The highest number of bytes per minute that a service logged in a round; shorter rounds count as one minute */
  logBytesPerMinute: number;
  store: string;
  /** Descriptions of events that must never happen; empty if the test passes */
  violations: string[];
}

/**
 * Runs the same evaluation repeatedly in fresh stores on a real cluster of processes (coordinator, aggregator, two
 * workers) while faults occur at random times, and compares each run with an undisturbed one.
 * @returns undefined if this machine has no Redis
 */
export async function chaos(options: ChaosOptions): Promise<ChaosReport | undefined> {
  const program = await findRedis();
  if (!program) return undefined;
  const { folder, say } = options;
  const random = new Random(options.seed);
  const path = (...parts: string[]) => join(folder, ...parts);
  await writeFile(path('chaos.yaml'), SPEC);
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
  const run = (out: string) => ['run', path('chaos.yaml'), '--data', path('corpus'), '--out', path(out)];
  const calm = await cryfold([...run('calm'), '--store', path('calm', 'store'), '--workers', '1']);
  if (calm.code !== 0) throw new Error(`the undisturbed run failed: ${calm.stderr}`);
  const reference = await readFile(path('calm', 'out-of-fold.csv'));

  const end = Date.now() + options.minutes * 60_000;
  const bucket = await startBucket();
  const { server, s3 } = bucket;
  const deck = new Deck(random, server);
  const report: ChaosReport = {
    rounds: 0,
    kills: 0,
    faults: {},
    folds: 0,
    attempts: 0,
    restarted: 0,
    logBytesPerMinute: 0,
    store: server ? server.tool : 'files',
    violations: [],
  };
  try {
    while (report.kills < options.kills && Date.now() < end) {
      const name = `round-${report.rounds++}`;
      say(`${name}: seed ${options.seed}, store ${report.store}`);
      const began = Date.now();
      const cluster = await Cluster.start(path(name), program, REDIS_USER);
      const redis = await TcpProxy.start(cluster.redisPort);
      const keys = await bucket.keys(path(name, 'keys'), report.rounds % 2 === 0 ? 'identity' : 'files');
      const environment = {
        CRYFOLD_STORE: `file:${path(name, 'store')}`,
        ...bucket.environment(name, keys),
        REDIS_URL: `redis://cryfold:secret@127.0.0.1:${redis.port}`,
        CRYFOLD_GRACE_SECONDS: '0',
      };
      const worker = ['worker', '--queues', 'gpu,cpu'];
      const members = {
        coordinator: ['coordinator'],
        aggregator: ['aggregator'],
        'worker-0': worker,
        'worker-1': worker,
      };
      cluster.run(environment, members);
      const ended = new AbortController();
      const scene: Scene = { cluster, server, s3, keys, redis, folder: path(name), random, deck, ended: ended.signal };
      const seen = new Map<number, string>();
      const look = setInterval(() => {
        for (const { pid, command } of descendants(process.pid))
          if (/cryfold\.js|training-child|(redis|valkey)-server/.test(command)) seen.set(pid, command);
      }, 500);
      const storm = strike(scene, report, say);
      const violations = await followRun(run(join(name, 'out')), environment, { report, say });
      ended.abort();
      await storm;
      await cluster.stop();
      await redis.stop();
      await keys?.stop();
      clearInterval(look);
      if (violations.length === 0 && !reference.equals(await readFile(path(name, 'out', 'out-of-fold.csv')))) {
        violations.push('the results differ from those of the undisturbed run');
      }
      violations.push(...checkLogs(await logLines(path(name)), report));
      violations.push(...(await floods(path(name, 'logs'), (Date.now() - began) / 60_000, report)));
      const left = () => processes('').filter(({ pid, command }) => seen.get(pid) === command);
      await until('every process to exit', () => left().length === 0, 10).catch(() => {});
      for (const { pid, command } of left()) violations.push(`process ${pid} is still running: ${command}`);
      report.violations.push(...violations.map((text) => `${name}: ${text}`));
      say(`${name}: ${violations.length === 0 ? 'clean' : violations.join('; ')}; ${report.kills} kills so far`);
    }
  } finally {
    await bucket.stop();
  }
  return report;
}

/** Starts an S3 server on this machine behind a proxy, or neither if no S3 server is installed. */
async function startBucket() {
  const issuer = await IdentityIssuer.start();
  let server: S3Server | undefined;
  for (const tool of S3_TOOLS) {
    const program = server ? undefined : await findTool(tool);
    if (program) server = await S3Server.start({ tool, program, environment: issuer.minio });
  }
  const s3 = server && (await TcpProxy.start(server.port));
  const endpoint = `http://127.0.0.1:${s3?.port}`;
  return {
    server,
    s3,
    /** Starts the agent that renews a round's keys. Only MinIO's keys expire. */
    keys: async (folder: string, kind: 'identity' | 'files') =>
      server?.tool === 'minio' ? await KeyAgent.start({ kind, issuer, endpoint, folder }) : undefined,
    environment: (prefix: string, keys: KeyAgent | undefined): Record<string, string> => {
      if (!server) return {};
      const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...place } = server.environment(prefix);
      const fixed = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
      return { ...place, ...(keys?.environment ?? fixed), CRYFOLD_S3_ENDPOINT: endpoint };
    },
    stop: async () => {
      await s3?.stop();
      await server?.stop();
      issuer.stop();
    },
  };
}

/** Starts one fault after another until the round is over. Faults may overlap. */
async function strike(scene: Scene, report: ChaosReport, say: (text: string) => void): Promise<void> {
  const under: Promise<void>[] = [];
  await wait(scene, 2);
  while (!scene.ended.aborted) {
    const { name, act } = scene.deck.draw();
    say(`  ${name}`);
    report.faults[name] = (report.faults[name] ?? 0) + 1;
    under.push(
      act(scene).then((kills) => {
        report.kills += kills;
      }),
    );
    await wait(scene, 1 + 3 * scene.random.uniform());
    // Stop after about twenty faults to let the cluster recover.
    if (under.length >= 22) break;
  }
  await Promise.all(under);
}

/** Runs the command that a user would run, and follows the printed advice after a failure. */
async function followRun(
  args: string[],
  environment: Record<string, string>,
  { report, say }: { report: ChaosReport; say: (text: string) => void },
): Promise<string[]> {
  let said = '';
  for (let tries = 0; tries < 8; tries++) {
    const running = start(args, environment);
    const timer = setTimeout(() => running.process.kill('SIGKILL'), 240_000);
    const { code, stderr } = await running.ended;
    clearTimeout(timer);
    if (code === 0) return [];
    report.restarted++;
    said = `code ${code}: ${stderr.trim().split('\n').slice(-2).join(' ')}`;
    say(`  restarting the command: ${said}`);
    await sleep(1000);
  }
  return [`the run did not finish: ${said}`];
}

/** Returns a violation for each service that logged more than a megabyte per minute. */
async function floods(logs: string, minutes: number, report: ChaosReport): Promise<string[]> {
  const violations: string[] = [];
  for (const name of await readdir(logs)) {
    const { size } = await stat(join(logs, name));
    // Rounds shorter than a minute count as a minute, because their startup messages alone could exceed the rate.
    const rate = Math.round(size / Math.max(1, minutes));
    report.logBytesPerMinute = Math.max(report.logBytesPerMinute, rate);
    if (rate > LOG_BYTES) violations.push(`the log ${name} has ${size} bytes after ${minutes.toFixed(1)} minutes`);
  }
  return violations;
}

function checkLogs(lines: LogLine[], report: ChaosReport): string[] {
  const violations: string[] = [];
  const committed = new Set<string>();
  for (const { msg, key = '', trial } of lines) {
    if (msg === 'fold started') report.attempts++;
    if (msg !== 'fold committed') continue;
    if (committed.has(key)) violations.push(`${trial} ${key} was committed twice`);
    committed.add(key);
  }
  report.folds += FOLDS;
  return violations;
}
