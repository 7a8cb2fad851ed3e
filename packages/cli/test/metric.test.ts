import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyOverrides, parseSpec, planRun, type Spec } from '@cryfold/plan';
import { makeSplits } from '@cryfold/run-control';

const spec = parseSpec(
  `version: 1
name: m
protocol: { folds: 3, repeats: 2 }
estimators: { a: { kind: svm }, b: { kind: svm, C: 10 } }`,
  'x',
);
const searched = parseSpec(
  `version: 1
name: s
estimators: { a: { kind: svm }, b: { kind: svm, C: 10 } }
search: { metric: macroF1, space: { a: { C: { log: [1, 100] } } } }`,
  'x',
);
const apply = (from: Spec, flags: object) => applyOverrides(from, flags, () => {});

const clips = Array.from({ length: 12 }, (_, i) => ({ id: `${i}`, label: i % 2 ? 'x' : 'y', group: `${i}` }));
const manifest = {
  format: 1 as const,
  name: 'd',
  contentHash: '0'.repeat(64),
  grouped: false,
  classes: ['x', 'y'],
  clips,
};
const planOf = (from: Spec) => planRun({ spec: from, manifest, splits: makeSplits(from, manifest) });

test('--metric, which defaults to accuracy, changes the run id but no fold key', () => {
  const plain = planOf(spec);
  const balanced = planOf(apply(spec, { metric: 'balancedAccuracy' }));
  assert.equal(balanced.spec.metric, 'balancedAccuracy');
  assert.notEqual(balanced.run, plain.run);
  assert.deepEqual(
    balanced.jobs.map(({ key, seed }) => [key, seed]),
    plain.jobs.map(({ key, seed }) => [key, seed]),
  );
  assert.deepEqual([plain.format, balanced.format], [1, 2], 'earlier versions do not support the key');
  assert.deepEqual(planOf(apply(spec, { metric: 'accuracy' })), plain);
  assert.deepEqual(planOf(apply(balanced.spec, { metric: 'accuracy' })), plain);
});

test('--metric sets the metric of a search, and estimators without a search keep the search’s metric', () => {
  assert.equal(apply(searched, { metric: 'logLoss' }).search?.metric, 'logLoss');
  assert.equal(apply(searched, { metric: 'logLoss' }).metric, undefined);
  const alone = apply(searched, { estimators: ['b'] });
  assert.deepEqual([alone.search, alone.metric], [undefined, 'macroF1']);
});

test('refuses an unknown metric, and a sweep whose spec sets metric instead of search.metric', () => {
  for (const metric of ['magic', 'constructor', '', 'AUC']) {
    assert.throws(() => apply(spec, { metric }), /--metric: there is no metric/);
  }
  const both = `version: 1\nname: s\nmetric: logLoss\nestimators: { a: { kind: svm } }
search: { space: { a: { C: { log: [1, 100] } } } }`;
  assert.throws(() => parseSpec(both, 'x'), /x:3: metric: a sweep uses search\.metric/);
});
