import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CryfoldError, DAMAGE_CODES, ERROR_CODES, redactUrl } from '../src/index.js';

const DOCUMENT = fileURLToPath(new URL('../../../../docs/errors.md', import.meta.url));

test('docs/errors.md lists exactly the codes, with class, scope and meaning', () => {
  const rows = readFileSync(DOCUMENT, 'utf8').matchAll(/^\| `([A-Z_0-9]+)` \| (\w+)(?:, (trial))? \| (.*) \|$/gm);
  const documented = Object.fromEntries(
    Array.from(rows, ([, code, failure, scope, meaning]) => [
      code,
      scope ? [failure, meaning, scope] : [failure, meaning],
    ]),
  );
  assert.deepEqual(documented, { ...ERROR_CODES });
});

test('restores an error from its record', () => {
  const error = new CryfoldError('WAV_INVALID', 'a.wav: truncated', {
    context: { file: 'a.wav' },
    hint: 'Replace it.',
  });
  const copy = CryfoldError.fromRecord(JSON.parse(JSON.stringify(error.toRecord())));
  assert.deepEqual(copy.toRecord(), error.toRecord());
  assert.equal(copy.retryable, false);
  assert.equal(new CryfoldError('STORE_UNREACHABLE', 'x').retryable, true);
});

test('redacts the user, password and query of a URL, with or without a scheme, and leaves paths unchanged', () => {
  for (const [url, redacted] of [
    ['redis://u:p@ss@host:1/0', 'redis://***@host:1/0'],
    ['redis://host:1?password=p', 'redis://host:1?***'],
    ['rediss://u:p@host?a=p#p', 'rediss://***@host?***#p'],
    ['u:p@host:1', '***@host:1'],
    ['//u:p@host:1', '//***@host:1'],
    ['host:1', 'host:1'],
    ['/run/a@b/redis.sock', '/run/a@b/redis.sock'],
    ['./a@b/redis.sock', './a@b/redis.sock'],
    ['file:a@b/store', 'file:a@b/store'],
    ['s3://key:p@bucket/prefix', 's3://***@bucket/prefix'],
  ])
    assert.equal(redactUrl(url), redacted);
});

test('input errors have the scope `fold` unless their cause affects all folds of the trial', () => {
  for (const code of ['NN_LOSS_NOT_FINITE', 'SVM_ONE_CLASS', 'SVM_NOT_CONVERGED', 'FOLD_ONE_CLASS'] as const)
    assert.equal(new CryfoldError(code, 'x').scope, 'fold');
  for (const code of ['SPEC_INVALID', 'ARTIFACT_CORRUPT', 'WEIGHTS_INVALID'] as const)
    assert.equal(new CryfoldError(code, 'x').scope, 'trial');
});

test('DAMAGE_CODES contains exactly the codes for damaged or missing bytes', () => {
  assert.deepEqual([...DAMAGE_CODES].sort(), ['ARTIFACT_CORRUPT', 'ARTIFACT_MISSING', 'NPY_INVALID']);
});
