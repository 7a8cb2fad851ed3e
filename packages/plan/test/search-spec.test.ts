import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { parseSpec, searchedBase, specJsonSchema, trialName } from '../src/index.js';

const root = new URL('../../../../', import.meta.url);
const text = (name: string) => readFileSync(new URL(name, root), 'utf8');

test('docs/spec.schema.json is up to date, and every spec refers to it', () => {
  const published = JSON.parse(text('docs/spec.schema.json'));
  assert.deepEqual(published, JSON.parse(JSON.stringify(specJsonSchema())), 'run tools/schemas');
  for (const name of ['paper', 'demo', 'paper-search']) {
    assert.match(text(`specs/${name}.yaml`), /^# yaml-language-server: \$schema=\.\.\/docs\/spec\.schema\.json\n/);
  }
});

test('specs/paper-search.yaml searches every parameter that the paper tuned by hand', () => {
  const { search } = parseSpec(text('specs/paper-search.yaml'), 'paper-search.yaml');
  for (const network of ['small-cnn', 'tl-resnet50']) {
    assert.deepEqual(Object.keys(search!.space[network]).sort(), ['batchSize', 'epochs', 'learningRate']);
  }
  for (const name of ['kernel', 'gamma', 'C']) assert.ok(name in search!.space.svm);
});

const spec = (search: string) => `
version: 1
name: s
estimators: { svm: { kind: svm }, cnn: { kind: small-cnn } }
search: ${search}
`;

test('rejects an estimator with a name that a trial of another estimator could get', () => {
  const source = spec('{ space: { svm: { C: { log: [1, 2] } } } }').replace('cnn:', 'svm-001:');
  assert.throws(() => parseSpec(source, 'spec.yaml'), /estimators\.svm-001: a trial of svm/);
});

test('derives the base estimator from the name of a trial', () => {
  const plan = { spec: parseSpec(spec('{ space: { cnn: { epochs: { int: [1, 2] } } } }'), 'spec.yaml') };
  assert.equal(searchedBase(plan, trialName('cnn', 0)), 'cnn');
  assert.equal(searchedBase(plan, trialName('cnn', 1234, { repeat: 3, fold: 4 })), 'cnn');
  for (const other of ['cnn', 'svm', 'svm-001', 'cnn-12']) assert.equal(searchedBase(plan, other), undefined);
});

const wrong: [string, RegExp][] = [
  ['{ space: {} }', /search\.space: specify an estimator/],
  ['{ space: { svn: { C: { log: [1, 2] } } } }', /search\.space\.svn: no estimator/],
  ['{ space: { svm: { c: { log: [1, 2] } } } }', /search\.space\.svm\.c/],
  ['{ space: { svm: { C: { log: [0, 2] } } } }', /start above 0/],
  ['{ space: { svm: { C: { log: [2, 1] } } } }', /empty/],
  ['{ space: { svm: { C: { uniform: [1, 1e9] } } } }', /search\.space\.svm\.C: 1000000000/],
  ['{ space: { svm: { kernel: { choice: [rbf, rfb] } } } }', /search\.space\.svm\.kernel: "rfb"/],
  ['{ space: { svm: { kind: { choice: [svm] } } } }', /define two estimators/],
  ['{ algorithm: grid, space: { svm: { C: { log: [1, 2] } } } }', /steps/],
  ['{ algorithm: asha, asha: { resource: epochs }, space: { svm: { C: { log: [1, 2] } } } }', /no epochs/],
  ['{ algorithm: asha, asha: { resource: epochs }, space: { cnn: { epochs: { int: [1, 2] } } } }', /cnn\.epochs/],
  ['{ algorithm: asha, racing: {}, space: { svm: { C: { log: [1, 2] } } } }', /search\.racing/],
  [
    '{ racing: { minFolds: 4 }, space: { svm: { C: { log: [1, 2] } } } }',
    /search\.racing\.minFolds: .*4 folds.* 5 or more/,
  ],
  ['{ asha: {}, space: { svm: { C: { log: [1, 2] } } } }', /search\.asha/],
  ['{ space: { svm: { gamma: { log: [1, 2], when: { kernal: rbf } } } } }', /when: svm has no parameter kernal/],
  ['{ nested: { inner: 1 }, space: { svm: { C: { log: [1, 2] } } } }', /search\.nested\.inner/],
];
for (const [search, message] of wrong) {
  test(`rejects ${search}`, () => {
    assert.throws(
      () => parseSpec(spec(search), 'spec.yaml'),
      (error: unknown) => error instanceof CryfoldError && error.code === 'SPEC_INVALID' && message.test(error.message),
    );
  });
}
