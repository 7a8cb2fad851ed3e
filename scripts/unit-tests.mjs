#!/usr/bin/env node
// Runs the built unit tests of the package in the current folder: turbo's `test:unit`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

// From the sources, since dist may hold the built tests of files that are gone.
const files = readdirSync('test')
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `dist/test/${name.replace(/ts$/, 'js')}`);
const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=dot', ...files], { stdio: 'inherit' });
process.exitCode = status ?? 1;
