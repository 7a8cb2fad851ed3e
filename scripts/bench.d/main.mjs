import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Each member is a module of this folder that exports
 *   compare(): Promise<Comparison[]>
 * and throws an Error that says what to install where its peer is missing. See measure.mjs for a Comparison.
 */
const MEMBERS = {
  cluster: '500 simulated workers: what they ask of a coordinator and of Redis (2-3 min)',
  features: 'the paper’s images per second on one core, beside sox + resize',
  nn: 'ResNet50 and Small CNN: training, prediction, a first fold, beside Keras, PyTorch (10-20 min)',
  orchestration: 'what a fold costs besides its training, beside BullMQ, joblib, Ray Tune; idle memory (4-8 min)',
  svm: 'distances, folds, a grid and predictions, beside scikit-learn, ml-svm and libsvm-js (5-8 min)',
};

const HELP = `Usage: scripts/bench NAME [--only TEXT] [--json]

Compares cryfold with a peer in alternating pairs in one run and prints medians, one line per comparison; a ratio
over 1 means that cryfold is better. Only ratios mean anything on a shared machine.

  --only   of nn: cases with these words, such as 'resnet50 train float32 2x1' (processes x threads) or 'PyTorch'
  --json   an array of {name, ours, theirs, peer, unit, ratio, target, ok} instead

Exit status: 0 if every target is met, 1 if one is missed, 2 if the benchmark could not run.

NAME:
${Object.entries(MEMBERS)
  .map(([name, description]) => `  ${name.padEnd(14)} ${description}`)
  .join('\n')}
`;

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Builds the packages where they have never been built; what it prints goes to stderr. */
function build() {
  if (existsSync(`${root}/packages/features/dist/test/sox.js`)) return;
  console.error('bench: building the packages first (npm run build)');
  if (spawnSync('npm', ['run', 'build'], { cwd: root, stdio: ['ignore', 2, 2] }).status === 0) return;
  throw new Error('the packages do not build; `npm ci && npm run build` in the repository says why');
}

function line({ name, ours, theirs, peer, unit, ratio, target, ok }) {
  const figures = `${ours.toFixed(1)} ${unit}, ${peer} ${theirs.toFixed(1)}`;
  const verdict = target === 0 ? '' : ` (target ${target}x: ${ok ? 'met' : 'MISSED'})`;
  return `${name}: ${figures}: ${ratio.toFixed(2)}x${verdict}`;
}

const args = process.argv.slice(2);
const at = args.indexOf('--only');
const only = at < 0 ? undefined : args[at + 1];
const names = args.filter((arg, i) => arg !== '--json' && (at < 0 || (i !== at && i !== at + 1)));
if (names.includes('--help') || names.includes('-h')) {
  process.stdout.write(HELP);
} else if (names.length !== 1 || !Object.hasOwn(MEMBERS, names[0])) {
  process.stderr.write(names.length === 1 ? `bench: no benchmark is called ${names[0]}\n\n${HELP}` : HELP);
  process.exitCode = 2;
} else {
  try {
    build();
    const { compare } = await import(`./${names[0]}.mjs`);
    const comparisons = await compare(only);
    console.log(args.includes('--json') ? JSON.stringify(comparisons, null, 2) : comparisons.map(line).join('\n'));
    process.exitCode = comparisons.every(({ ok }) => ok) ? 0 : 1;
  } catch (error) {
    console.error(`bench ${names[0]}: ${error.message}`);
    process.exitCode = 2;
  }
}
