// Evaluates specs/leaderboard.yaml on several corpora, under random and grouped folds, and writes one table for each.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import type { RunResults } from '@cryfold/evaluation';
import { comparisonTable, type Evaluated, modelTable } from './leaderboard/tables.js';
import { ROOT } from './paths.js';

const HELP = `Usage: tools/leaderboard --corpus NAME=PATH [--corpus NAME=PATH ...] [options] [-- OPTIONS OF cryfold run]

Evaluates specs/leaderboard.yaml on each corpus (a directory or a manifest), once on random folds and once on folds that
keep groups apart, and prints one Markdown table for each corpus. Folds in the store are not trained again.

  --corpus  a corpus and the name that its table gets
  --spec    another spec (specs/leaderboard.yaml)
  --store   where results are kept (./cryfold)
  --compare A:B, two models of the spec: adds a row with the difference A - B on grouped folds to one more table, whose
            p-values are adjusted for the number of its tests
  --out     also write the tables to this file
  --        further options of cryfold run, for example: -- --limit 600 --repeats 2

Exit status: 0 if every run ended; 1 if one failed; 2 for wrong options.
`;

const { values, positionals, tokens } = parseArgs({
  allowPositionals: true,
  tokens: true,
  options: {
    corpus: { type: 'string', multiple: true },
    spec: { type: 'string', default: join(ROOT, 'specs', 'leaderboard.yaml') },
    store: { type: 'string', default: 'cryfold' },
    compare: { type: 'string', multiple: true, default: [] },
    out: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const FOLDS = ['random', 'grouped'] as const;

/** Returns the results of a run, even if some of its folds are missing. @throws Error if the run fails */
async function evaluate(data: string, folds: (typeof FOLDS)[number]): Promise<RunResults> {
  const program = join(ROOT, 'packages', 'cli', 'bin', 'cryfold.js');
  // The spec's own folds are random.
  const protocol = folds === 'grouped' ? ['--protocol', 'grouped'] : [];
  const args = ['run', values.spec, '--data', data, ...protocol, '--store', values.store, '--json', '--yes'];
  const child = promisify(execFile)(process.execPath, [program, ...args, ...positionals], {
    maxBuffer: 2 ** 28,
  });
  child.child.stderr?.pipe(process.stderr);
  const { stdout } = await child.catch((error: Error & { stdout: string }) => {
    if (error.stdout) return error;
    throw error;
  });
  return JSON.parse(stdout);
}

function sectionOf(name: string, found: Evaluated): string {
  const { dataset, protocol } = found.grouped;
  const { clips, classes, groups, contentHash } = dataset;
  const runs = FOLDS.map((folds) => `\`${found[folds].run.id}\` (${folds} folds)`).join(', ');
  const incomplete = FOLDS.filter((folds) => found[folds].status !== 'complete');
  return [
    `## ${name}`,
    '',
    `${clips} clips, ${classes.length} classes, ${groups} groups; ${protocol.repeats} x ${protocol.folds} folds. Runs: ${runs}.`,
    `Content hash: \`${contentHash}\`.`,
    ...(incomplete.length > 0 ? ['', `Folds are missing in: ${incomplete.join(', ')}.`] : []),
    '',
    modelTable(found),
  ].join('\n');
}

function comparisonSection(found: ReadonlyMap<string, Evaluated>): string {
  const { table, tests } = comparisonTable(pairs, found);
  const [{ grouped }] = found.values();
  return [
    '## Comparisons',
    '',
    `Differences of the pooled ${grouped.comparisons[0].metric} on grouped folds, in points, with 95 % intervals and p-values by`,
    `groups; adjusted by Holm's method for the ${tests} tests of this table.`,
    '',
    table,
  ].join('\n');
}

function usage(why: string): never {
  process.stderr.write(`tools/leaderboard: ${why}\n`);
  process.exit(2);
}

if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const terminator = tokens.find(({ kind }) => kind === 'option-terminator');
const stray = tokens.find((token) => token.kind === 'positional' && token.index < (terminator?.index ?? Infinity));
if (stray) usage(`unexpected ${JSON.stringify((stray as { value: string }).value)}; put run options after --`);
const corpora = (values.corpus ?? usage('--corpus NAME=PATH is missing')).map((text) => {
  const at = text.indexOf('=');
  return at > 0
    ? { name: text.slice(0, at), path: resolve(text.slice(at + 1)) }
    : usage(`--corpus ${text}: must be NAME=PATH`);
});
const pairs = values.compare.map((text) => text.split(':'));
for (const pair of pairs) if (pair.length !== 2) usage(`--compare ${pair.join(':')}: must be A:B`);
const sections: string[] = [];
const found = new Map<string, Evaluated>();
try {
  for (const { name, path } of corpora) {
    const [random, grouped] = [await evaluate(path, 'random'), await evaluate(path, 'grouped')];
    found.set(name, { random, grouped });
    sections.push(sectionOf(name, { random, grouped }));
    process.stdout.write(`${sections.at(-1)}\n\n`);
  }
  if (pairs.length > 0) {
    sections.push(comparisonSection(found));
    process.stdout.write(`${sections.at(-1)}\n`);
  }
} catch (error) {
  process.stderr.write(`tools/leaderboard: ${(error as Error).message.split('\n')[0]}\n`);
  process.exitCode = 1;
}
if (values.out && !process.exitCode) await writeFile(values.out, `${sections.join('\n\n')}\n`);
