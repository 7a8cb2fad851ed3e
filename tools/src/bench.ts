// Compares the speed of cryfold with that of tools that could be used instead. Started by scripts/bench.
import { parseArgs } from 'node:util';
import type { Comparison } from './bench/measure.js';

interface Member {
  description: string;
  /** Throws an Error that says what to install if the peer is missing. */
  compare: (only: string | undefined) => Promise<Comparison[]>;
}

// Each benchmark is loaded on demand, since loading TensorFlow alone takes a second.
const MEMBERS: Record<string, Member> = {
  augment: {
    description: 'the cost of augmentation per training step, with one thread (1-2 min)',
    compare: async (only) => (await import('./bench/augment.js')).compare(only),
  },
  cluster: {
    description: 'the load of 500 simulated workers on a coordinator and on Redis (2-3 min)',
    compare: async () => (await import('./bench/cluster.js')).compare(),
  },
  features: {
    description: 'the paper’s images per second on one core, compared with sox + resize',
    compare: async () => (await import('./bench/features.js')).compare(),
  },
  job: {
    description: 'the paper’s evaluation of 600 clips, from WAV files to the table, against a plain script (15-20 min)',
    compare: async (only) => (await import('./bench/job.js')).compare(only),
  },
  nn: {
    description: 'ResNet50 and Small CNN: training, prediction, a first fold, against Keras, PyTorch (10-20 min)',
    compare: async (only) => (await import('./bench/nn.js')).compare(only),
  },
  orchestration: {
    description: 'overhead per fold, against BullMQ, joblib and Ray Tune; idle memory (4-8 min)',
    compare: async () => (await import('./bench/orchestration.js')).compare(),
  },
  svm: {
    description: 'distances, folds, a grid and predictions, against scikit-learn, ml-svm, libsvm-js (5-8 min)',
    compare: async () => (await import('./bench/svm.js')).compare(),
  },
};

const HELP = `Usage: scripts/bench NAME [--only TEXT] [--json]

Compares cryfold with a peer in alternating pairs in one run and prints medians, one line per comparison. A ratio
above 1 means that cryfold is better. On a shared machine, only ratios are meaningful.

  --only   for nn: cases with these words, such as 'resnet50 train float32 2x1' (processes x threads) or 'PyTorch';
           for augment: small-cnn or resnet50; for job: a folder of CLASS/*.wav files, one second each, to use instead
  --json   print an array of {name, ours, theirs, peer, unit, ratio, target, ok} instead

Exit status: 0 if every target is met, 1 if one is missed, 2 if the benchmark could not run.

NAME:
${Object.entries(MEMBERS)
  .map(([name, { description }]) => `  ${name.padEnd(14)} ${description}`)
  .join('\n')}
`;

function line({ name, ours, theirs, peer, unit, ratio, target, ok }: Comparison): string {
  const figures = `${ours.toFixed(1)} ${unit}, ${peer} ${theirs.toFixed(1)}`;
  const verdict = target === 0 ? '' : ` (target ${target}x: ${ok ? 'met' : 'MISSED'})`;
  return `${name}: ${figures}: ${ratio.toFixed(2)}x${verdict}`;
}

function readArguments() {
  const options = {
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  } as const;
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n\n${HELP}`);
    return undefined;
  }
}

/** @returns the exit status */
async function main(): Promise<number> {
  const read = readArguments();
  if (!read) return 2;
  const { values, positionals } = read;
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [name] = positionals;
  if (positionals.length !== 1 || !Object.hasOwn(MEMBERS, name)) {
    process.stderr.write(positionals.length === 1 ? `bench: there is no benchmark ${name}\n\n${HELP}` : HELP);
    return 2;
  }
  try {
    const comparisons = await MEMBERS[name].compare(values.only);
    console.log(values.json ? JSON.stringify(comparisons, null, 2) : comparisons.map(line).join('\n'));
    return comparisons.every(({ ok }) => ok) ? 0 : 1;
  } catch (error) {
    console.error(`bench ${name}: ${(error as Error).message}`);
    return 2;
  }
}

process.exitCode = await main();
