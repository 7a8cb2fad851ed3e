import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CryfoldError } from '@cryfold/core';
import { readDataset, synthesizeCorpus } from '@cryfold/corpus';
import { HttpClient, HttpModels, type ListedVersion } from '@cryfold/run-control';
import { createLogger } from '@cryfold/runtime';
import { freePort } from '@cryfold/testing';
import { Cluster, findRedis } from './cluster.js';
import { cryfold, start, temporaryFolder, until, untilReady } from './command.js';
import { OPERATE, READ, startApi } from './start-service.js';
import { storeKind, type TestStore } from './stores.js';

const redis = await findRedis();
const kind = storeKind();
const withoutRedis = redis === undefined && 'neither redis-server nor valkey-server is on PATH or in the cache';
const skip = withoutRedis || kind.skip;

const SPEC = `
version: 1
name: cry
protocol: { folds: 3, repeats: 2, splitter: RepeatedStratifiedKFold }
estimators:
  svm: { kind: svm }
  near: { kind: svm, C: 1 }
fusion:
  both: { rule: mean, members: [svm, near] }
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let cluster: Cluster;
let bed: TestStore;
let coordinator: string[];
/** The environment of a laptop without Redis and without a store. */
let remote: Record<string, string>;
let environment: Record<string, string>;
const path = (...names: string[]) => join(folder.path, ...names);

before(async () => {
  if (!redis || skip) return;
  folder = await temporaryFolder();
  cluster = await Cluster.start(folder.path, redis);
  const port = await freePort();
  coordinator = ['coordinator', '--api-port', String(port)];
  bed = await kind.create(path('store'));
  environment = { REDIS_URL: `redis://127.0.0.1:${cluster.redisPort}`, ...bed.environment };
  cluster.run(
    { ...environment, CRYFOLD_GRACE_SECONDS: '0', CRYFOLD_API_TOKENS: `read:${READ},operate:${OPERATE}` },
    { coordinator, aggregator: ['aggregator'], worker: ['worker'] },
  );
  remote = { CRYFOLD_SERVER: `http://127.0.0.1:${port}`, CRYFOLD_API_TOKEN: OPERATE };
  await synthesizeCorpus(path('corpus'), { clips: 240, seed: 0 });
  await writeFile(path('spec.yaml'), SPEC);
  await untilReady(remote.CRYFOLD_SERVER);
});
after(async () => {
  await cluster?.stop();
  await bed?.remove();
  await folder?.remove();
});

async function json(args: string[], expected = 0, own: Record<string, string> = {}) {
  const { code, stdout, stderr } = await cryfold([...args, '--json'], { ...remote, ...own });
  assert.equal(code, expected, `${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout);
}

const coded = (code: string) => (error: CryfoldError) => error.code === code;

function server(url = remote.CRYFOLD_SERVER) {
  const client = new HttpClient({ url, token: OPERATE });
  return { client, http: new HttpModels(client) };
}

test('--server trains, promotes, rolls back and uses final models without Redis or a store', { skip }, async () => {
  const doctor = await json(['doctor']);
  assert.ok(doctor.ok, JSON.stringify(doctor));
  const forgotten = await json(['doctor'], 1, { CRYFOLD_API_TOKEN: '' });
  const { name, found } = forgotten.checks.find(({ ok }: { ok: boolean }) => !ok);
  assert.deepEqual([name, found], ['store', 'the server requires a token']);
  const run = ['run', path('spec.yaml'), '--data', path('corpus'), '--out', path('out')];
  const planned = await json(['plan', ...run.slice(1)]);
  const { run: evaluated } = await json(run);
  assert.equal(planned.run, evaluated.id);
  const again = await json(['plan', ...run.slice(1)]);
  assert.deepEqual([planned.inStore, again.inStore], [0, 12]);

  const both = await json(['train-final', evaluated.id, '--of', 'both']);
  assert.deepEqual([both.known, both.card.members.length], [false, 2]);
  const known = await json(['train-final', evaluated.id, '--of', 'both']);
  assert.deepEqual(known, { known: true, card: both.card });
  const svm = await json(['train-final', evaluated.id, '--of', 'svm']);
  // The run can also be specified by the folder on the laptop that contains a copy of its results.
  assert.equal((await json(['train-final', path('out'), '--of', 'svm'])).known, true);

  const unknown = await cryfold(['train-final', evaluated.id, '--of', 'nothing'], remote);
  assert.deepEqual([unknown.code, /--of: there is no nothing/.test(unknown.stderr)], [2, true]);
  const wrongName = [...['train-final', evaluated.id, '--of', 'svm'], '--name', 'Cry!'];
  assert.equal((await cryfold(wrongName, remote)).stderr, (await cryfold(wrongName, environment)).stderr);

  await json(['models', 'promote', `cry@${both.card.version}`]);
  await json(['models', 'promote', `cry@${svm.card.version.slice(0, 6)}`, '--reason', 'simpler']);
  assert.equal((await json(['models', 'rollback', 'cry'])).version, both.card.version);
  const nothing = await cryfold(['models', 'rollback', 'cry'], remote);
  assert.deepEqual([nothing.code, /MODEL_NOT_FOUND/.test(nothing.stderr)], [2, true]);
  const answer = await fetch(`${remote.CRYFOLD_SERVER}/api/v1/models`, {
    headers: { authorization: `Bearer ${READ}` },
  });
  const { versions } = (await answer.json()) as { versions: ListedVersion[] };
  assert.deepEqual(
    versions.map(({ name, version, champion, of }) => [name, version, champion, of]).sort(),
    [
      ['cry', both.card.version, true, 'both'],
      ['cry', svm.card.version, false, 'svm'],
    ].sort(),
  );
  assert.deepEqual(versions[0].protocol, { name: null, splitter: 'RepeatedStratifiedKFold', repeats: 2, folds: 3 });
  assert.equal(versions.find(({ of }) => of === 'svm')?.score?.mean, svm.card.metrics[0].accuracy.mean);
  for (const command of [
    ['models', 'list'],
    ['models', 'list', '--json'],
    ['models', 'show', 'cry'],
    ['models', 'show', `cry@${svm.card.version}`, '--json'],
    ['predict', 'cry', path('corpus', (await readDataset(path('corpus'))).clips[0].file)],
  ]) {
    const [over, direct] = [await cryfold(command, remote), await cryfold(command, environment)];
    assert.equal(over.stdout, direct.stdout, `${command.join(' ')}: ${over.stderr}`);
    assert.deepEqual([over.code, direct.code], [0, 0]);
  }
  assert.equal((await json(['export', 'mlflow', '--to', path('mlflow')])).models, 2);
  assert.ok((await readdir(path('mlflow'))).length >= 2);

  const { http } = server();
  const decision = { by: 'retrain', reason: 'late', expected: 1 } as const;
  await assert.rejects(http.promote('cry', svm.card.version, decision), coded('PROMOTION_LOST'));
  const record = { format: 1, at: new Date().toISOString(), outcome: 'refused', reason: '', champion: null } as const;
  const evidence = { data: { clips: 1 } };
  await assert.rejects(
    server().client.send('models/other/last-retrain', { method: 'PUT', json: { ...record, model: 'cry', evidence } }),
    coded('API_INVALID'),
  );
  await assert.rejects(http.keepRetrain({ ...record, model: 'cry', champion: '../x', evidence }), coded('API_INVALID'));

  const looking = { CRYFOLD_API_TOKEN: READ };
  for (const command of [
    ['train-final', evaluated.id, '--of', 'near'],
    ['models', 'promote', `cry@${svm.card.version}`],
    ['models', 'rollback', 'cry'],
  ]) {
    const { error } = await json(command, 2, looking);
    assert.equal(error.code, 'API_FORBIDDEN', command.join(' '));
  }
  await json(['models', 'list'], 0, looking);
  const serve = await cryfold(['serve', '--model', 'cry'], remote);
  assert.deepEqual([serve.code, /CRYFOLD_STORE/.test(serve.stderr)], [2, true]);
});

test('trains a model while requests alternate between two servers, and reports its failure', { skip }, async () => {
  const [{ run }] = await json(['list']);
  const options = {
    redisUrl: environment.REDIS_URL,
    storeUrl: bed.storeUrl,
    ...{ s3: bed.s3, checks: {}, log: createLogger('test', 'silent') },
    api: { port: 0, host: '127.0.0.1', tokens: [{ role: 'operate', token: OPERATE } as const], rate: 10_000 },
  };
  const servers = [await startApi(options), await startApi(options)];
  let asked = 0;
  const balancer = createServer(async ({ method, url, headers }, response) => {
    const { url: target } = servers[asked++ % 2];
    const answer = await fetch(`${target}${url}`, {
      method: method as string,
      headers: { authorization: headers.authorization as string },
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(new Uint8Array(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => balancer.listen(0, '127.0.0.1', resolve));
  const { http } = server(`http://127.0.0.1:${(balancer.address() as AddressInfo).port}`);
  const watching = { signal: AbortSignal.timeout(60_000), onProgress: () => {} };
  const { card } = await http.make({ run, of: 'near', name: 'turns' }, watching);
  assert.deepEqual([card.name, card.of], ['turns', 'near']);
  await assert.rejects(http.make({ run, of: 'nothing', name: 'turns' }, watching), (error: CryfoldError) => {
    assert.deepEqual([error.code, error.hint], ['USAGE', 'Its models: svm, near, both.']);
    return true;
  });
  assert.ok(asked > 4);
  balancer.closeAllConnections();
  balancer.close();
  for (const one of servers) await one.close();
});

test('train-final --server survives a coordinator restart, and continues after Ctrl-C', {
  skip,
}, async () => {
  await writeFile(path('fresh.yaml'), SPEC.replace('C: 1 ', 'C: 2 '));
  const { run } = await json(['run', path('fresh.yaml'), '--data', path('corpus'), '--out', path('fresh')]);
  await cluster.remove('worker');
  const args = ['train-final', run.id, '--of', 'near', '--json'];
  const address = `${remote.CRYFOLD_SERVER}/api/v1/models/cry/trainings/${run.id}/near`;
  const begun = () =>
    until('the training to begin', () =>
      fetch(address, { headers: { authorization: `Bearer ${READ}` } })
        .then((answer) => answer.json())
        .then(
          (making) => (making as { progress?: string }).progress?.startsWith('training near'),
          () => false,
        ),
    );
  const stopped = start(args, remote);
  await begun();
  stopped.process.kill('SIGINT');
  assert.equal((await stopped.ended).code, 4);
  const waiting = start(args, remote);
  await begun();
  process.kill(cluster.pid('coordinator') as number, 'SIGKILL');
  await until('the coordinator to disappear', async () => !(await begunAtAll(address)));
  await begun();
  cluster.add('worker', ['worker']);
  const { code, stdout, stderr } = await waiting.ended;
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).card.of, 'near');
});

test('run --server reports missing workers, explains Ctrl-C, and survives a coordinator restart', {
  skip,
}, async () => {
  await cluster.remove('worker');
  await writeFile(path('away.yaml'), SPEC.replace('name: cry', 'name: away').replace('C: 1 ', 'C: 3 '));
  const args = ['run', path('away.yaml'), '--data', path('corpus'), '--out', path('away')];
  const left = start(args, remote);
  await until('the missing worker to be reported', async () =>
    /cpu jobs? waits?, the first for \d+ s; no cpu worker is running/.test(left.stderr()),
  );
  left.process.kill('SIGINT');
  const stopped = await left.ended;
  assert.equal(stopped.code, 4);
  assert.match(
    stopped.stderr,
    /no longer following; run away-\w+ continues on the server\. .* stop it: .*cryfold cancel away-\w+/,
  );
  assert.match(
    (await cryfold(['status'], remote)).stdout,
    /cpu jobs? waits?, the first for \d+ s; no cpu worker is running/,
  );
  const waiting = start(args, remote);
  await until('the run to be followed', async () => /12 folds · 0 running/.test(waiting.stderr()));
  await cluster.remove('coordinator', 'SIGKILL');
  await until('the outage to be noticed', async () => /does not respond; retrying/.test(waiting.stderr()));
  cluster.add('coordinator', coordinator);
  cluster.add('worker', ['worker']);
  const { code, stderr } = await waiting.ended;
  assert.equal(code, 0, stderr);
  const service = await cryfold(['worker'], { ...environment, ...remote });
  assert.deepEqual([service.code, /CRYFOLD_SERVER is set/.test(service.stderr)], [2, true]);
});

const begunAtAll = (address: string) =>
  fetch(address, { headers: { authorization: `Bearer ${READ}` } }).then(
    ({ ok }) => ok,
    () => false,
  );

test('retrain --server has the same outcomes as retrain on the cluster', { skip }, async () => {
  const { clips } = await readDataset(path('corpus'));
  const manifest = async (
    name: string,
    chosen: typeof clips,
    relabel = (clip: (typeof clips)[number], _i: number) => clip.label,
  ) => {
    const rows = chosen.map((clip, i) => `${join('corpus', clip.file)},${relabel(clip, i)},${clip.group}`);
    await writeFile(path(`${name}.csv`), `path,label,group\n${rows.join('\n')}\n`);
    return path(`${name}.csv`);
  };
  const few = clips.filter((_, i) => i % 3 === 0);
  const retrain = (data: string, expected: number, own = {}) => {
    const args = ['retrain', path('spec.yaml'), '--data', data, '--model', 'nightly', '--of', 'svm'];
    return json([...args], expected, own);
  };
  const denied = await retrain(await manifest('few', few), 2, { CRYFOLD_API_TOKEN: READ });
  assert.equal(denied.error.code, 'API_FORBIDDEN');
  const first = await retrain(await manifest('few', few), 0);
  assert.equal(first.outcome, 'promoted');
  assert.equal((await retrain(await manifest('few', few), 7)).champion, first.champion);

  const classes = [...new Set(clips.map(({ label }) => label))].sort();
  const added = clips.filter((_, i) => i % 3 === 1);
  const lie = (clip: (typeof clips)[number], i: number) =>
    i < few.length ? clip.label : classes[(classes.indexOf(clip.label) + 1 + (i % 4)) % classes.length];
  const worse = await retrain(await manifest('worse', [...few, ...added], lie), 8);
  assert.deepEqual([worse.champion, worse.evidence.data.known], [first.champion, few.length]);

  const grown = await retrain(await manifest('grown', clips), 0);
  assert.equal(grown.outcome, 'promoted');
  const shown = await json(['models', 'show', 'nightly'], 0, { ...environment, CRYFOLD_SERVER: '' });
  assert.deepEqual(
    shown.history.map(({ by, version }: Record<string, string>) => [by, version]),
    [
      ['retrain', first.champion],
      ['retrain', grown.champion],
    ],
  );
  // When `cryfold retrain` is repeated with direct access to the cluster, it finds nothing left to do and keeps the
  // champion.
  const direct = await json(
    ['retrain', path('spec.yaml'), '--data', path('grown.csv'), '--model', 'nightly', '--of', 'svm'],
    7,
    { ...environment, CRYFOLD_SERVER: '' },
  );
  assert.equal(direct.champion, grown.champion);
});
