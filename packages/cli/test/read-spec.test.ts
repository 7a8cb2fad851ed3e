import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PAPER_SPEC, readSpec } from '../src/prepare.js';

test('reads specs in UTF-8 or UTF-16 with a byte order mark; in other encodings, reports the bad line', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-spec-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'spec.yaml');
  const text = `${await readFile(PAPER_SPEC, 'utf8')}# pleuré\n`;
  const read = async (bytes: Buffer) => {
    await writeFile(path, bytes);
    return readSpec(path);
  };
  for (const bytes of [Buffer.from(`\ufeff${text}`), Buffer.from(`\ufeff${text}`, 'utf16le')])
    assert.deepEqual(await read(bytes), await readSpec(PAPER_SPEC));
  const line = text.slice(0, text.indexOf('pleuré')).split('\n').length;
  await assert.rejects(read(Buffer.from(text, 'latin1')), {
    code: 'SPEC_INVALID',
    message: `${path}:${line}: the text is not UTF-8, but probably Latin-1; this line reads # pleuré`,
    hint: `Save it as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8 '${path}' > utf8.tmp && mv utf8.tmp '${path}'`,
  });
});
