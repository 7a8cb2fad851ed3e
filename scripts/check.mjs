#!/usr/bin/env node
// @ts-check
// `npm run check`: builds, lints and runs the unit tests of what has changed since it last passed.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { unitPeers } from './unit-peers.mjs';

const tasks = ['build', 'lint', 'lint:root', 'test:unit'];
const turbo = fileURLToPath(new URL('../node_modules/.bin/turbo', import.meta.url));
const { status, error } = spawnSync(turbo, ['run', ...tasks, '--output-logs=new-only', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, CRYFOLD_UNIT_PEERS: unitPeers() },
});
if (error) console.error(`check: turbo cannot run (scripts/setup installs it): ${error.message}`);
process.exitCode = status ?? 1;
