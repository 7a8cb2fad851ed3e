#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { stopEarly } from '../dist/src/early-stop.js';
import { guardOutput, outputWritten } from '../dist/src/guard-output.js';
import { endWithNpm } from '../dist/src/npm-parent.js';

// Flags of all commands may come before the command's name.
const name = process.argv
  .slice(2)
  .find((word, i, words) => !word.startsWith('-') && !/^--(store|server)$/.test(words[i - 1]));
// Services wait most of the time; what only other commands need stays out of their memory. Training is in processes of
// its own. Measured: an idle coordinator takes 140 MiB with all commands loaded, 90 without, 75 with this flag.
const service = ['worker', 'coordinator', 'aggregator'].includes(name);
stopEarly(service || name === 'serve');
guardOutput();
endWithNpm();
if (service) setFlagsFromString('--optimize-for-size');
// And predict answers within a second: 0.5 s instead of 1.3.
const program = service ? 'service-program' : name === 'predict' ? 'predict-program' : 'main';
const { main } = await import(`../dist/src/${program}.js`).catch((error) => {
  // With too few descriptors, Node says that it finds no such module.
  process.stderr.write(`cryfold: its code cannot be loaded: ${error.message.split('\n')[0]}\n`);
  process.stderr.write('  Allow more open files, such as with ulimit -n 1024, or else install it again.\n');
  process.exit(1);
});

// Explicitly: what a failed start leaves open, such as a port or a connection, would keep the process alive.
const code = await main(process.argv.slice(2));
await outputWritten();
process.exit(code);
