import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageFolders, ROOT } from './command.js';

test('each README describes its package and lists exactly the packages that it imports', async () => {
  for (const name of await packageFolders()) {
    const read = (file: string) => readFile(join(ROOT, 'packages', name, file), 'utf8');
    const { dependencies = {} } = JSON.parse(await read('package.json')) as { dependencies?: Record<string, string> };
    const ours = Object.keys(dependencies).flatMap((one) => (one.startsWith('@cryfold/') ? [one.slice(9)] : []));
    const [, imports] = /^It imports (.*)\.$/m.exec(await read('README.md')) ?? assert.fail(`${name} has no README`);
    const named = [...imports.matchAll(/`([^`]+)`/g)].map(([, one]) => one);
    assert.deepEqual(named, ours, name);
    if (ours.length === 0) assert.equal(imports, 'no other package of this repository', name);
  }
});
