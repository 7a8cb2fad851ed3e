import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CryfoldError, ERROR_CODES } from '../src/index.js';

const DOCUMENT = fileURLToPath(new URL('../../../../docs/errors.md', import.meta.url));

test('docs/errors.md lists every code with its class and meaning, and no other', () => {
  const rows = readFileSync(DOCUMENT, 'utf8').matchAll(/^\| `([A-Z_0-9]+)` \| (\w+) \| (.*) \|$/gm);
  const documented = Object.fromEntries(Array.from(rows, ([, code, failure, meaning]) => [code, [failure, meaning]]));
  assert.deepEqual(documented, { ...ERROR_CODES });
});

test('an error survives its record', () => {
  const error = new CryfoldError('WAV_INVALID', 'a.wav: truncated', {
    context: { file: 'a.wav' },
    hint: 'Replace it.',
  });
  const copy = CryfoldError.fromRecord(JSON.parse(JSON.stringify(error.toRecord())));
  assert.deepEqual(copy.toRecord(), error.toRecord());
  assert.equal(copy.retryable, false);
  assert.equal(new CryfoldError('STORE_UNREACHABLE', 'x').retryable, true);
});
