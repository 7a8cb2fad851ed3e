import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, nearestName } from '../src/index.js';

test('finds the intended name, or none if no name is close', () => {
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
