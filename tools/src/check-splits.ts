// Compares the splits of every splitter with scikit-learn's, index by index, on randomly generated cases. Usage:
//   tools/check-splits [--cases N] [--seed N] [--json]
// Needs python3 with scikit-learn, from PYTHONPATH or from the oracles that scripts/test installs. Exits with 1 on any
// difference.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CryfoldError } from '@cryfold/core';
import {
  groupKFold,
  kFold,
  RandomState,
  repeatSeed,
  SPLITTERS,
  type Split,
  type SplitRequest,
  splitterOf,
  stratifiedGroupKFold,
  stratifiedKFold,
  trainTestSplit,
} from '@cryfold/evaluation';
import { wholeOption } from './options.js';

/**
 * A request to a splitter: everything that a spec can set, and everything that the oracle needs to call the splitter.
 */
interface Case extends Omit<SplitRequest, 'labels' | 'predefined' | 'testSize'> {
  splitter: string;
  labels: number[];
  /** Integers as text; -1 for clips that are in no test fold */
  predefined: string[];
  /** A share in (0, 1), or for train_test_split also a number of clips */
  testSize: number;
}

/** The splitters by their names in specs, and functions that specs cannot use. */
const FUNCTIONS: Record<string, (request: Case) => Split[]> = {
  'KFold, in order': ({ labels, folds }) => kFold(labels.length, { splits: folds }),
  'StratifiedKFold, in order': ({ labels, folds }) => stratifiedKFold(labels, { splits: folds }),
  'GroupKFold, in order': ({ groups, folds }) => groupKFold(groups, { splits: folds }),
  'StratifiedGroupKFold, in order': ({ labels, groups, folds }) =>
    stratifiedGroupKFold(labels, groups, { splits: folds }),
  train_test_split: ({ labels, testSize, seed }) => [trainTestSplit(labels.length, { testSize, seed })],
  'train_test_split, stratified': ({ labels, testSize, seed }) => [
    trainTestSplit(labels.length, { testSize, seed, stratify: labels }),
  ],
};
const NAMES = [...SPLITTERS, ...Object.keys(FUNCTIONS)];

/** Generates random cases of kinds that hand-written tests do not cover. */
class Shapes {
  readonly #random: RandomState;

  constructor(seed: number) {
    this.#random = new RandomState(seed);
  }

  /** Splitters take turns, so that each gets the same number of cases. */
  draw(index: number): Case {
    const clips = this.#one([2, 3, 5, 6, 7, 11, 17, 23, 50, 101, 137, 263, 457, 2 + this.#below(600)]);
    const labels = this.#labels(clips);
    const splitter = NAMES[index % NAMES.length];
    const leaveOut = clips <= 137 && this.#below(10) === 0;
    const share = this.#one([0.1, 0.2, 0.25, 1 / 3, 0.5, 0.77, 0.001, 0.999]);
    const size = splitter in FUNCTIONS && this.#below(3) === 0 ? 1 + this.#below(clips) : share;
    return {
      ...{ splitter, labels, testSize: size },
      groups: this.#groups(labels),
      predefined: this.#predefined(clips),
      folds: leaveOut ? clips : this.#one([2, 3, 4, 5, 7, 8, 9, 10, 11, 16]),
      repeats: this.#one([1, 2, 3, 10]),
      seed: this.#one([0, 1, 42, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, this.#below(2 ** 32), this.#below(2 ** 32)]),
    };
  }

  #below(bound: number): number {
    return this.#random.randint(bound);
  }

  #one<T>(values: readonly T[]): T {
    return values[this.#below(values.length)];
  }

  /**
   * Generates labels for 1 to 50 classes, with even, skewed or sorted distributions. Some classes first occur late in
   * the data, or have only one clip.
   */
  #labels(clips: number): number[] {
    const classes = this.#one([1, 1, 2, 3, 5, 7, 50]);
    const power = this.#one([1, 1, 2, 6]);
    const share = () => (this.#below(2 ** 24) / 2 ** 24) ** power;
    const labels = Array.from({ length: clips }, () => Math.floor(classes * share()));
    const order = this.#one(['drawn', 'drawn', 'ascending', 'descending']);
    if (order === 'ascending') labels.sort((a, b) => a - b);
    if (order === 'descending') labels.sort((a, b) => b - a);
    return labels;
  }

  /**
   * Generates groups of one of these kinds: one clip per group, groups of equal size, groups of very different sizes,
   * only a few groups, a single group, or groups with one class each.
   */
  #groups(labels: readonly number[]): string[] {
    const size = 2 + this.#below(7);
    const few = 1 + this.#below(9);
    const shape = this.#one(['own', 'equal', 'unequal', 'few', 'one', 'class', 'class']);
    const number = (label: number, i: number): number => {
      if (shape === 'own') return i;
      if (shape === 'equal') return Math.floor(i / size);
      if (shape === 'unequal') return Math.floor(60 * (this.#below(2 ** 24) / 2 ** 24) ** 4);
      if (shape === 'few') return this.#below(few);
      return shape === 'one' ? 0 : 10 * label + this.#below(6);
    };
    const numbers = labels.map(number);
    const word = this.#one(['', 'infant ', 'é', '日', '\u{1f600}', '\ufb00', 'constructor', '__proto__', '-']);
    return numbers.map((own) => `${own % 2 === 0 ? word : ''}${own}`);
  }

  #predefined(clips: number): string[] {
    const folds = 1 + this.#below(12);
    const gap = this.#one([1, 1, 7]);
    const untested = this.#one([0, 0, 0.3]);
    return Array.from({ length: clips }, () =>
      this.#below(100) < 100 * untested ? '-1' : String(gap * this.#below(folds)),
    );
  }
}

function digest(splits: readonly Split[]): string {
  const hash = createHash('sha256');
  for (const { train, test } of splits) {
    for (const indices of [train, test]) hash.update(Int32Array.of(indices.length)).update(indices);
  }
  return hash.digest('hex');
}

/** Returns cryfold's answer: a digest of the splits, or the reason for a refusal. */
function ours(request: Case): { digest?: string; refused?: string } {
  try {
    const own = FUNCTIONS[request.splitter];
    const kind = SPLITTERS.find((name) => name === request.splitter);
    if (own) return { digest: digest(own(request)) };
    return { digest: digest(splitterOf(kind!).split({ ...request, labels: Int32Array.from(request.labels) })) };
  } catch (error) {
    if (error instanceof CryfoldError && error.code === 'SPLIT_IMPOSSIBLE') return { refused: error.message };
    throw error;
  }
}

/** scikit-learn in a separate process that handles one case after another. */
async function oracle() {
  const script = fileURLToPath(new URL('../../oracles/splits.py', import.meta.url));
  const modules = process.env.PYTHONPATH ?? join(homedir(), '.cache/cryfold/oracle-3.11');
  const child = spawn('python3', ['-B', script], {
    env: { ...process.env, PYTHONPATH: modules },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (!done) return JSON.parse(value);
    throw new Error('python3 with scikit-learn does not respond: set PYTHONPATH to the folder of scikit-learn');
  };
  const versions = (await next()) as { sklearn: string; numpy: string };
  return {
    versions,
    ask: async (request: Case): Promise<{ digest?: string; refused?: string }> => {
      const repeatSeeds = Array.from({ length: request.repeats }, (_, repeat) => repeatSeed(request.seed, repeat));
      child.stdin.write(`${JSON.stringify({ ...request, repeatSeeds })}\n`);
      return next();
    },
    end: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** Describes a case in one line, with enough information to reproduce it. */
function shapeOf(index: number, { splitter, labels, groups, folds, repeats, seed, testSize }: Case): string {
  const [classes, own] = [labels, groups].map((values) => new Set<unknown>(values).size);
  const shape = `${labels.length} clips, ${classes} classes, ${own} groups`;
  return `case ${index}, ${splitter}: ${shape}, folds ${folds}, repeats ${repeats}, seed ${seed}, test size ${testSize}`;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string', default: '5000' },
      seed: { type: 'string', default: '0' },
      json: { type: 'boolean', default: false },
    },
  });
  const cases = wholeOption('cases', values.cases);
  const seed = wholeOption('seed', values.seed, { least: 0, most: 2 ** 32 - 1 });
  const { versions, ask, end } = await oracle();
  const shapes = new Shapes(seed);
  const rows = NAMES.map((splitter) => ({ splitter, cases: 0, equal: 0, bothRefuse: 0, differ: 0 }));
  const differences: string[] = [];
  for (let index = 0; index < cases; index++) {
    const request = shapes.draw(index);
    const [mine, theirs] = [ours(request), await ask(request)];
    const row = rows[index % NAMES.length];
    row.cases++;
    if (mine.refused !== undefined && theirs.refused !== undefined) row.bothRefuse++;
    else if (mine.digest !== undefined && mine.digest === theirs.digest) row.equal++;
    else {
      row.differ++;
      const who = mine.refused ?? theirs.refused;
      const why =
        who === undefined ? '' : `; only ${mine.refused === undefined ? 'scikit-learn' : 'cryfold'} refuses: ${who}`;
      differences.push(`${shapeOf(index, request)}${why}`);
    }
  }
  await end();
  if (values.json) console.log(JSON.stringify({ cases, seed, ...versions, splitters: rows, differences }));
  else {
    console.log(`scikit-learn ${versions.sklearn}, numpy ${versions.numpy}: ${cases} cases, seed ${seed}`);
    console.log(
      `${'splitter'.padEnd(32)}${'cases'.padStart(6)}${'equal'.padStart(7)}${'both refuse'.padStart(13)}${'differ'.padStart(8)}`,
    );
    for (const { splitter, cases: own, equal, bothRefuse, differ } of rows) {
      const figures = [String(own).padStart(6), String(equal).padStart(7), String(bothRefuse).padStart(13)];
      console.log(`${splitter.padEnd(32)}${figures.join('')}${String(differ).padStart(8)}`);
    }
    for (const line of differences.slice(0, 20)) console.log(line);
    console.log(`${differences.length} differences`);
  }
  return differences.length === 0 ? 0 : 1;
}

process.exitCode = await main();
