#!/usr/bin/env node
// Runs the built unit tests of the package in the current folder: turbo's `test:unit`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const files = readdirSync('dist/test')
  .filter((name) => name.endsWith('.test.js'))
  .map((name) => `dist/test/${name}`);
const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=dot', ...files], { stdio: 'inherit' });
process.exitCode = status ?? 1;
