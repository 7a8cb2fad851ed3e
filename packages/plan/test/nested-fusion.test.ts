import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import {
  type Decision,
  growPlan,
  innerFoldsOf,
  isInnerFold,
  type PlannedSplit,
  parseSpec,
  planRun,
  replay,
  selectedPlan,
} from '../src/index.js';

const clips = Array.from({ length: 12 }, (_, i) => ({ id: `${i}`, label: i % 2 ? 'a' : 'b', group: `${i}` }));
const manifest = {
  ...{ format: 1 as const, name: 'd', contentHash: 'a'.repeat(64), grouped: false, classes: ['a', 'b'], clips },
};
const outer: PlannedSplit[] = [0, 1].map((fold) => ({
  ...{ repeat: 0, fold },
  train: Int32Array.from({ length: 6 }, (_, i) => 2 * i + fold),
  test: Int32Array.from({ length: 6 }, (_, i) => 2 * i + 1 - fold),
}));
const inside: PlannedSplit[] = outer.flatMap(({ fold, train }, o) =>
  [0, 1].map((inner) => ({
    ...{ repeat: 0, fold, outer: o, inner },
    train: train.filter((_, i) => i % 2 === inner),
    test: train.filter((_, i) => i % 2 !== inner),
  })),
);
const specOf = (fusion: string, more = '') =>
  parseSpec(
    `version: 1\nname: n\nprotocol: { splitter: KFold, folds: 2, repeats: 1 }\nestimators: { x: { kind: svm, C: 1 }, y: { kind: svm, C: 2 }, z: { kind: svm, C: 3 } }\nfusion: { f: ${fusion} }\n${more}`,
    'n.yaml',
  );

test('nested: true adds inner folds of the members without changing other keys', () => {
  const plain = planRun({ spec: specOf('{ rule: stacked, members: [x, y] }'), manifest, splits: outer });
  const spec = specOf('{ rule: stacked, members: [x, y], nested: true }');
  const nested = planRun({ spec, manifest, splits: [...outer, ...inside] });
  assert.deepEqual([innerFoldsOf(plain.spec), innerFoldsOf(spec)], [undefined, 4]);
  assert.deepEqual(nested.jobs.slice(0, plain.jobs.length), plain.jobs);
  assert.notEqual(nested.run, plain.run);
  const more = nested.jobs.slice(plain.jobs.length);
  assert.deepEqual(
    more.map(({ trial, split }) => `${trial} ${split}`),
    [2, 3, 4, 5].flatMap((split) => [`x ${split}`, `y ${split}`]),
  );
  assert.ok(more.every((job) => isInnerFold(nested, job)) && !plain.jobs.some((job) => isInnerFold(nested, job)));
});

test('a nested sweep passes the inner folds of each winner to a nested fusion', () => {
  const search = 'search: { algorithm: grid, nested: { inner: 2 }, space: { x: { C: { choice: [10, 20] } } } }';
  const spec = specOf('{ rule: stacked, members: [x, y], nested: true }', search);
  assert.equal(innerFoldsOf(spec), 2);
  const plan = planRun({ spec, manifest, splits: [...outer, ...inside] });
  const statistics = { folds: 2, mean: 0.5, standardDeviation: null, low: null, high: null };
  const decisions = [0, 1, 2].flatMap((context): Decision[] => {
    const splits = context === 0 ? [0, 1] : [2 * context, 2 * context + 1];
    const trial = context === 0 ? 'x-001' : `x-001-in-0-${context - 1}`;
    const estimator = { ...spec.estimators.x, C: 10 * (1 + context) } as (typeof spec.estimators)[string];
    return [
      { kind: 'evaluate', trial, base: 'x', context, parameters: {}, estimator, splits },
      { kind: 'end', trial, state: 'COMPLETE', reason: '', statistics, splits },
      { kind: 'choose', base: 'x', context, trial },
    ];
  });
  const log = replay(decisions);
  const grown = growPlan(plan, log);
  const selected = selectedPlan(plan, log, grown);
  const keyOf = (trial: string, split: number) =>
    grown.jobs.find((job) => job.trial === trial && job.split === split)!.key;
  const own = selected.jobs.filter(({ trial }) => trial === 'x').map(({ split, key }) => [split, key]);
  assert.deepEqual(
    own.sort(([a], [b]) => Number(a) - Number(b)),
    [0, 1, 2, 3, 4, 5].map((split) => [split, keyOf(`x-001-in-0-${split < 2 ? split : split < 4 ? 0 : 1}`, split)]),
  );
  assert.equal(selected.splits.length, 6);
});

test('rejects nested: true if the rule does not learn, or if a member was selected by the outer folds', () => {
  const search = 'search: { algorithm: grid, space: { x: { C: { choice: [10, 20] } } } }';
  for (const [fusion, more, message] of [
    ['{ rule: mean, members: [x, y], nested: true }', '', /fusion\.f\.nested: the rule mean does not learn/],
    ['{ rule: stacked, members: [x, y], nested: true }', search, /the parameters of x are searched: add nested/],
  ] as const) {
    assert.throws(
      () => specOf(fusion, more),
      (error) => error instanceof CryfoldError && error.code === 'SPEC_INVALID' && message.test(error.message),
    );
  }
  assert.ok(specOf('{ rule: stacked, members: [y, z], nested: true }', search));
});

test('inner folds count towards the maximum number of folds', () => {
  const large = 'protocol: { folds: 10, repeats: 400 }';
  const source = (fusion: string) =>
    `version: 1\nname: n\n${large}\nestimators: { ${Array.from({ length: 10 }, (_, i) => `e${i}: { kind: svm }`).join(', ')} }\nfusion: { f: ${fusion} }\n`;
  assert.ok(parseSpec(source('{ rule: stacked, members: [e0, e1] }'), 'n.yaml'));
  const members = Array.from({ length: 10 }, (_, i) => `e${i}`).join(', ');
  assert.throws(
    () => parseSpec(source(`{ rule: stacked, members: [${members}], nested: true }`), 'n.yaml'),
    (error) => error instanceof CryfoldError && error.code === 'PLAN_TOO_LARGE',
  );
});
