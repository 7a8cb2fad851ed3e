import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted } from '../src/counted.js';

test('a noun is singular for one only, and classes are no classs', () => {
  const texts = [counted(1, 'group'), counted(0, 'clip'), counted(2, 'clip'), counted(1, 'class'), counted(5, 'class')];
  assert.deepEqual(texts, ['1 group', '0 clips', '2 clips', '1 class', '5 classes']);
});
