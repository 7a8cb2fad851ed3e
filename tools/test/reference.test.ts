import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../src/paths.js';
import { cliReference } from '../src/reference/cli.js';
import { environmentReference } from '../src/reference/environment.js';
import { specReference, unexplained } from '../src/reference/spec.js';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

for (const [name, generate] of [
  ['cli', cliReference],
  ['environment', environmentReference],
  ['spec', specReference],
] as const) {
  test(`docs/${name}.md equals the output of tools/${name}-doc`, () => {
    assert.equal(read(`docs/${name}.md`), generate(), `run tools/${name}-doc`);
  });
}

test('docs/environment.md lists every cryfold variable in code, scripts or manifests', () => {
  const page = read('docs/environment.md');
  const folders = ['packages', 'scripts', 'infra', 'k8s'];
  const files = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }).flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      return entry.isFile() && !/\/(dist|node_modules|test|\.turbo)\//.test(path) ? [path] : [];
    }),
  );
  const named = new Set(
    files.flatMap((file) => readFileSync(file, 'utf8').match(/\bCRYFOLD_[A-Z0-9_]*[A-Z0-9]\b/g) ?? []),
  );
  assert.ok(named.size > 20);
  assert.deepEqual(
    [...named].filter((name) => !page.includes(`\`${name}\``)),
    [],
  );
});

test('every key of a spec has a description', () => {
  assert.deepEqual(unexplained(), []);
});
