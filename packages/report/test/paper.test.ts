import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunResults } from '@cryfold/evaluation';
import { htmlReport, markdownReport, tableTwo } from '../src/index.js';
import { displayName } from '../src/names.js';
import { paperFigures, paperNotes } from '../src/paper.js';
import { papersResults, results } from './results.js';

type Entry = Record<string, unknown>;

const percents = (run: RunResults) => paperFigures(run).map((figure) => figure?.percent);

/** The paper's run with one estimator changed. */
function changed(estimator: string, entry: Entry): RunResults {
  const run = papersResults();
  const estimators = run.spec.estimators as Record<string, Entry>;
  return {
    ...run,
    spec: { ...run.spec, estimators: { ...estimators, [estimator]: { ...estimators[estimator], ...entry } } },
  };
}

test("shows the paper's figures for models with its classes, protocol and parameters", () => {
  assert.deepEqual(percents(papersResults()), [87.03, 90.8, 90.1, undefined]);
  assert.deepEqual(
    paperFigures(papersResults()).map((figure) => figure?.is),
    ['mean', 'mean', 'mean', undefined],
  );
  assert.deepEqual(percents(changed('tl-resnet50', { dense: [64] })), [87.03, 90.8, 90.1, undefined], 'left open');
});

/** The same models on the paper's single split. */
const onSplit = (run: RunResults): RunResults => ({
  ...run,
  protocol: { ...run.protocol, splitter: 'ShuffleSplit', repeats: 1, testSize: 0.2 },
});

test('hides the figures of a model and its fusion if a parameter differs from the paper', () => {
  const none = undefined;
  assert.deepEqual(percents(onSplit(changed('svm', { C: 1 }))), [none, none, none, none]);
  assert.deepEqual(percents(onSplit(changed('small-cnn', { classWeight: 'balanced' }))), [none, none, none, 91.1]);
  assert.deepEqual(percents(changed('svm', { C: 1 })), [87.03, 90.8, none, none]);
  assert.deepEqual(percents(changed('svm', { strategy: 'one-vs-one' })), [87.03, 90.8, none, none]);
  assert.deepEqual(percents(changed('tl-resnet50', { epochs: 4 })), [87.03, none, 90.1, none]);
  for (const own of [{ classWeight: 'balanced' }, { balance: 'batches' }, { augment: { gain: 3 } }]) {
    assert.deepEqual(percents(changed('small-cnn', own)), [none, 90.8, 90.1, none]);
  }
});

test('compares the parameters that a search selected, not those of the spec', () => {
  const run = papersResults();
  const chosen = { trial: 'svm-001', parameters: { C: 10 }, among: 2, plain: 0.9, corrected: null, nestedMean: null };
  const winners = [{ base: 'svm', inside: [], ...chosen }];
  const search = { algorithm: 'grid', metric: 'accuracy' as const, nested: false, trials: [], winners };
  assert.deepEqual(percents({ ...run, search }), [87.03, 90.8, undefined, undefined]);
  const mixed = { base: 'tl-resnet50', inside: [], ...chosen, parameters: { 'augment.mixup': 0.2 } };
  const sweep = { ...run, search: { ...search, winners: [mixed] } };
  assert.deepEqual(percents(sweep), [87.03, undefined, 90.1, undefined]);
  assert.equal(displayName(sweep, 'tl-resnet50'), displayName(run, 'tl-resnet50'), 'it still has random weights');
  assert.match(displayName(sweep, 'tl-resnet50'), /random weights/);
});

test('shows no figures of the paper for other features, classes or folds', () => {
  const run = papersResults();
  const nothing = [undefined, undefined, undefined, undefined];
  const spec = { ...run.spec, features: { kind: 'spectrogram', height: 120, width: 90, clipSeconds: 1 } };
  assert.deepEqual(percents({ ...run, spec }), nothing);
  const narrow = { ...run.spec, features: { ...spec.features, height: 60, dynamicRange: 80 } };
  assert.deepEqual(percents({ ...run, spec: narrow }), nothing);
  const digits = { ...run, dataset: { ...run.dataset, classes: ['zero', 'one', 'two', 'three', 'four'] } };
  assert.deepEqual(percents(digits), nothing);
  assert.deepEqual(paperNotes(digits), []);
  for (const other of [{ repeats: 1 }, { folds: 10 }, { splitter: 'StratifiedGroupKFold' }]) {
    const unlike = { ...run, protocol: { ...run.protocol, ...other } };
    assert.deepEqual(percents(unlike), nothing);
    assert.match(
      paperNotes(unlike).join(),
      /not shown: its protocols are RepeatedKFold, 10 repeats x 5 folds, and one ShuffleSplit/,
    );
  }
  assert.deepEqual(percents({ ...run, spec: {} }), nothing);
  assert.match(paperNotes({ ...run, spec }).join(), /not shown: the parameters differ from those/);
});

test("on the paper's single split, shows only the figure for Combined, because its maximum was measured there", () => {
  const split = onSplit(papersResults());
  assert.deepEqual(percents(split), [undefined, undefined, undefined, 91.1]);
  assert.deepEqual(percents({ ...split, protocol: { ...split.protocol, testSize: 0.3 } }), Array(4).fill(undefined));
});

test('shows no figures of the paper, which are accuracies, for a run with another metric', async () => {
  const run = papersResults();
  const balanced = {
    ...run,
    comparisons: run.comparisons.map((one) => ({ ...one, metric: 'balancedAccuracy' as const })),
  };
  assert.deepEqual(percents(balanced), [undefined, undefined, undefined, undefined]);
  assert.match(paperNotes(balanced).join(), /not shown: they are accuracies\./);
  assert.doesNotMatch(await htmlReport({ results: balanced }), /diamonds|compared with the paper/);
});

test('compares the paper’s features with the feature set that the estimator reads', () => {
  const run = changed('svm', { features: 'large' });
  const large = { kind: 'spectrogram', height: 120, width: 180, clipSeconds: 1 };
  assert.deepEqual(percents({ ...run, spec: { ...run.spec, featureSets: { large } } }).slice(2), [
    undefined,
    undefined,
  ]);
});

test('omits the paper’s column if it is empty, and explains why random weights are not comparable', async () => {
  const reason = /tl-resnet50 \(random weights\): not comparable with the paper: .*ImageNet.*weights fetch/;
  const text = tableTwo(papersResults());
  assert.match(text, /^model .*folds +paper$/m);
  assert.match(text, /^tl-resnet50 \(random weights\) .* 90\.80$/m);
  assert.doesNotMatch(text, /91\.10|\*/, 'the mean of Combined has no figure of the paper');
  const split = tableTwo(onSplit(papersResults()));
  assert.match(split, /^combined .* 91\.10\*$/m);
  assert.match(split, /^\* the maximum over the test sets/m);
  assert.match(text, reason);
  const pretrained = tableTwo(changed('tl-resnet50', { weights: 'store:weights/x.h5#sha256=x' }));
  assert.match(pretrained, /^tl-resnet50 {2}.* 90\.80$/m);
  assert.doesNotMatch(pretrained, /not comparable|random weights/);
  assert.doesNotMatch(tableTwo(results()), /paper/);
  const page = await htmlReport({ results: papersResults() });
  assert.match(page, reason);
  assert.match(page, /Accuracy compared with the paper/);
  assert.match(page, /diamonds/);
  assert.doesNotMatch(await htmlReport({ results: results() }), /paper’s|diamonds/);
  assert.match(markdownReport(papersResults()).replaceAll('\\', ''), reason);
});
