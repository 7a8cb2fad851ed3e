import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { VERSION } from '@cryfold/core';
import { synthesizeCorpus } from '@cryfold/corpus';
import { decodeResults, type RunResults } from '@cryfold/evaluation';
import { cryfold, logLines, ownStore, ROOT, temporaryFolder } from './command.js';

/** This spec contains only SVMs, so six folds take a second. */
const SPEC = `
version: 1
name: svms
protocol: { folds: 3, repeats: 2 }
estimators:
  rbf: { kind: svm }
  linear: { kind: svm, kernel: linear }
  weak: { kind: svm, gamma: 1000 }
fusion:
  combined: { members: [rbf, linear] }
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);
/** Returns the arguments to evaluate the spec with a store and copies of the results in a folder of this name. */
const runInto = (out: string): string[] => {
  const data = ['--data', path('corpus'), ...ownStore(path(out))];
  return ['run', path('svms.yaml'), ...data, '--workers', '1'];
};
const resultsIn = async (out: string): Promise<RunResults> => {
  const file = path(out, 'results.json');
  return decodeResults(await readFile(file), file);
};

before(async () => {
  folder = await temporaryFolder();
  await writeFile(path('svms.yaml'), SPEC);
  await synthesizeCorpus(path('corpus'), { clips: 90, seed: 2 });
  const run = async (out: string, ...flags: string[]) => {
    const { code, stderr } = await cryfold([...runInto(out), ...flags]);
    assert.equal(code, 0, stderr);
  };
  await run('a');
  await run('b', '--seed', '1');
});
after(() => folder.remove());

test('fuse uses only stored folds without training, and agrees with scikit-learn', async (t) => {
  const lines = (await logLines(path('a'))).length;
  const oracle = process.env.CRYFOLD_ORACLE_PYTHON ?? 'python3';
  const skip = spawnSync(oracle, ['-c', 'import numpy, sklearn']).status !== 0;
  if (skip) t.diagnostic('needs a Python with numpy and scikit-learn (scripts/test installs them)');
  const rules = ['mean', 'geometric', 'majority', 'weighted', 'stacked'];
  for (const rule of rules) {
    const out = `fused-${rule}`;
    const args = ['fuse', path('a'), '--members', 'weak,rbf', '--rule', rule, '--out', path(out)];
    const { code, stdout, stderr } = await cryfold(args);
    assert.equal(code, 0, stderr);
    const verdict = `fused-${rule} is (better than|worse than|not shown to differ from) its best member, \\w+ \\(.*by groups`;
    assert.match(stdout, new RegExp(verdict));
    const fused = (await resultsIn(out)).models.at(-1);
    assert.deepEqual([fused?.method, fused?.members, fused?.complete], [rule, ['weak', 'rbf'], true]);
  }
  if (!skip) {
    const folders = rules.map((rule) => path(`fused-${rule}`));
    const text = execFileSync(oracle, [join(ROOT, 'scripts', 'check-results'), ...folders], { encoding: 'utf8' });
    assert.equal(text.match(/, 0 differ/g)?.length, rules.length, text);
  }
  assert.equal((await logLines(path('a'))).length, lines, 'no process was started');
  assert.equal((await resultsIn('a')).models.at(-1)?.name, 'combined', 'the results of the run are unchanged');
});

test('fuse with the spec’s rule returns exactly the metrics of the run', async () => {
  const { stdout } = await cryfold(['fuse', path('a'), '--members', 'rbf,linear', '--json']);
  const [fused] = (JSON.parse(stdout) as RunResults).models.slice(-1);
  const [combined] = (await resultsIn('a')).models.slice(-1);
  assert.deepEqual({ ...fused, name: 'combined' }, combined);
});

test('fuse refuses unknown rules, members and runs', async () => {
  const wrong: [string[], RegExp][] = [
    [[path('a'), '--rule', 'magic'], /USAGE.*magic[\s\S]*stacked/],
    [[path('a'), '--members', 'rbf,magic'], /USAGE.*magic[\s\S]*linear/],
    [[path('a'), '--members', 'rbf'], /USAGE.*two members/],
    [[path('corpus')], /RUN_NOT_FOUND.*results\.json/],
    [['svms-0123456789ab'], /RUN_NOT_FOUND/],
    [['../x'], /RUN_NOT_FOUND/],
  ];
  for (const [args, message] of wrong) {
    const { code, stderr } = await cryfold(['fuse', ...args], { CRYFOLD_STORE: `file:${path('a', 'store')}` });
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, message);
  }
});

test('compare has different exit codes for better, worse and same, and accepts run ids', async () => {
  const compare = (models: string, ...more: string[]) =>
    cryfold(['compare', path('a'), path('a'), '--model', models, ...more]);
  assert.equal((await compare('weak,rbf')).code, 0);
  assert.match((await compare('weak,rbf')).stdout, /^better: rbf of svms-.* is better than weak/);
  assert.equal((await compare('rbf,weak')).code, 6);
  assert.equal((await compare('rbf')).code, 5);
  const { run } = await resultsIn('a');
  const { code, stdout } = await cryfold(['compare', run.id, path('a'), '--json'], {
    CRYFOLD_STORE: `file:${path('a', 'store')}`,
  });
  const verdict = JSON.parse(stdout);
  assert.deepEqual([code, verdict.verdict, verdict.candidate.model], [5, 'same', 'combined']);
  assert.equal(verdict.warnings.length, 1);
  assert.match(verdict.warnings[0], /^svms-\w+: \d+ groups are in both train and test: these figures are inflated\.$/);
  assert.ok((await compare('rbf')).stdout.includes(verdict.warnings[0]), 'the warning is also in the text output');
  assert.equal(verdict.folds, 6);
});

test('compare --metric tests the requested metric by infant, and requires runs in a store', async () => {
  const compare = (run: string, ...more: string[]) =>
    cryfold(['compare', run, path('a'), '--model', 'weak,rbf', ...more]);
  const { groups, clips } = (await resultsIn('a')).dataset;
  assert.ok(groups < clips);
  for (const [metric, title] of [
    ['balancedAccuracy', 'points of balanced accuracy'],
    ['macroF1', 'points of macro F1'],
    ['logLoss', 'log-loss'],
  ]) {
    const { code, stdout } = await compare(path('a'), '--metric', metric);
    assert.equal(code, 0, stdout);
    assert.match(stdout, new RegExp(`^better: .*\n[+-][\\d.]+ ${title} pooled over ${groups} groups, 95 % interval`));
    const json = JSON.parse((await compare(path('a'), '--metric', metric, '--json')).stdout);
    assert.equal(json.metric, metric);
    assert.equal(json.byGroup.difference < 0, metric === 'logLoss');
  }
  const wrong = await compare(path('a'), '--metric', 'magic');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /USAGE.*magic[\s\S]*balancedAccuracy/);
  const copy = await temporaryFolder();
  await cp(path('a', 'results.json'), join(copy.path, 'results.json'));
  const alone = await compare(copy.path);
  await copy.remove();
  assert.equal(alone.code, 2);
  assert.match(alone.stderr, /RUN_NOT_FOUND.*folds are not in any known store/);
});

test('run --metric retrains nothing, and all outputs show the metric', async (t) => {
  const run = async (metric: string, ...flags: string[]) => {
    return cryfold([...runInto('a'), '--force', '--metric', metric, ...flags]);
  };
  const before = await resultsIn('a');
  t.after(() => run('accuracy'));
  for (const [metric, title] of [
    ['logLoss', 'log-loss'],
    ['balancedAccuracy', 'balanced accuracy'],
  ] as const) {
    const { code, stdout, stderr } = await run(metric);
    assert.equal(code, 0, stderr);
    const capital = title[0].toUpperCase() + title.slice(1);
    assert.match(stdout, new RegExp(`^${capital}.* over test folds`, 'm'));
    assert.match(stdout, new RegExp(`^The (highest|lowest) mean ${title} is`, 'm'));
    assert.match(stdout, new RegExp(`^Differences of ${title}, pooled`, 'm'));
    assert.match(await readFile(path('a', 'report.html'), 'utf8'), new RegExp(`<h2 id="table-two">${capital}</h2>`));
    const results = await resultsIn('a');
    assert.deepEqual(results.models, before.models, 'the metrics are computed from the same folds');
    assert.ok(results.comparisons.every((one) => one.metric === metric));
    assert.notEqual(results.run.id, before.run.id);
  }
  const { run: balanced, models } = await resultsIn('a');
  const mean = `${(100 * models[0].balancedAccuracy!.mean).toFixed(2)} %`;
  const store = { CRYFOLD_STORE: `file:${path('a', 'store')}` };
  const compared = await cryfold(['compare', path('a'), path('a'), '--model', 'weak,rbf', '--json'], store);
  assert.equal(JSON.parse(compared.stdout).metric, 'balancedAccuracy', 'compare uses the metric of the run');
  const made = await cryfold(['train-final', balanced.id, '--of', 'rbf', '--name', 'cry'], store);
  assert.equal(made.code, 0, made.stderr);
  const said = (await cryfold(['models', 'list'], store)).stdout;
  assert.ok(said.includes(`balanced accuracy ${mean}`), said);
  const listed = JSON.parse((await cryfold(['models', 'list', '--sort', 'score', '--json'], store)).stdout);
  const [of] = listed.models[0].versions;
  assert.deepEqual([of.metric, of.cryfold], ['balancedAccuracy', VERSION]);
  assert.ok(Math.abs(of.score - models[0].balancedAccuracy!.mean) < 1e-12);
  const [version] = /cry@\w+/.exec(said)!;
  const card = (await cryfold(['models', 'show', version], store)).stdout;
  assert.ok(card.includes(`**Headline: mean balanced accuracy ${mean} over test folds.**`), card);
  assert.match(card, /^\| log-loss \| \d\.\d{4} \|/m);
  const [wav] = (await readdir(path('corpus'), { recursive: true })).filter((file) => file.endsWith('.wav'));
  const predicted = await cryfold(['predict', version, path('corpus', wav)], store);
  assert.ok(
    predicted.stdout.includes(`Mean balanced accuracy ${mean} over test folds (ungrouped folds:`),
    predicted.stdout,
  );
  const exported = await cryfold(['export', 'mlflow', balanced.id, '--to', path('mlflow')], store);
  assert.equal(exported.code, 0, exported.stderr);
  const files = (await readdir(path('mlflow'), { recursive: true })).filter((file) => file.endsWith('cryfold.metric'));
  assert.equal(files.length, 1 + models.length);
  for (const file of files) assert.equal(await readFile(path('mlflow', file), 'utf8'), 'balanced_accuracy');
});

test('compare reports missing folds as incomplete, and refuses different folds', async () => {
  const results = await resultsIn('a');
  for (const model of results.models) {
    model.complete = false;
    model.folds.pop();
  }
  const cut = await temporaryFolder();
  await writeFile(join(cut.path, 'results.json'), JSON.stringify(results));
  assert.equal((await cryfold(['compare', path('a'), cut.path])).code, 3);
  await cut.remove();
  const other = await cryfold(['compare', path('a'), path('b')]);
  assert.equal(other.code, 2);
  assert.match(other.stderr, /differ in data, splitter, folds or seed/);
});

test('report writes the page of the run, and the same metrics as Markdown, JSON and CSV', async () => {
  const page = await readFile(path('a', 'report.html'), 'utf8');
  assert.match(page, /Hardest clips/);
  const { code, stdout, stderr } = await cryfold(['report', path('a')]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, page, 'the page is the one that cryfold run wrote');
  const audio = await cryfold(['report', path('a'), '--audio', path('corpus')]);
  assert.equal([...audio.stdout.matchAll(/<audio /g)].length, [...page.matchAll(/<img /g)].length);
  assert.equal((await cryfold(['report', path('a'), '--audio', path('a')])).code, 10);
  const results = await resultsIn('a');
  assert.deepEqual(JSON.parse((await cryfold(['report', path('a'), '--format', 'json'])).stdout), results);
  const csv = (await cryfold(['report', path('a'), '--format', 'csv'])).stdout.trim().split('\n');
  assert.equal(csv.length, 1 + 5 * 6, 'four models and the baseline');
  assert.match((await cryfold(['report', path('a'), '--format', 'md'])).stdout, /^# svms: /);
  assert.equal((await cryfold(['report', path('a'), '--format', 'pdf'])).code, 2);
});

test('report prints the path of the page', async () => {
  const { code, stdout } = await cryfold(['report', path('a'), '--out', path('page.html')]);
  assert.equal(code, 0);
  assert.equal(stdout, `report: ${path('page.html')}\n`);
  assert.equal(await readFile(path('page.html'), 'utf8'), await readFile(path('a', 'report.html'), 'utf8'));
});

test('reports an unwritable path without a stack trace', async () => {
  const inA = { CRYFOLD_STORE: `file:${path('a', 'store')}` };
  const wrong: [string[], RegExp][] = [
    [['report', path('a'), '--out', path('absent', 'x.html')], /absent.x\.html cannot be written: its folder does not/],
    [['report', path('a'), '--out', path('corpus')], /corpus cannot be written: it is a folder/],
    [['report', path('a'), '--out', path('svms.yaml', 'x.html')], /svms\.yaml.x\.html cannot be written/],
    [['fuse', path('a'), '--out', path('svms.yaml')], /svms\.yaml cannot be written: there is a file/],
    [['export', 'mlflow', '--to', path('svms.yaml')], /svms\.yaml.* cannot be written: there is a file/],
    [['run', '--data', path('corpus'), '--out', path('svms.yaml')], /svms\.yaml cannot be written: there is a file/],
  ];
  for (const [args, message] of wrong) {
    const { code, stderr } = await cryfold(args, inA);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^cryfold: OUT_UNWRITABLE: .*\n {2}\S/);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, / {4}at /);
  }
});

test('distinguishes unfinished from unknown runs, and shows the requested name', async () => {
  const { run } = await resultsIn('a');
  // Copy only the plan, which is all that a store contains of a run that has just been submitted.
  const plan = join('runs', run.id, 'plan.json');
  await mkdir(path('open', 'runs', run.id), { recursive: true });
  await cp(path('a', 'store', plan), path('open', plan));
  const commands = (id: string) => [
    ['report', id],
    ['fuse', id],
    ['compare', id, path('a')],
    ['train-final', id],
    ['export', 'mlflow', id, '--to', path('ml')],
  ];
  for (const args of commands(run.id)) {
    const { code, stderr } = await cryfold(args, { CRYFOLD_STORE: `file:${path('open')}` });
    assert.equal(code, 2, args.join(' '));
    assert.match(
      stderr,
      new RegExp(`RUN_NOT_FOUND: run ${run.id} has not ended\n.*cryfold status ${run.id}\n.*cryfold retry ${run.id}`),
    );
  }
  for (const args of commands('nothing-1')) {
    const { stderr } = await cryfold(args, { CRYFOLD_STORE: `file:${path('open')}` });
    assert.match(stderr, /RUN_NOT_FOUND: the store file:.*open has no run nothing-1\n.*--store/);
  }
});

test('--null adds folds with shuffled labels for each estimator to existing folds', async () => {
  const committed = async () => (await logLines(path('a'))).filter(({ msg }) => msg === 'fold committed').length;
  const before = await committed();
  const plain = await resultsIn('a');
  const { code, stdout, stderr } = await cryfold([...runInto('a'), '--force', '--null', '2']);
  assert.equal(code, 0, stderr);
  assert.equal((await committed()) - before, 3 * 3 * 2, 'only the shuffled folds were trained');
  const results = await resultsIn('a');
  assert.deepEqual(results.models, plain.models);
  for (const { model, folds, accuracy } of results.baselines.shuffled ?? assert.fail('no baseline')) {
    assert.equal(folds.length, 6, model);
    assert.ok(accuracy!.mean < 0.55, `${model}: ${accuracy!.mean}`);
    assert.match(stdout, new RegExp(`\\(${model} on shuffled labels\\) .* 6/6`));
  }
  assert.equal(results.baselines.shuffled?.length, 3);
  const rbf = results.models[0].accuracy!.mean;
  assert.ok(rbf > results.baselines.shuffled![0].accuracy!.maximum, `rbf learns: ${rbf}`);
});
