import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBelow } from '../src/index.js';

test('compares whole path segments, in whatever form the path is written', () => {
  const inside = [
    ['/a/b', '/a/b'],
    ['/a/b/', '/a/b'],
    ['/a/b', '/a/b/'],
    ['/a/b/c', '/a/b'],
    ['/a/x/../b/c', '/a/b'],
    ['/a', '/'],
    ['c', '.'],
    ['..c', '.'],
  ];
  const outside = [
    ['/a', '/a/b'],
    ['/a/bc', '/a/b'],
    ['/a/b/../c', '/a/b'],
    ['..', '.'],
    ['../c', '.'],
  ];
  for (const [path, folder] of inside) assert.equal(isBelow(path, folder), true, `${path} in ${folder}`);
  for (const [path, folder] of outside) assert.equal(isBelow(path, folder), false, `${path} in ${folder}`);
});
