import assert from 'node:assert/strict';
import { test } from 'node:test';
import { colors } from '../src/terminal.js';

test('colours redirected output only with FORCE_COLOR, and never with NO_COLOR', () => {
  for (const [environment, expected] of [
    [{ FORCE_COLOR: '1' }, true],
    [{ FORCE_COLOR: '0' }, false],
    [{ NO_COLOR: '1' }, false],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    [{ NO_COLOR: '', FORCE_COLOR: '1' }, true],
  ] as const)
    assert.equal(colors(environment), expected, JSON.stringify(environment));
});
