import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { loadConfig } from '../src/index.js';

test('S3 credentials come from variables or from mounted files, and are absent without both halves', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-config-'));
  try {
    const [id, secret] = [join(folder, 'id'), join(folder, 'secret')];
    await writeFile(id, 'who\n');
    await writeFile(secret, 'hush\n');
    const { s3 } = loadConfig({ AWS_ACCESS_KEY_ID_FILE: id, AWS_SECRET_ACCESS_KEY_FILE: secret });
    assert.equal(s3?.accessKey, 'who');
    assert.equal(s3?.secretKey, 'hush');
    assert.equal(s3?.addressing, 'host', 'Amazon');
    const own = loadConfig({ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', CRYFOLD_S3_ENDPOINT: 'http://h:9' });
    assert.equal(own.s3?.addressing, 'path', 'a server of one’s own');
    assert.equal(loadConfig({ AWS_ACCESS_KEY_ID: 'a' }).s3, undefined);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a wrong variable is named, and its value is not told', () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ AWS_SECRET_ACCESS_KEY_FILE: '/absent/file', AWS_ACCESS_KEY_ID: 'x' }, /AWS_SECRET_ACCESS_KEY_FILE/],
    [{ CRYFOLD_S3_ENDPOINT: 'ftp://user:hush@host' }, /CRYFOLD_S3_ENDPOINT/],
    [{ CRYFOLD_S3_ADDRESSING: 'hush' }, /CRYFOLD_S3_ADDRESSING/],
  ];
  for (const [environment, names] of cases) {
    assert.throws(
      () => loadConfig(environment),
      (error) => {
        assert.ok(error instanceof CryfoldError && error.code === 'USAGE');
        assert.match(error.message, names);
        assert.doesNotMatch(error.message, /hush@/);
        return true;
      },
    );
  }
});
