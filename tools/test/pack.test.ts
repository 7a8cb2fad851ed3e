import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@cryfold/integration-tests/command';
import { ROOT } from '../src/paths.js';

const PACK = fileURLToPath(new URL('../src/pack.js', import.meta.url));

/** Vendors of which one of our packages has another version than the checkout's root, as npm installs them. */
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

/** Stands in for npm, which would fetch them: links to what the checkout has of other vendors. */
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

test('the tarball evaluates recordings in a folder without a checkout, once setup has built TensorFlow', async (t) => {
  const folder = await temporaryFolder();
  t.after(folder.remove);
  const installed = join(folder.path, 'node_modules', 'cryfold');
  mkdirSync(installed, { recursive: true });
  const tarball = execFileSync(process.execPath, [PACK, '--out', folder.path], { encoding: 'utf8' }).trim();
  execFileSync('tar', ['xzf', tarball, '-C', installed, '--strip-components', '1']);
  linkVendors(join(folder.path, 'node_modules'));
  linkNested(join(folder.path, 'node_modules'));
  const { bin, dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  assert.ok(Object.values<string>(dependencies).every((version) => /^\d+\.\d+\.\d+/.test(version)));

  const { REDIS_URL: _redis, CRYFOLD_STORE: _store, ...env } = process.env;
  const cryfold = (...args: string[]) => {
    const command = [join(installed, bin.cryfold), ...args];
    const { status, stdout, stderr } = spawnSync(process.execPath, command, {
      cwd: folder.path,
      env,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  cryfold('setup');
  assert.match(cryfold('doctor'), /^ok +TensorFlow /m);
  cryfold('data', 'synth', 'recordings', '--clips', '30');
  const quick = ['--repeats', '1', '--folds', '2', '--estimators', 'svm', '--workers', '1'];
  assert.match(cryfold('run', '--data', 'recordings', ...quick), /^svm .* 2\/2$/m);
});
