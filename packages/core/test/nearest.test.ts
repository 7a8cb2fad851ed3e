import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, nearestName, Random } from '../src/index.js';

test('finds the intended name, or returns undefined if no name is close', () => {
  const known = ['learningRate', 'batchSize', 'epochs', 'C', 'kernel', 'small-cnn', 'svm', 'StratifiedKFold'];
  for (const [name, meant] of [
    ['learning_rate', 'learningRate'],
    ['lr', 'learningRate'],
    ['batchsize', 'batchSize'],
    ['epoch', 'epochs'],
    ['c', 'C'],
    ['kernle', 'kernel'],
    ['SmallCNN', 'small-cnn'],
    ['SVM', 'svm'],
    ['stratified_kfold', 'StratifiedKFold'],
    ['probability', undefined],
    ['random-forest', undefined],
    ['', undefined],
    ['?', undefined],
  ] as const)
    assert.equal(nearestName(name, known), meant, name);
  assert.equal(didYouMean('epoch', known), 'Did you mean epochs? ');
  assert.equal(didYouMean('zzz', known), '');
});

/** Computes the optimal string alignment distance from its recursive definition. */
function alignment(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const [firstA, firstB] = [a.slice(0, -1), b.slice(0, -1)];
  const changed = a.at(-1) === b.at(-1) ? 0 : 1;
  const swapped = a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1);
  return Math.min(
    alignment(firstA, b) + 1,
    alignment(a, firstB) + 1,
    alignment(firstA, firstB) + changed,
    swapped ? alignment(a.slice(0, -2), b.slice(0, -2)) + 1 : Number.POSITIVE_INFINITY,
  );
}

test('two names are close if at most a third of the letters of the longer one are changed or swapped', () => {
  const random = new Random(2);
  const draw = () => Array.from({ length: 2 + random.below(5) }, () => 'abc'[random.below(3)]).join('');
  for (let i = 0; i < 2000; i++) {
    const [name, candidate] = [draw(), draw()];
    const close = alignment(name, candidate) <= Math.max(name.length, candidate.length) / 3;
    assert.equal(nearestName(name, [candidate]), close ? candidate : undefined, `${name}, ${candidate}`);
  }
});

test('suggests the closest name, or the first one on ties, and matches initials only if there are at least two', () => {
  assert.equal(nearestName('kernel1', ['kernels2', 'kernels', 'kernel']), 'kernels');
  assert.equal(nearestName('bs', ['batchSize', 'best']), 'batchSize');
  assert.equal(nearestName('b', ['batchSize']), undefined);
  assert.equal(nearestName('cw', ['class - weight']), 'class - weight');
  assert.equal(nearestName('rate 2', ['rate_2', 'rate3']), 'rate_2');
  assert.equal(nearestName('Größe', ['grosse', 'grösse', 'GROSSE']), 'grosse');
  assert.equal(nearestName('élan', ['elan']), 'elan');
  // Only the first 100 letters count.
  assert.equal(nearestName('x'.repeat(1000), ['y', 'x'.repeat(100)]), 'x'.repeat(100));
  assert.equal(nearestName('x'.repeat(100), ['x'.repeat(1000)]), 'x'.repeat(1000));
});
