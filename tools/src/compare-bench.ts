// Runs a benchmark alternately in two checkouts, and prints how much faster the new one is.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import type { Comparison } from './bench/measure.js';
import { ROOT } from './paths.js';
import { median } from './statistics.js';

const HELP = `Usage: tools/compare-bench --old DIR [--new DIR] [--bench NAME] [--pairs N] [--json]

Runs \`scripts/bench NAME --json\` of an old and a new checkout in alternating runs: old, new, new, old, old, new, ...
For each result that both report, it prints the medians and the ratio new / old (the median over pairs, with its range).
A ratio above 1 means that the new checkout is better. Both checkouts must be set up and built. Do not use the machine
for anything else meanwhile.

  --old    the old checkout
  --new    the new checkout; default: this checkout
  --bench  the benchmark; default: orchestration
  --pairs  the number of pairs of runs; default: 3
  --json   print an array of {name, unit, old, new, ratio, ratios} instead

Exit status: 0 if all runs succeeded, whatever their ratios, otherwise 2.
`;

interface Row {
  name: string;
  unit: string;
  /** Median over all pairs, in `unit` */
  old: number;
  new: number;
  /** Median over all pairs of the ratio new / old */
  ratio: number;
  /** The ratio of each pair */
  ratios: number[];
}

type Run = Map<string, Comparison>;

/** @throws Error if the benchmark could not run */
async function bench(root: string, name: string): Promise<Run> {
  const program = join(root, 'scripts', 'bench');
  if (!existsSync(program)) throw new Error(`${root} is not a checkout of cryfold: it has no scripts/bench`);
  try {
    return read((await promisify(execFile)(program, [name, '--json'], { maxBuffer: 2 ** 26 })).stdout);
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string };
    // Exit code 1 means that a target was missed, which is irrelevant for this comparison.
    if (code === 1 && stdout) return read(stdout);
    throw new Error(`${program} ${name}: ${stderr || (error as Error).message}`);
  }
}

/** Results by name. If a name occurs more than once, a number is appended to all but the first. */
function read(text: string): Run {
  const run: Run = new Map();
  for (const one of JSON.parse(text) as Comparison[]) {
    let name = one.name;
    for (let n = 2; run.has(name); n++) name = `${one.name} (${n})`;
    run.set(name, one);
  }
  return run;
}

function rowsOf(pairs: readonly { old: Run; new: Run }[]): Row[] {
  const names = [...pairs[0].new.keys()].filter((name) => pairs.every((pair) => pair.old.has(name)));
  return names.map((name) => {
    const figures = (side: 'old' | 'new') => pairs.map((pair) => pair[side].get(name)!.ours);
    const [before, after] = [figures('old'), figures('new')];
    const ratios = after.map((value, i) => value / before[i]);
    const unit = pairs[0].new.get(name)!.unit;
    return { name, unit, old: median(before), new: median(after), ratio: median(ratios), ratios };
  });
}

function line({ name, unit, old, new: now, ratio, ratios }: Row): string {
  const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  return `${name}: ${old.toFixed(1)} -> ${now.toFixed(1)} ${unit}: ${ratio.toFixed(2)}x (${range})`;
}

const { values } = parseArgs({
  options: {
    old: { type: 'string' },
    new: { type: 'string', default: ROOT },
    bench: { type: 'string', default: 'orchestration' },
    pairs: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

/** @returns the exit status */
async function main(): Promise<number> {
  const count = Number(values.pairs);
  if (!values.old || !Number.isInteger(count) || count < 1) {
    process.stderr.write(HELP);
    return 2;
  }
  const roots = { old: resolve(values.old), new: resolve(values.new) };
  const pairs: { old: Run; new: Run }[] = [];
  for (let pair = 0; pair < count; pair++) {
    const runs: Partial<Record<'old' | 'new', Run>> = {};
    for (const side of pair % 2 ? (['new', 'old'] as const) : (['old', 'new'] as const)) {
      console.error(`compare-bench: pair ${pair + 1} of ${count}: ${side}`);
      runs[side] = await bench(roots[side], values.bench);
    }
    pairs.push({ old: runs.old!, new: runs.new! });
  }
  const rows = rowsOf(pairs);
  console.log(values.json ? JSON.stringify(rows, null, 2) : rows.map(line).join('\n'));
  return 0;
}

if (values.help) process.stdout.write(HELP);
else {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(`compare-bench: ${(error as Error).message}`);
    process.exitCode = 2;
  }
}
