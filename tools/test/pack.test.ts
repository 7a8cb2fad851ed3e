import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '@cryfold/integration-tests/command';
import { ROOT } from '../src/paths.js';

const PACK = fileURLToPath(new URL('../src/pack.js', import.meta.url));

/**
 * Links to the scopes in nested node_modules folders, where npm installs packages whose version differs from the one in
 * the root of the checkout.
 */
function linkNested(modules: string): void {
  for (const folder of readdirSync(join(ROOT, 'packages'))) {
    const nested = join(ROOT, 'packages', folder, 'node_modules');
    for (const name of existsSync(nested) ? readdirSync(nested) : []) {
      if (name.startsWith('.')) continue;
      rmSync(join(modules, name), { force: true });
      symlinkSync(join(nested, name), join(modules, name));
    }
  }
}

/** Links to third-party packages in the checkout instead of downloading them with npm. */
function linkVendors(modules: string): void {
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name.startsWith('.') || name === 'cryfold' || name === '@cryfold') continue;
    if (!name.startsWith('@')) {
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
      continue;
    }
    mkdirSync(join(modules, name));
    for (const member of readdirSync(join(ROOT, 'node_modules', name)))
      symlinkSync(join(ROOT, 'node_modules', name, member), join(modules, name, member));
  }
}

const folder = await temporaryFolder();
after(folder.remove);
const tarball = execFileSync(process.execPath, [PACK, '--out', folder.path], { encoding: 'utf8' }).trim();
const modules = join(folder.path, 'node_modules');
const installed = join(modules, 'cryfold');
mkdirSync(installed, { recursive: true });
execFileSync('tar', ['xzf', tarball, '-C', installed, '--strip-components', '1']);
linkVendors(modules);
linkNested(modules);

/** Runs Node in the folder, without environment variables for Redis or a store. */
function node(...args: string[]): string {
  const { REDIS_URL: _redis, CRYFOLD_STORE: _store, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder.path, env, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

test('the tarball evaluates recordings without a checkout after setup has built TensorFlow', () => {
  const { bin, dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  assert.ok(Object.values<string>(dependencies).every((version) => /^\d+\.\d+\.\d+/.test(version)));
  const cryfold = (...args: string[]) => node(join(installed, bin.cryfold), ...args);
  cryfold('setup');
  assert.match(cryfold('doctor'), /^ok +TensorFlow /m);
  cryfold('data', 'synth', 'recordings', '--clips', '30');
  const quick = ['--repeats', '1', '--folds', '2', '--estimators', 'svm', '--workers', '1'];
  const results = JSON.parse(cryfold('run', '--data', 'recordings', ...quick, '--json'));
  assert.deepEqual([results.status, results.models[0].name, results.models[0].folds.length], ['complete', 'svm', 2]);

  // The results contain the spec as stored, which can be used as input, so the library evaluates the same run as the
  // command.
  const program = `import { evaluate } from 'cryfold';
    const spec = ${JSON.stringify(results.spec)};
    console.log(JSON.stringify(await evaluate({ spec, data: 'recordings' })));`;
  assert.deepEqual(JSON.parse(node('--input-type=module', '--eval', program)), results);
});

test('the tarball contains types that programs can use', async () => {
  const [, example] = /```ts\n(.*?)```/s.exec(readFileSync(join(ROOT, 'docs', 'library.md'), 'utf8')) ?? assert.fail();
  // The expected compile errors prove that the values do not have the type `any`.
  const wrong = `
    // @ts-expect-error
    result.models[0].acuracy;
    // @ts-expect-error
    await evaluate({ data: '.', spec: { version: 1, name: 'typo', estimators: { svm: { kind: 'svn' } } } });`;
  writeFileSync(join(folder.path, 'example.mts'), example + wrong);
  const tool = (name: string, ...args: string[]) =>
    promisify(execFile)(join(ROOT, 'node_modules', '.bin', name), args, { cwd: folder.path }).catch((error) =>
      assert.fail(`${name} ${args.join(' ')}\n${error.stdout}`),
    );
  const tsc = (module: string, resolution: string) =>
    tool(
      'tsc',
      ...`--strict --noEmit --skipLibCheck --module ${module} --moduleResolution ${resolution}`.split(' '),
      'example.mts',
    );
  await Promise.all([
    tsc('nodenext', 'nodenext'),
    tsc('preserve', 'bundler'),
    tool('attw', tarball, '--profile', 'esm-only'),
    tool('publint', '--strict', tarball),
  ]);
});
