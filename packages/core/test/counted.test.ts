import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted } from '../src/counted.js';

test('uses the singular for one and the plural for every other count', () => {
  const texts = [counted(1, 'group'), counted(0, 'clip'), counted(2, 'clip'), counted(1, 'class'), counted(5, 'class')];
  const others = [counted(0, 'epoch'), counted(2, 'batch'), counted(2, 'box'), counted(2, 'boxer')];
  assert.deepEqual(others, ['0 epochs', '2 batches', '2 boxes', '2 boxers']);
  assert.deepEqual(texts, ['1 group', '0 clips', '2 clips', '1 class', '5 classes']);
});
