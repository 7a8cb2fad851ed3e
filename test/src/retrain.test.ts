import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { type Clip, readDataset, synthesizeCorpus } from '@cryfold/corpus';
import { cryfold, start, temporaryFolder } from './command.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let clips: Clip[];
let spec: string;

const SPEC = `
version: 1
name: cry
protocol: { folds: 3, repeats: 2, splitter: RepeatedStratifiedKFold }
estimators:
  svm: { kind: svm }
`;

before(async () => {
  folder = await temporaryFolder();
  const corpus = join(folder.path, 'corpus');
  await synthesizeCorpus(corpus, { clips: 240, seed: 0 });
  clips = (await readDataset(corpus)).clips;
  spec = join(folder.path, 'spec.yaml');
  await writeFile(spec, SPEC);
});
after(() => folder.remove());

/** Writes a manifest of some clips, with labels that `relabel` may change. */
async function manifest(
  name: string,
  chosen: Clip[],
  relabel: (clip: Clip, i: number) => string = (clip) => clip.label,
) {
  const file = join(folder.path, `${name}.csv`);
  const rows = chosen.map((clip, i) => `${join('corpus', clip.file)},${relabel(clip, i)},${clip.group}`);
  await writeFile(file, `path,label,group\n${rows.join('\n')}\n`);
  return relative(process.cwd(), file);
}

async function retrain(data: string, out = 'out', specFile = spec) {
  const args = [
    'retrain',
    specFile,
    '--data',
    data,
    '--model',
    'cry',
    '--store',
    join(folder.path, out, 'store'),
    '--workers',
    '1',
  ];
  const { code, stdout, stderr } = await cryfold([...args, '--json']);
  assert.notEqual(stdout, '', stderr);
  return { code, report: JSON.parse(stdout) };
}

async function show(out = 'out') {
  const { stdout } = await cryfold(['models', 'show', 'cry', '--json', '--store', join(folder.path, out, 'store')]);
  return JSON.parse(stdout);
}

/** Returns every third clip. These clips include all infants and classes. */
const few = () => clips.filter((_, i) => i % 3 === 0);

test('retrain promotes on new data, not on the same or worse data, and promotes again on more data', async () => {
  const first = await retrain(await manifest('few', few()));
  assert.deepEqual([first.code, first.report.outcome], [0, 'promoted'], first.report.reason);
  assert.match(first.report.reason, /majority class/);
  assert.equal(first.report.evidence.opponent, 'majority');
  const champion = first.report.champion;

  const again = await retrain(await manifest('few', few()));
  assert.deepEqual([again.code, again.report.outcome, again.report.champion], [7, 'unchanged', champion]);

  // Adds the same number of clips again, but with wrong labels.
  const classes = [...new Set(clips.map(({ label }) => label))].sort();
  const added = clips.filter((_, i) => i % 3 === 1);
  const lie = (clip: Clip, i: number) =>
    i < few().length ? clip.label : classes[(classes.indexOf(clip.label) + 1 + (i % 4)) % classes.length];
  const worse = await retrain(await manifest('worse', [...few(), ...added], lie));
  assert.deepEqual([worse.code, worse.report.outcome, worse.report.champion], [8, 'refused', champion]);
  assert.equal(worse.report.code, 'NOT_BETTER');
  assert.equal(worse.report.evidence.data.known, few().length);
  assert.equal(worse.report.evidence.data.clips, few().length + added.length);

  // Even with an unchanged spec, a challenger can win, because it is also trained on data that the champion has not
  // seen.
  const grown = await retrain(await manifest('grown', clips));
  assert.deepEqual([grown.code, grown.report.outcome], [0, 'promoted'], grown.report.reason);
  const { difference, pValue, opponent } = grown.report.evidence.test;
  assert.ok(difference > 0 && pValue < 0.05 && opponent === 'stand-in', grown.report.reason);
  const shown = await show();
  assert.equal(shown.champion, grown.report.champion);
  assert.deepEqual(
    shown.history.map(({ by, version, previous }: Record<string, string>) => [by, version, previous]),
    [
      ['retrain', champion, null],
      ['retrain', shown.champion, champion],
    ],
  );
  const last = await readFile(join(folder.path, 'out', 'store', 'models', 'cry', 'last-retrain.json'), 'utf8');
  assert.deepEqual(JSON.parse(last), grown.report);

  // Neither the champion nor a stand-in can be tested on such data, so the command rejects the data without training
  // anything.
  for (const [name, data, why] of [
    ['relabelled', await manifest('relabelled', few(), (clip) => `${clip.label}x`), /no clips of class/],
    ['fewer', await manifest('fewer', few()), /a stand-in needs 95 % of its 240 clips, but the new data has 33 %/],
  ] as const) {
    const { code, report } = await retrain(data);
    assert.deepEqual([code, report.outcome, report.code], [8, 'refused', 'MODEL_INCOMPARABLE'], name);
    assert.match(report.reason, why);
    assert.deepEqual([report.champion, report.evidence.opponent], [shown.champion, null]);
  }
  assert.equal((await show()).champion, shown.champion);
});

test('decides by predictions of the stored champion if the data overlaps partially', async () => {
  const alone = async (name: string, chosen: Clip[]) => {
    const file = await manifest(name, chosen);
    const path = join(folder.path, `${name}.csv`);
    const [head, ...rows] = (await readFile(path, 'utf8')).trim().split('\n');
    await writeFile(path, `${[head, ...rows.map((row, i) => row.replace(/[^,]+$/, `clip${i}`))].join('\n')}\n`);
    return file;
  };
  const isNew = (i: number) => i % 3 === 0;
  const trained = clips.filter((_, i) => !isNew(i));
  const added = clips.filter((_, i) => isNew(i));
  const champion = await retrain(await alone('trained', trained), 'overlap');
  assert.equal(champion.report.outcome, 'promoted');

  const { code, report } = await retrain(await alone('overlapping', [...trained.slice(0, 20), ...added]), 'overlap');
  assert.deepEqual([code, report.outcome, report.code], [8, 'refused', 'NOT_BETTER'], report.reason);
  const { data, test: tested } = report.evidence;
  assert.deepEqual([data.known, data.share, data.clips], [20, 20 / trained.length, 20 + added.length]);
  assert.deepEqual([tested.opponent, tested.metric, tested.clips], ['champion', 'accuracy', added.length]);
  const files = added.map(({ file }) => join(folder.path, 'corpus', file));
  const predicted = await cryfold([
    'predict',
    'cry',
    ...files,
    '--json',
    '--store',
    join(folder.path, 'overlap', 'store'),
  ]);
  const { predictions } = JSON.parse(predicted.stdout);
  const right = added.filter(({ label }, i) => predictions[i].windows[0].label === label);
  assert.equal(tested.champion, right.length / added.length);
  assert.ok(tested.challenger <= tested.champion, report.reason);

  // Compares the same runs by another metric.
  const data2 = join(folder.path, 'overlapping.csv');
  const args = [
    'retrain',
    spec,
    '--data',
    data2,
    '--model',
    'cry',
    '--store',
    join(folder.path, 'overlap', 'store'),
    '--json',
  ];
  const byLoss = await cryfold([...args, '--metric', 'logLoss']);
  const loss = JSON.parse(byLoss.stdout);
  assert.deepEqual([byLoss.code, loss.evidence.metric, loss.evidence.test.metric], [8, 'logLoss', 'logLoss']);
  assert.match(loss.reason, /not better than the champion: log-loss/);
  const unknown = await cryfold([...args, '--metric', 'beauty']);
  assert.deepEqual([unknown.code, /there is no metric/.test(unknown.stdout)], [2, true], unknown.stdout);

  // A champion cannot be compared on recordings that it cannot predict.
  await mkdir(join(folder.path, 'slow', 'corpus'), { recursive: true });
  for (const { file } of added) {
    const wav = await readFile(join(folder.path, 'corpus', file));
    wav.writeUInt32LE(wav.readUInt32LE(24) / 2, 24);
    await writeFile(join(folder.path, 'slow', 'corpus', file), wav);
  }
  const slow = await retrain(await alone('slow/data', added), 'overlap');
  assert.deepEqual([slow.code, slow.report.code], [8, 'MODEL_INCOMPARABLE'], slow.report.reason);
  assert.match(slow.report.reason, /the stored champion cannot be tested: .* Hz, but the model supports only/);
});

test('evaluates the stand-in of a nested fusion with inner folds, like its challenger', async () => {
  const nested = join(folder.path, 'nested.yaml');
  const fusion = 'fusion: { both: { rule: stacked, members: [svm, soft], nested: true } }';
  const text = SPEC.replace('repeats: 2', 'repeats: 1').replace('cry', 'nested');
  await writeFile(nested, `${text}  soft: { kind: svm, C: 1 }\n${fusion}\n`);
  const first = await retrain(await manifest('nested-few', few()), 'nested', nested);
  assert.deepEqual([first.code, first.report.outcome], [0, 'promoted'], first.report.reason);
  const more = [...few(), ...clips.filter((_, i) => i % 3 === 1)];
  const second = await retrain(await manifest('nested-more', more), 'nested', nested);
  assert.equal(second.report.evidence.opponent, 'stand-in', second.report.reason);
  assert.ok(
    ['promoted', 'refused'].includes(second.report.outcome) && second.report.evidence.test,
    second.report.reason,
  );
  const runs = join(folder.path, 'nested', 'store', 'runs');
  const [standIn] = (await readdir(runs)).filter((name) => name.startsWith('nested-champion-'));
  const results = JSON.parse(await readFile(join(runs, standIn, 'results.json'), 'utf8'));
  const both = results.models.find(({ name }: { name: string }) => name === 'both');
  assert.deepEqual([both.nested, both.complete], [true, true]);
});

test('lets one of two concurrent retrainings promote its model, and the other lose', async () => {
  const data = await manifest('both', few());
  // The runs share a store but have different seeds, since two commands cannot use the same run (OUT_IN_USE).
  const environment = { CRYFOLD_STORE: join(folder.path, 'both', 'store') };
  const one = async (seed: number) => {
    const own = join(folder.path, `seed-${seed}.yaml`);
    await writeFile(own, `${await readFile(spec, 'utf8')}\nseed: ${seed}\n`);
    const args = ['retrain', own, '--data', data, '--model', 'cry'];
    return start([...args, '--workers', '1', '--json'], environment).ended;
  };
  const ended = await Promise.all([one(1), one(2)]);
  const outcomes = ended.map(({ code, stdout, stderr }) => [code, JSON.parse(stdout || `"${stderr}"`).outcome]);
  outcomes.sort(([a], [b]) => (a as number) - (b as number));
  assert.deepEqual(outcomes[0], [0, 'promoted']);
  // If the first command is fast, the second one finds that there is nothing left to do.
  assert.ok(['9,lost', '7,unchanged'].includes(outcomes[1].join()), String(outcomes));
  assert.equal((await show('both')).history.length, 1);
});

test('never promotes a model that is no better than the majority class as the first champion', async () => {
  const guess = join(folder.path, 'guess.yaml');
  await writeFile(guess, SPEC);
  const classes = ['a', 'b'];
  const data = await manifest('noise', few(), (_, i) => classes[(i * 7919) % 13 < 7 ? 0 : 1]);
  const { code, report } = await retrain(data, 'noise', guess);
  assert.deepEqual([code, report.outcome, report.champion], [8, 'refused', null], report.reason);
});
