import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRecord, encodeRecord, FORMATS, sha256 } from '@cryfold/core';
import { searchedOf, withSearched } from '@cryfold/estimators';
import { finalRequest, finalRequestSchema, parseSpec, planRun, prerequisiteOf } from '../src/index.js';

const manifest = {
  format: 1 as const,
  name: 'toy',
  contentHash: sha256('toy'),
  grouped: false,
  classes: ['a', 'b'],
  clips: ['a', 'b', 'a', 'b'].map((label, i) => ({ id: `${i}`, label, group: `${i}`, hash: sha256(`${i}`) })),
};
const splits = [{ repeat: 0, fold: 0, train: Int32Array.of(0, 1), test: Int32Array.of(2, 3) }];

const specOf = (entry: string, rest = '') =>
  parseSpec(`version: 1\nname: keys\nestimators: { net: { ${entry} } }\n${rest}`, 'spec.yaml');
const planOf = (entry: string) => planRun({ spec: specOf(entry), manifest, splits });
const keyOf = (entry: string) => planOf(entry).jobs[0].key;

for (const kind of ['small-cnn', 'tl-resnet50', 'mobilenet-v2', 'capsule']) {
  test(`only settings with an effect on ${kind} are part of a fold's key`, () => {
    const plain = keyOf(`kind: ${kind}`);
    for (const idle of ['balance: none', 'augment: {}', 'augment: { mixup: 0, masks: 3 }']) {
      assert.equal(keyOf(`kind: ${kind}, ${idle}`), plain, idle);
    }
    const effects = [
      'balance: weights',
      'balance: batches',
      ...['timeShift: 0.1', 'gain: 3', 'noise: 0.1', 'timeMask: 0.1', 'frequencyMask: 0.1', 'mixup: 0.2'].map(
        (one) => `augment: { ${one} }`,
      ),
      'augment: { timeMask: 0.1, masks: 2 }',
    ];
    const keys = effects.map((effect) => keyOf(`kind: ${kind}, ${effect}`));
    assert.equal(new Set([plain, ...keys]).size, effects.length + 1);
  });
}

test('members without effect do not change a key, even in combination with members that have an effect', () => {
  const equal = [
    ['augment: { gain: 6 }', 'augment: { gain: 6, noise: 0 }', 'augment: { gain: 6, masks: 3 }'],
    ['augment: { gain: 6 }', 'augment: { gain: 6, timeMask: 0.1, masks: 0 }'],
    ['augment: { timeMask: 0.1 }', 'augment: { timeMask: 0.1, frequencyMask: 0, masks: 1 }'],
    ['balance: batches', 'balance: batches, classWeight: balanced'],
    ['balance: weights', 'balance: weights, classWeight: balanced'],
  ];
  for (const [first, ...others] of equal) {
    for (const other of others)
      assert.equal(keyOf(`kind: small-cnn, ${other}`), keyOf(`kind: small-cnn, ${first}`), other);
  }
  assert.notEqual(keyOf('kind: small-cnn, balance: none, classWeight: balanced'), keyOf('kind: small-cnn'));
});

test('earlier versions reject a plan with a balance or an augmentation as newer', () => {
  const formatOf = (entry: string, rest?: string) => planRun({ spec: specOf(entry, rest), manifest, splits }).format;
  assert.equal(formatOf('kind: small-cnn'), 1);
  assert.equal(formatOf('kind: small-cnn, balance: none'), FORMATS.plan);
  assert.equal(formatOf('kind: small-cnn, augment: {}'), FORMATS.plan);
  const search = 'search: { space: { net: { augment.mixup: { uniform: [0, 1] } } } }';
  assert.equal(formatOf('kind: small-cnn', search), FORMATS.plan);
});

test('does not precompute features of a frozen backbone if the images differ in each epoch', () => {
  const frozen = 'kind: tl-resnet50, backbone: frozen';
  const computed = (entry: string) => prerequisiteOf(planOf(entry), 'net') !== undefined;
  assert.equal(computed(`${frozen}, balance: batches, augment: { gain: 0 }`), true);
  assert.equal(computed(`${frozen}, augment: { gain: 1 }`), false);
});

test('an augmentation gets the range of decibels that the colours of its images cover', () => {
  const decibelsOf = (features: string) =>
    finalRequest(planRun({ spec: specOf('kind: small-cnn', `features: ${features}`), manifest, splits }), 'net')
      .decibels;
  assert.equal(decibelsOf('{ kind: spectrogram }'), undefined);
  assert.equal(decibelsOf('{ kind: spectrogram, dynamicRange: 60 }'), 60);
  assert.equal(decibelsOf('{ kind: mel-spectrogram, topDb: 70 }'), 70);
});

test('earlier versions reject final requests only if they have unknown settings', () => {
  const formatOf = (entry: string, rest?: string) => {
    const request = finalRequest(planRun({ spec: specOf(entry, rest), manifest, splits }), 'net');
    assert.deepEqual(decodeRecord(finalRequestSchema, encodeRecord(request), 'request.json'), request);
    return request.format;
  };
  for (const kind of ['small-cnn', 'tl-resnet50', 'svm']) assert.equal(formatOf(`kind: ${kind}`), 1, kind);
  for (const entry of ['kind: capsule', 'kind: random-forest', 'kind: small-cnn, balance: weights']) {
    assert.equal(formatOf(entry), 2, entry);
  }
  assert.equal(formatOf('kind: svm', 'features: { kind: mfcc }'), 2);
  assert.equal(formatOf('kind: small-cnn', 'features: { kind: spectrogram, dynamicRange: 60 }'), 2);
  const later = { ...finalRequest(planOf('kind: svm'), 'net'), format: 3 };
  assert.throws(() => decodeRecord(finalRequestSchema, later, 'request.json'), { code: 'FORMAT_NEWER' });
});

test('a sweep searches individual augmentation strengths, and keeps the strengths that the spec fixes', () => {
  const space = `search: { space: { net: { augment.mixup: { uniform: [0, 0.4] }, balance: { choice: [none, batches] },
    augment.noise: { log: [0.01, 1], when: { augment.gain: 3 } } } } }`;
  const { net } = specOf('kind: small-cnn, augment: { gain: 3 }', space).estimators;
  assert.equal(searchedOf(net)['augment.gain'], 3);
  const changed = withSearched(net, { 'augment.mixup': 0.2, balance: 'batches', epochs: 4 });
  assert.deepEqual(changed, { ...net, augment: { gain: 3, mixup: 0.2 }, balance: 'batches', epochs: 4 });
  assert.deepEqual(
    withSearched(specOf('kind: small-cnn').estimators.net, {}),
    specOf('kind: small-cnn').estimators.net,
  );
});

test('rejects misspelt augmentation settings and strengths out of range, and reports where they are', () => {
  const refused = (entry: string, message: RegExp, rest?: string) =>
    assert.throws(() => specOf(entry, rest), { code: 'SPEC_INVALID', message });
  refused('kind: small-cnn, augment: { timeMask: 1.5 }', /estimators\.net\.augment\.timeMask/);
  refused('kind: small-cnn, augment: { mixUp: 1 }', /estimators\.net\.augment\.mixUp: there is no such key/);
  refused('kind: small-cnn, balance: even', /estimators\.net\.balance/);
  refused('kind: dense, augment: { gain: 1 }', /estimators\.net\.augment\.gain: there is no such key/);
  refused('kind: svm, augment: { gain: 1 }', /estimators\.net\.augment: there is no such key/);
  const search = (space: string) => `search: { space: { net: { ${space} } } }`;
  refused('kind: small-cnn', /augment\.mixup/, search('augment.mixup: { uniform: [0, 1000] }'));
  refused('kind: small-cnn', /augment\.mix: /, search('augment.mix: { uniform: [0, 1] }'));
});
