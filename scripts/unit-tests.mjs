#!/usr/bin/env node
// @ts-check
// Runs the built unit tests of the package in the current folder: turbo's `test:unit`. Plain JavaScript, since turbo
// builds only what the package depends on first, and no package depends on the tools.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { oracle } from './unit-peers.mjs';

// Taken from the sources, since dist may contain built tests of files that no longer exist.
const files = readdirSync('test')
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `dist/test/${name.replace(/ts$/, 'js')}`);
const paths = [oracle(), process.env.PYTHONPATH].filter(Boolean).join(':');
const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=dot', ...files], {
  stdio: 'inherit',
  env: paths ? { ...process.env, PYTHONPATH: paths } : process.env,
});
process.exitCode = status ?? 1;
