#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// Services wait most of the time; what only other commands need stays out of their memory. Training is in processes of
// its own. Measured: an idle coordinator takes 140 MiB with all commands loaded, 90 without, 75 with this flag.
const service = ['worker', 'coordinator', 'aggregator'].includes(process.argv[2]);
if (service) setFlagsFromString('--optimize-for-size');
// And predict answers within a second: 0.5 s instead of 1.3.
const program = service ? 'service-program' : process.argv[2] === 'predict' ? 'predict-program' : 'main';
const { main } = await import(`../dist/src/${program}.js`);

process.exitCode = await main(process.argv.slice(2));
