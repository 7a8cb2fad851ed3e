// Reproduces faults that users have found, and checks that a test in this repository covers each of them.
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Bench } from './cases/bench.js';
import type { Case } from './cases/case.js';
import { missingTest } from './cases/missing-test.js';
import { GROUPS } from './cases/registry.js';
import { ROOT } from './paths.js';

const HELP = `Usage: tools/run-cases [--cases DIR] [--only TEXT] [--json]

Runs all cases that users have reported with the current commands. Prints one line per case: whether the outcome is as
expected, the outcome itself (a value or an error code), and the test that covers the case. Exits with code 1 if a case
fails, if its test is missing, or if a file in the folder belongs to no case. A pending case waits for an issue, and is
reported as failed as soon as its outcome is as expected.

  --cases  folder of the scripts and files that create the inputs; default: ../shared/cases
  --only   run only cases whose names contain this text
  --json   print {cases: [{name, state, ended, tests}], passed, failed, pending}

Needs python3 with numpy (scripts/test installs it), sox and redis-server. Takes a few minutes.
`;

/** Files in the folder that are not cases themselves, but are used by other files. */
const HELPERS = ['README.md', 'lib.py', 'cf', 'base.py', 'cluster.sh', 'run-all', 'statistics', '__pycache__'];

type State = 'ok' | 'FAILED' | 'pending';
interface Outcome {
  name: string;
  state: State;
  ended: string;
  tests: Case['tests'];
}

async function outcomeOf(one: Case, bench: Bench): Promise<Outcome> {
  const { name, tests, expected, pending } = one;
  const missing = await missingTest(one);
  const ended = missing ?? (await one.run(bench).catch((error: Error) => `cannot be run: ${error.message}`));
  const right = missing === undefined && expected.test(ended);
  if (pending === undefined) return { name, ended, tests, state: right ? 'ok' : 'FAILED' };
  if (!right) return { name, ended, tests, state: 'pending' };
  return { name, tests, state: 'FAILED', ended: `${ended} (passes now: add its test in place of pending: ${pending})` };
}

/**
 * Returns a failed outcome for each file in the folder that no case uses, and for each file that a case needs but that
 * is missing.
 */
async function unclaimed(folder: string): Promise<Outcome[]> {
  const there = await readdir(folder);
  const claimed = GROUPS.flatMap(({ inputs }) => inputs);
  const failed = (name: string, ended: string): Outcome => ({ name, ended, tests: [], state: 'FAILED' });
  return [
    ...there.filter((name) => ![...HELPERS, ...claimed].includes(name)).map((name) => failed(name, 'no case runs it')),
    ...claimed.filter((name) => !there.includes(name)).map((name) => failed(name, 'is missing in the folder')),
  ];
}

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: join(ROOT, '..', 'shared', 'cases') },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

function show({ name, state, ended, tests }: Outcome): void {
  if (values.json) return;
  const files = [...new Set(tests.map(({ file }) => file))].join(', ');
  const short = ended.length > 160 ? `${ended.slice(0, 159)}…` : ended;
  console.log(`${name}: ${state}  ${short}${files && `  test: ${files}`}`);
}

/** The folder in which scripts/test has installed numpy and scikit-learn. */
async function findOracle(): Promise<void> {
  const { oracle } = (await import(`${ROOT}scripts/unit-peers.mjs`)) as { oracle(): string | undefined };
  const found = [oracle(), process.env.PYTHONPATH].filter(Boolean).join(':');
  if (found) process.env.PYTHONPATH = found;
}

async function main(): Promise<void> {
  const folder = resolve(values.cases);
  if (!existsSync(folder)) {
    process.stderr.write(`run-cases: ${folder} does not exist; give the folder of cases with --cases\n`);
    process.exitCode = 2;
    return;
  }
  await findOracle();
  const work = await mkdtemp(join(tmpdir(), 'cryfold-cases-'));
  const outcomes: Outcome[] = [];
  try {
    const bench = new Bench(folder, work);
    for (const one of GROUPS.flatMap(({ cases }) => cases)) {
      if (!one.name.includes(values.only)) continue;
      const outcome = await outcomeOf(one, bench);
      outcomes.push(outcome);
      show(outcome);
    }
    const lost = values.only ? [] : await unclaimed(folder);
    outcomes.push(...lost);
    lost.forEach(show);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const count = (state: State) => outcomes.filter((one) => one.state === state).length;
  const [passed, failed, pending] = [count('ok'), count('FAILED'), count('pending')];
  if (values.json) console.log(JSON.stringify({ cases: outcomes, passed, failed, pending }, null, 2));
  else console.log(`${passed} passed, ${failed} failed${pending > 0 ? `, ${pending} pending` : ''}`);
  if (failed > 0) process.exitCode = 1;
}

if (values.help) process.stdout.write(HELP);
else await main();
