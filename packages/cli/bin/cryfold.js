#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { stopEarly } from '../dist/src/early-stop.js';
import { guardOutput, outputWritten } from '../dist/src/guard-output.js';
import { endWithNpm } from '../dist/src/npm-parent.js';

// Global flags may precede the command's name.
const name = process.argv
  .slice(2)
  .find((word, i, words) => !word.startsWith('-') && !/^--(store|server)$/.test(words[i - 1]));
// Services are idle most of the time, so modules that only other commands need are not loaded. Training runs in
// separate processes. Measured: an idle coordinator takes 140 MiB with all commands loaded, 90 MiB without them, and 75
// MiB with this flag.
const service = ['worker', 'coordinator', 'aggregator'].includes(name);
stopEarly(service || name === 'serve');
guardOutput();
endWithNpm();
if (service) setFlagsFromString('--optimize-for-size');
// Loading less also makes `predict` start in 0.5 s instead of 1.3 s.
const program = service ? 'service-program' : name === 'predict' ? 'predict-program' : 'main';
const { main } = await import(`../dist/src/${program}.js`).catch((error) => {
  // When it runs out of file descriptors, Node reports the module as missing.
  process.stderr.write(`cryfold: cannot load its own code: ${error.message.split('\n')[0]}\n`);
  process.stderr.write(
    '  Raise the limit of open files, for example with ulimit -n 1024. If that does not help, reinstall cryfold.\n',
  );
  process.exit(1);
});

// Exit explicitly: a port or connection left open by a failed start would keep the process alive.
const code = await main(process.argv.slice(2));
await outputWritten();
process.exit(code);
