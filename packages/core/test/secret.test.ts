import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CryfoldError, readSecret } from '../src/index.js';

test('reads a secret from its file each time, and trims white space', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cryfold-secret-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const secret = { file: join(folder, 'token'), variable: 'TOKEN_FILE' };
  for (const text of ['first', 'second']) {
    writeFileSync(secret.file, `\n ${text}\t\n`);
    assert.equal(readSecret(secret), text);
  }
  assert.equal(readSecret(' as it is '), ' as it is ');
});

test('reports the variable and the file of an unreadable secret, but never its text', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cryfold-secret-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'token');
  const failure = () => {
    try {
      readSecret({ file, variable: 'TOKEN_FILE' });
    } catch (error) {
      assert.ok(error instanceof CryfoldError, String(error));
      assert.equal(error.code, 'USAGE');
      assert.deepEqual(error.context, { variable: 'TOKEN_FILE' });
      return error;
    }
    assert.fail('the secret was read');
  };
  const absent = failure();
  assert.match(absent.message, /^environment variable TOKEN_FILE: ENOENT.*token/);
  assert.equal((absent.cause as NodeJS.ErrnoException).code, 'ENOENT');
  assert.equal(absent.hint, 'Set it to a mounted file that this process can read.');

  writeFileSync(file, Buffer.from('ok\ns3cr3t-é', 'latin1'));
  const latin1 = failure();
  assert.equal(latin1.message, `environment variable TOKEN_FILE: line 2 of ${file} is not UTF-8`);
  assert.match(latin1.hint ?? '', /iconv -f WINDOWS-1252/);
  assert.equal(latin1.cause, undefined);
  assert.ok(!JSON.stringify([latin1.message, latin1.hint, latin1.stack]).includes('s3cr3t'));
});
