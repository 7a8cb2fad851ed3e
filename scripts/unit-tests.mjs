#!/usr/bin/env node
// @ts-check
// Runs the built unit tests of the package in the current folder: turbo's `test:unit`. Plain JavaScript, since turbo
// builds only what the package depends on first, and no package depends on the tools.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder of numpy and scikit-learn that scripts/test has fetched for this Python, if there is one. */
function oracle() {
  const { CRYFOLD_CACHE, XDG_CACHE_HOME } = process.env;
  const cache = CRYFOLD_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'cryfold');
  if (!existsSync(cache) || !readdirSync(cache).some((name) => name.startsWith('oracle-'))) return undefined;
  try {
    const version = ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'];
    const folder = join(cache, `oracle-${execFileSync('python3', version, { encoding: 'utf8' }).trim()}`);
    return existsSync(folder) ? folder : undefined;
  } catch {
    // Without a Python the tests that call one are skipped.
    return undefined;
  }
}

// From the sources, since dist may hold the built tests of files that are gone.
const files = readdirSync('test')
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `dist/test/${name.replace(/ts$/, 'js')}`);
const paths = [oracle(), process.env.PYTHONPATH].filter(Boolean).join(':');
const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=dot', ...files], {
  stdio: 'inherit',
  env: paths ? { ...process.env, PYTHONPATH: paths } : process.env,
});
process.exitCode = status ?? 1;
