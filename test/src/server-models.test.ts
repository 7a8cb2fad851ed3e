import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readDataset, synthesizeCorpus } from '@cryfold/features';
import { freePort } from '@cryfold/testing';
import { Cluster, findRedis } from './cluster.js';
import { cryfold, temporaryFolder, until } from './command.js';

const READ = 'read-read-read-read';
const OPERATE = 'operate-operate-operate';
const redis = await findRedis();
const skip = redis === undefined && 'neither redis-server nor valkey-server is on PATH or in the cache';

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
/** What a laptop has: no Redis, no store. */
let remote: Record<string, string>;
let environment: Record<string, string>;
const path = (...names: string[]) => join(folder.path, ...names);

before(async () => {
  if (!redis) return;
  folder = await temporaryFolder();
  cluster = await Cluster.start(folder.path, redis);
  const port = await freePort();
  environment = { REDIS_URL: `redis://127.0.0.1:${cluster.redisPort}`, CRYFOLD_STORE: `file:${path('store')}` };
  cluster.run(
    { ...environment, CRYFOLD_GRACE_SECONDS: '0', CRYFOLD_API_TOKENS: `read:${READ},operate:${OPERATE}` },
    { coordinator: ['coordinator', '--api-port', String(port)], aggregator: ['aggregator'], worker: ['worker'] },
  );
  remote = { CRYFOLD_SERVER: `http://127.0.0.1:${port}`, CRYFOLD_API_TOKEN: OPERATE };
  await synthesizeCorpus(path('corpus'), { clips: 240, seed: 0 });
  await writeFile(path('spec.yaml'), SPEC);
  await until('the coordinator to be ready', () =>
    fetch(`${remote.CRYFOLD_SERVER}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
});
after(async () => {
  await cluster?.stop();
  await folder?.remove();
});

async function json(args: string[], expected = 0, own: Record<string, string> = {}) {
  const { code, stdout, stderr } = await cryfold([...args, '--json'], { ...remote, ...own });
  assert.equal(code, expected, `${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout);
}

test('--server makes, promotes, rolls back and uses final models without Redis and store', { skip }, async () => {
  const doctor = await json(['doctor']);
  assert.ok(doctor.ok, JSON.stringify(doctor));
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
  // The copy of results that the run left on the laptop names it as well.
  assert.equal((await json(['train-final', path('out'), '--of', 'svm'])).known, true);

  const unknown = await cryfold(['train-final', evaluated.id, '--of', 'nothing'], remote);
  assert.deepEqual([unknown.code, /--of: there is no nothing/.test(unknown.stderr)], [2, true]);
  const wrongName = await cryfold(['train-final', evaluated.id, '--of', 'svm', '--name', 'Cry!'], remote);
  assert.equal(wrongName.code, 2, wrongName.stderr);

  await json(['models', 'promote', `cry@${both.card.version}`]);
  await json(['models', 'promote', `cry@${svm.card.version.slice(0, 6)}`, '--reason', 'simpler']);
  assert.equal((await json(['models', 'rollback', 'cry'])).version, both.card.version);
  const nothing = await cryfold(['models', 'rollback', 'cry'], remote);
  assert.deepEqual([nothing.code, /MODEL_NOT_FOUND/.test(nothing.stderr)], [2, true]);
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

test('--server retrains: promoted, unchanged, refused, as beside the cluster', { skip }, async () => {
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
    return json([...args, '--out', path('retrain')], expected, own);
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
  // The same verdict beside the cluster: nothing is computed again, and nothing is left to do.
  const direct = await json(
    [
      'retrain',
      path('spec.yaml'),
      '--data',
      path('grown.csv'),
      '--model',
      'nightly',
      '--of',
      'svm',
      '--out',
      path('d'),
    ],
    7,
    { ...environment, CRYFOLD_SERVER: '' },
  );
  assert.equal(direct.champion, grown.champion);
});
