import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { packageFolders, ROOT, temporaryFolder } from './command.js';

let project: string;

/** A project with this repository's lint rules and package manifests, but no code. */
before(async () => {
  const folder = await temporaryFolder();
  process.once('exit', () => spawnSync('rm', ['-rf', folder.path]));
  project = folder.path;
  await cp(join(ROOT, 'biome.json'), join(project, 'biome.json'));
  for (const name of await packageFolders()) {
    await mkdir(join(project, 'packages', name, 'src'), { recursive: true });
    await cp(join(ROOT, 'packages', name, 'package.json'), join(project, 'packages', name, 'package.json'));
  }
});

async function lint(files: Record<string, string>): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(project, path)), { recursive: true });
    await writeFile(join(project, path), text);
  }
  const biome = join(ROOT, 'node_modules', '.bin', 'biome');
  const args = ['lint', '--vcs-enabled=false', ...Object.keys(files)];
  const { stdout, stderr } = spawnSync(biome, args, { cwd: project, encoding: 'utf8' });
  return stdout + stderr;
}

const uses = (name: string) => `import * as used from '${name}';\nexport const it = used;\n`;

test('lint accepts a declared import', async () => {
  for (const name of ['bullmq', '@cryfold/core', 'node:fs']) {
    assert.doesNotMatch(await lint({ 'packages/queue/src/a.ts': uses(name) }), /lint\//, name);
  }
});

for (const [what, file, name] of [
  ['another package that is not a dependency', 'packages/core/src/a.ts', '@cryfold/worker'],
  ['the command line from a library', 'packages/nn/src/a.ts', 'cryfold'],
  ['a vendor package that is not declared', 'packages/report/src/a.ts', 'lodash'],
]) {
  test(`lint rejects an import of ${what}`, async () => {
    assert.match(await lint({ [file]: uses(name) }), /noUndeclaredDependencies/);
  });
}

for (const [file, name] of [
  ['packages/coordinator/src/a.ts', 'bullmq'],
  ['packages/worker/src/a.ts', 'minio'],
  ['packages/evaluation/src/a.ts', 'echarts'],
  ['packages/core/src/a.ts', '@tensorflow/tfjs-node-gpu'],
  ['packages/store/src/a.ts', 'minio'],
]) {
  test(`lint rejects ${name} in ${file}`, async () => {
    assert.match(await lint({ [file]: uses(name) }), /noRestrictedImports[\s\S]*only packages\//);
  });
}

test('only the owners of a vendor package declare it, so other packages cannot import it', async () => {
  const rules = JSON.parse(await readFile(join(ROOT, 'biome.json'), 'utf8')).linter.rules;
  const vendors: Record<string, string> = rules.style.noRestrictedImports.options.paths;
  const owners = new Map(
    Object.entries(vendors).map(([vendor, message]) => [
      vendor,
      Array.from(message.matchAll(/packages\/([\w-]+)/g), ([, name]) => name),
    ]),
  );
  const packages = await packageFolders();
  for (const name of packages) {
    const manifest = JSON.parse(await readFile(join(ROOT, 'packages', name, 'package.json'), 'utf8'));
    for (const vendor of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.ok(owners.get(vendor)?.includes(name) ?? true, `packages/${name} declares ${vendor}`);
    }
  }
  assert.ok([...owners.values()].flat().every((name) => packages.includes(name)));
});

for (const [kind, importing] of [
  ['values', 'import { b } from'],
  ['types', 'import type { b } from'],
]) {
  test(`lint rejects a circular import of ${kind}`, async () => {
    const text = await lint({
      'packages/core/src/one.ts': `${importing} './two.js';\nexport type a = typeof b;\nexport const a = 1;\n`,
      'packages/core/src/two.ts': `import { a } from './one.js';\nexport const b = a;\n`,
    });
    assert.match(text, /noImportCycles/);
  });
}

const lines = (count: number) => Array.from({ length: count }, (_, i) => `  console.log(${i});`).join('\n');

for (const [what, rule, text] of [
  [
    'a function of more than four parameters',
    'useMaxParams',
    'export const f = (a: 1, b: 1, c: 1, d: 1, e: 1) => [a, b, c, d, e];\n',
  ],
  [
    'a function whose body has more than 60 lines',
    'noExcessiveLinesPerFunction',
    `export function f() {\n${lines(61)}\n}\n`,
  ],
  [
    'a method whose body has more than 60 lines',
    'noExcessiveLinesPerFunction',
    `export class A {\n  #m() {\n${lines(61)}\n  }\n  n() {\n    this.#m();\n  }\n}\n`,
  ],
  [
    'a file of 350 lines',
    'noExcessiveLinesPerFile',
    `${Array.from({ length: 350 }, (_, i) => `export const a${i} = 1;`).join('\n')}\n`,
  ],
]) {
  test(`lint rejects ${what} in a package and in the tools`, async () => {
    for (const file of ['packages/core/src/long.ts', 'packages/core/src/deep/er/long.ts', 'tools/src/long.ts']) {
      assert.match(await lint({ [file]: text }), new RegExp(`lint/\\w+/${rule}`), file);
    }
  });
}

test('lint allows four parameters, function bodies of 60 lines and files of 349 lines', async () => {
  const four = `export function f(a: 1, b: 1, c: 1, d: 1) {\n${lines(59)}\n  return [a, b, c, d];\n}\n`;
  const rest = Array.from({ length: 287 }, (_, i) => `export const a${i} = 1;`).join('\n');
  const file = `${four}${rest}\n`;
  assert.equal(file.split('\n').length - 1, 349);
  assert.doesNotMatch(await lint({ 'packages/core/src/allowed.ts': file }), /lint\//);
});
