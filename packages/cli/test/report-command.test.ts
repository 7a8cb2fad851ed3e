import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CryfoldError } from '@cryfold/core';
import { loadConfig } from '@cryfold/runtime';
import { reportCommand } from '../src/report-command.js';

test('refuses to print HTML to a terminal, but prints other formats', async () => {
  const { isTTY } = process.stdout;
  process.stdout.isTTY = true;
  try {
    const code = (format: string) =>
      reportCommand('nothing-1', { format }, loadConfig({})).then(
        () => 'none',
        (error: CryfoldError) => [error.code, error.hint?.includes(format === 'html' ? '--out' : '--store')],
      );
    assert.deepEqual(await code('html'), ['USAGE', true]);
    assert.deepEqual(await code('md'), ['RUN_NOT_FOUND', true]);
  } finally {
    process.stdout.isTTY = isTTY;
  }
});
