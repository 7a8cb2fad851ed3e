import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './command.js';
import { say } from './kube.js';

test('builds the images and runs a small evaluation with compose', { timeout: 600_000 }, async (t) => {
  const { code, stdout, stderr } = await say(join(ROOT, 'scripts', 'test-containers'), ['--smoke']);
  const skipped = /^skipped: (.*)$/m.exec(stdout);
  if (skipped) return t.skip(skipped[1]);
  assert.equal(code, 0, `${stdout}${stderr}`);
  assert.match(stdout, /[1-9]\d* passed, 0 failed/);
});
