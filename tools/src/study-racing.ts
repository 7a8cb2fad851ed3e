// Measures how many folds of a sweep racing saves, and how often it gives up the best trial. Simulated sweeps are raced
// by the same code as real sweeps. For comparison, Optuna's WilcoxonPruner is applied to the same scores (`--python
// PYTHON`, where PYTHON has optuna installed).
//
// usage: tools/study-racing [--sweeps N] [--thresholds 0.01,0.05,...] [--min-folds 5,10] [--scenario PART-OF-NAME]
//                           [--seed N] [--python PYTHON] [--optuna-sweeps N] [--json]
//
// The model: a sweep has 20 trials on 10 repeats x 5 folds of N clips. Trial i classifies clip c correctly in repeat r
// with probability sigmoid(skill_i + difficulty_c + affinity_ic + luck_icr). The difficulty ~ N(1, 2) is the same for
// all trials and cancels out in pairs. The affinity ~ N(0, 1) describes how well a trial handles a clip. It is the same
// in every repeat, so further repeats add no evidence about it. The luck ~ N(0, 0.7) is drawn separately for each
// training. The score of a fold is its share of correct answers. The skills of three in four trials are N(0, spread);
// one in four is much worse (minus |N(2, 1)|), like a trial with a learning rate at which nothing is learned. The best
// trial has the highest skill, so its mean over all possible clips is also the highest.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pythonProgram } from './paths.js';
import {
  FOLDS,
  type Outcome,
  REPEATS,
  raced,
  type Scenario,
  type Sweep,
  simulate,
  summarise,
  TRIALS,
} from './study/racing-simulation.js';

const { values } = parseArgs({
  options: {
    sweeps: { type: 'string', default: '200' },
    thresholds: { type: 'string', default: '0.02' },
    'min-folds': { type: 'string', default: '5' },
    python: { type: 'string' },
    'optuna-sweeps': { type: 'string', default: '60' },
    scenario: { type: 'string', default: '' },
    seed: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
});

const SCENARIOS: Scenario[] = [
  { name: '457 clips, spread 0.25', clips: 457, spread: 0.25 },
  { name: '457 clips, spread 1.0', clips: 457, spread: 1 },
  { name: '457 clips, spread 0.5', clips: 457, spread: 0.5 },
  { name: '2268 clips, spread 1.0', clips: 2268, spread: 1 },
  { name: '2268 clips, spread 0.5', clips: 2268, spread: 0.5 },
];

type Row = { scenario: string; method: string; sweeps: number } & ReturnType<typeof summarise>;

function wilcoxon(python: string, sweeps: readonly Sweep[]): Outcome[] {
  const folder = mkdtempSync(join(tmpdir(), 'cryfold-study-'));
  try {
    const file = join(folder, 'scores.json');
    writeFileSync(file, JSON.stringify(sweeps.map(({ scores }) => scores)));
    const program = pythonProgram('wilcoxon-pruner.py');
    return JSON.parse(execFileSync(python, [program, file], { maxBuffer: 2 ** 26, encoding: 'utf8' })) as Outcome[];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const numbers = (list: string) => list.split(',').map(Number);

function rowsOf(scenario: Scenario, seed: number): Row[] {
  const count = Number(values.sweeps);
  const sweeps = Array.from({ length: count }, (_, i) => simulate(scenario, seed + i));
  const row = (method: string, some: readonly Sweep[], outcomes: Outcome[]): Row => {
    return { scenario: scenario.name, method, sweeps: some.length, ...summarise(some, outcomes) };
  };
  const rows = numbers(values['min-folds']).flatMap((minFolds) =>
    numbers(values.thresholds).map((threshold) => {
      const outcomes = sweeps.map((sweep) => raced(sweep, { threshold, minFolds }));
      return row(`racing ${threshold}/${minFolds}`, sweeps, outcomes);
    }),
  );
  if (!values.python) return rows;
  const some = sweeps.slice(0, Number(values['optuna-sweeps']));
  return [...rows, row('WilcoxonPruner 0.1', some, wilcoxon(values.python, some))];
}

function line({ scenario, method, sweeps, ...row }: Row): string {
  const share = (value: number) => `${(100 * value).toFixed(1)} %`.padStart(9);
  const points = (value: number) => (100 * value).toFixed(2).padStart(6);
  const shares = `${share(row.winnerKept)}  ${share(row.bestKept)}  ${share(row.nearKept)}`;
  const head = `${scenario.padEnd(23)} ${method.padEnd(19)} ${String(sweeps).padStart(6)}`;
  return `${head} ${share(row.saved)}    ${shares}  ${points(row.regret)}     ${points(row.fullRegret)}`;
}

const chosen = [...SCENARIOS.entries()].filter(([, { name }]) => name.includes(values.scenario));
const rows = chosen.flatMap(([s, scenario]) => rowsOf(scenario, Number(values.seed) + 1000 * (s + 1)));
if (values.json) console.log(JSON.stringify(rows));
else {
  console.log(
    'scenario                method              sweeps     saved  winner kept  best kept  near kept  regret  (unraced)',
  );
  for (const row of rows) console.log(line(row));
  console.log(`
saved: share of ${TRIALS} trials x ${REPEATS * FOLDS} folds that were not evaluated. winner kept: the trial chosen by a
complete sweep was not given up. best kept: the same for the trial with the highest true accuracy. near kept: the same
for a trial within 0.5 points of the best. regret: points of true accuracy by which the chosen trial is below the best.
unraced: the regret without racing.`);
}
