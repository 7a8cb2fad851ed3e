import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { synthesizeCorpus } from '@cryfold/corpus';
import { Queues } from '@cryfold/queue';
import { loadConfig } from '@cryfold/runtime';
import { findTool, freePort } from '@cryfold/testing';
import { parseAllDocuments } from 'yaml';
import { findRedis } from './cluster.js';
import { type Command, ROOT, start, TINY_SPEC, temporaryFolder, until } from './command.js';
import { HOW, type Manifest, pick, render, say } from './kube.js';
import { endOf, Pods } from './pods.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let pods: Pods | undefined;
let scalers: Manifest[] = [];
let missing = '';
let user: Record<string, string> = {};

before(async () => {
  folder = await temporaryFolder();
  const [kubectl, redis, minio] = [await findTool('kubectl'), await findRedis(), await findTool('minio')];
  if (!kubectl || !redis || !minio) {
    missing = `no ${!kubectl ? `kubectl (${HOW})` : !redis ? 'redis-server' : 'minio'} on PATH, in $CRYFOLD_TOOLS or cached`;
    return;
  }
  const made = await say(join(ROOT, 'scripts', 'k8s-secrets'), []);
  const secrets = parseAllDocuments(made.stdout).map((document) => document.toJS());
  const data = new Map(secrets.map(({ metadata, stringData }) => [metadata.name, stringData]));
  pods = await Pods.prepare(folder.path, await render(kubectl, 'dev'), { 'redis-server': redis, minio }, data);
  scalers = (await render(kubectl, 'gpu-cluster')).filter(({ kind }) => kind === 'ScaledObject');
  await writeFile(join(folder.path, 'tiny.yaml'), TINY_SPEC);
  await synthesizeCorpus(join(folder.path, 'corpus'), { clips: 60, seed: 1 });
  // These are the variables that docs/kubernetes.md lists for users with port-forwards, with the values from the
  // Secrets.
  user = await pods.environment('coordinator');
  delete user.CRYFOLD_METRICS_PORT;
  delete user.CRYFOLD_API_PORT;
  delete user.CRYFOLD_API_TOKENS_FILE;
});
after(async () => {
  await pods?.stop();
  await folder.remove();
});

/** Waits until a pod is ready, like the kubelet. */
async function ready(name: string): Promise<ChildProcess> {
  assert.ok(pods);
  const child = await pods.start(name);
  let wrong = '';
  await until(`${name} to be ready`, async () => {
    assert.equal(child.exitCode, null, `${name} exited: ${await pods?.log(name)}`);
    wrong = (await pods?.probe(name, 'startupProbe')) || ((await pods?.probe(name, 'readinessProbe')) ?? '');
    return wrong === '';
  }).catch(async (error) => assert.fail(`${error.message}: ${wrong}: ${await pods?.log(name)}`));
  assert.equal(await pods.probe(name, 'livenessProbe'), '', name);
  assert.equal(await pods.unreachable(name), '', name);
  return child;
}

const submit = (out: string, ...more: string[]): Command => {
  const [spec, corpus] = [join(folder.path, 'tiny.yaml'), join(folder.path, 'corpus')];
  return start(
    ['run', spec, '--data', corpus, '--out', join(folder.path, out), '--estimators', 'small-cnn,svm', ...more],
    user,
  );
};

test('executes a complete run with the commands and environments of the manifests', async (t) => {
  if (!pods) return t.skip(missing);
  for (const name of ['redis', 'minio', 'coordinator', 'aggregator']) await ready(name);
  const port = await pods.port('coordinator', 'metrics');
  const run = submit('first');
  let results = '';
  try {
    const desired = await autoscaler(port);
    if (!desired) t.diagnostic('no prometheus on PATH, so the metric of the queues is not queried');
    const workers = new Map<string, ChildProcess>();
    const names = ['worker-gpu', 'worker-cpu'];
    for (const name of names) {
      if (desired) await until(`KEDA to request ${name}`, async () => (await desired.of(name)) >= 1);
      workers.set(name, await ready(name));
    }
    const ended = await run.ended;
    assert.equal(ended.code, 0, ended.stderr + (await pods.log('worker-gpu')));
    results = ended.stdout;
    t.diagnostic(`peak resident memory in MiB (without training children): ${JSON.stringify(pods.memory())}`);
    for (const name of names) {
      if (desired) await until(`KEDA to stop requesting ${name}`, async () => (await desired.of(name)) === 0);
      const child = workers.get(name);
      assert.ok(child);
      assert.equal(await endOf(child, 'SIGTERM'), 0, `${name}: ${await pods.log(name)}`);
    }
    await desired?.stop();
    const log = (await pods.log('worker-gpu')) + (await pods.log('worker-cpu'));
    assert.equal(log.match(/"msg":"fold started"/g)?.length, 6, 'each fold was trained once');
    assert.equal(log.match(/"msg":"fold committed"/g)?.length, 6);
    for (const name of ['redis', 'minio', 'coordinator', 'aggregator', ...names]) {
      const said = await pods.log(name);
      for (const secret of [user.AWS_SECRET_ACCESS_KEY_FILE, user.REDIS_PASSWORD_FILE]) {
        assert.ok(!said.includes((await readFile(secret, 'utf8')).trim()), `${name} logs a secret`);
      }
    }
  } finally {
    await endOf(run.process, 'SIGKILL');
  }
  assert.match(results, /small-cnn/);
});

test('finishes the fold of a worker before scale-in stops the worker', async (t) => {
  if (!pods) return t.skip(missing);
  const manifest = pick(await render((await findTool('kubectl')) ?? '', 'dev'), 'Deployment', 'worker-gpu');
  const worker = await ready('worker-gpu');
  const before = (await pods.log('worker-gpu')).length;
  const run = submit('second', '--estimators', 'small-cnn', '--epochs', '40', '--seed', '5');
  try {
    const since = async () => ((await pods?.log('worker-gpu')) ?? '').slice(before);
    await until(
      'a fold to start',
      async () => {
        assert.equal(run.process.exitCode, null, run.stderr());
        return (await since()).includes('"msg":"fold started"');
      },
      120,
    );
    const asked = Date.now();
    assert.equal(await endOf(worker, 'SIGTERM'), 0, await since());
    const seconds = (Date.now() - asked) / 1000;
    t.diagnostic(`the drain took ${seconds.toFixed(1)} s`);
    assert.ok(seconds < manifest.spec.template.spec.terminationGracePeriodSeconds);
    const log = await since();
    assert.equal(log.match(/"msg":"fold started"/g)?.length, 1, 'the worker started no other fold');
    assert.equal(log.match(/"msg":"fold committed"/g)?.length, 1, 'the worker finished its fold');
  } finally {
    await endOf(run.process, 'SIGTERM');
  }
});

interface Autoscaler {
  /**
   * Returns the number of replicas that KEDA would request: 0 if the query's value is at most the activation threshold,
   * otherwise the value divided by the threshold, rounded up (up to the maximum number of replicas).
   */
  of(name: string): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a real Prometheus that scrapes a coordinator, and sends it the queries of the ScaledObjects. */
async function autoscaler(port: number): Promise<Autoscaler | undefined> {
  const program = await findTool('prometheus');
  if (!program) return undefined;
  const data = join(folder.path, 'prometheus');
  await mkdir(data);
  const target = { targets: [`127.0.0.1:${port}`], labels: { namespace: 'cryfold' } };
  const jobs = [{ job_name: 'cryfold', scrape_interval: '1s', static_configs: [target] }];
  await writeFile(join(data, 'prometheus.yml'), JSON.stringify({ scrape_configs: jobs }));
  const own = await freePort();
  const flags = ['--config.file', join(data, 'prometheus.yml'), '--storage.tsdb.path', join(data, 'tsdb')];
  const child = spawn(program, [...flags, '--web.listen-address', `127.0.0.1:${own}`], { stdio: 'ignore' });
  const { target: cluster } = loadConfig(user);
  assert.equal(cluster.kind, 'cluster');
  const queues = new Queues(cluster.redisUrl);
  return {
    async of(name) {
      const { metadata } = pick(scalers, 'ScaledObject', name).spec.triggers[0];
      const { maxReplicaCount } = pick(scalers, 'ScaledObject', name).spec;
      const query = encodeURIComponent(metadata.query);
      const answer = await fetch(`http://127.0.0.1:${own}/api/v1/query?query=${query}`).catch(() => undefined);
      // biome-ignore lint/suspicious/noExplicitAny: Prometheus's answer
      const found = answer?.ok ? ((await answer.json()) as any).data.result : [];
      // Wait between queries in loops, because Prometheus only scrapes once per second.
      await sleep(300);
      if (found.length === 0) return Number.NaN;
      assert.equal(found.length, 1, 'KEDA expects one value');
      const value = Number(found[0].value[1]);
      const {
        active = 0,
        waiting = 0,
        delayed = 0,
        prioritized = 0,
      } = await queues.counts(name === 'worker-gpu' ? 'gpu' : 'cpu');
      const live = active + waiting + delayed + prioritized;
      // Both values may be up to 6 s old, so they can only be compared while neither of them changes.
      if (value !== live) return Number.NaN;
      if (value <= Number(metadata.activationThreshold)) return 0;
      return Math.min(maxReplicaCount, Math.ceil(value / Number(metadata.threshold)));
    },
    async stop() {
      await queues.close();
      await endOf(child, 'SIGKILL');
    },
  };
}
