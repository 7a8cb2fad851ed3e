import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './command.js';

/** Returns the lines of tracked TypeScript files in some folders that match a pattern, as `path:line`. */
function matches(pattern: RegExp, folders: string[], allowed: RegExp): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', ...folders], { cwd: ROOT, encoding: 'utf8' });
  const files = listed.split('\0').filter((path) => path.endsWith('.ts') && !allowed.test(path));
  assert.ok(files.length > 100, 'the files of this repository are found');
  return files
    .filter((path) => existsSync(join(ROOT, path)))
    .flatMap((path) =>
      readFileSync(join(ROOT, path), 'utf8')
        .split('\n')
        .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}`] : [])),
    );
}

const skip = !existsSync(join(ROOT, '.git')) && 'needs a git checkout';

test('only the store package contains the keys of records', { skip }, () => {
  // Written in two parts so that this file does not match.
  const pattern = new RegExp(`${'store'}Keys\\.`);
  assert.deepEqual(matches(pattern, ['packages', 'test', 'tools'], /^packages\/store\//), []);
});

test('only an estimator’s own files and tests check for its kind', { skip }, () => {
  const pattern = /kind (===|!==) '(svm|small-cnn|tl-resnet50)'/;
  assert.deepEqual(matches(pattern, ['packages'], /^packages\/estimators\/src\/(networks|svm)\/|\/test\//), []);
});

test('no test outside of tools/ runs a built tool', { skip }, () => {
  const pattern = new RegExp(`tools(/|', ')${'dist'}`);
  // The test runner is excluded, because it prints paths of test files in all folders.
  assert.deepEqual(matches(pattern, ['packages', 'test'], /^test\/src\/runner\//), []);
});
