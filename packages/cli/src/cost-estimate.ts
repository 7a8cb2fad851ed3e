import { availableParallelism, cpus, hostname } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { counted } from '@cryfold/core';
import { calibration } from '@cryfold/local-run';
import type { RunPlan } from '@cryfold/plan';
import {
  type HoursBasis,
  type PlanSummary,
  type SummaryOptions,
  summarisePlan,
  TYPICAL_FACTOR,
} from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import type { RunStore } from '@cryfold/store';

/** Number of recent runs in the store whose fold durations are used for estimates. */
const RUNS = 20;
/** Maximum number of folds to look up on a server. If a plan has more folds, none of them is looked up. */
const SERVER_LOOK_UPS = 500;

/** In hours */
const MINUTE = 1 / 60;

/** Estimated cost of the training that a command is about to start. */
export interface CostEstimate {
  /** Hours that one worker would need, for estimators whose speed is known */
  hours: number;
  /**
   * Hours until the run ends if it is trained only by the workers that this command starts or, on a cluster, by one
   * worker
   */
  elapsedHours: number;
  /** One sentence for the user; undefined if nothing is left to train */
  text: string | undefined;
}

/** Returns this machine if its own workers do the training, or undefined if the workers of a cluster do. */
export function machineOf({ target }: Pick<Config, 'target'>): SummaryOptions['machine'] {
  return target.kind === 'local' ? { processor: cpus()[0]?.model.trim() ?? 'unknown', host: hostname() } : undefined;
}

/** If there are no finished folds and the estimate exceeds this many hours, the speed of this machine is measured. */
const WORTH_CALIBRATION = 10 * MINUTE;

export interface Calibrating {
  config: Pick<Config, 'target' | 'cacheDir'>;
  workers?: number | undefined;
  /** Measure the machine even for short runs, and repeat earlier measurements */
  always?: boolean;
  /** Called before measuring, which takes ten seconds */
  onStart: () => void;
}

/**
 * Measures the estimators of a plan for which `summarisePlan` finds no finished fold. For runs of a few minutes, only
 * earlier measurements are used, so that the runs are not delayed.
 */
export function calibrator(
  plan: RunPlan,
  { config, workers = availableParallelism(), always = false, onStart }: Calibrating,
): SummaryOptions['calibrate'] {
  // A cluster's workers train on other machines.
  if (config.target.kind !== 'local') return undefined;
  return async (uncertain) => {
    const hours = uncertain.reduce((sum, one) => sum + (one.hours ?? 0), 0) / Math.max(1, workers);
    const measure = always ? 'all' : hours > WORTH_CALIBRATION ? 'missing' : 'kept';
    return calibration(
      plan,
      uncertain.map(({ estimator }) => estimator),
      { cacheDir: config.cacheDir, measure, onStart },
    );
  };
}

/**
 * Estimates the cost of several plans together, from finished folds, a measurement of this machine, or typical speeds.
 */
export async function estimateCost(
  plans: readonly RunPlan[],
  store: RunStore,
  { config, workers = availableParallelism(), onStart }: Omit<Calibrating, 'always'>,
): Promise<CostEstimate> {
  const summaries: PlanSummary[] = [];
  const lookUps = config.target.kind === 'server' ? SERVER_LOOK_UPS : undefined;
  for (const plan of plans) {
    const calibrate = calibrator(plan, { config, workers, onStart });
    summaries.push(await summarisePlan(plan, store, { machine: machineOf(config), runs: RUNS, lookUps, calibrate }));
  }
  const all = summaries.flatMap(({ estimators }) => estimators);
  const hours = all.reduce((sum, one) => sum + (one.hours ?? 0), 0);
  const left = all.reduce((sum, { folds, inStore }) => sum + Math.max(0, folds - inStore), 0);
  const side = config.target.kind === 'local' ? Math.max(1, Math.min(workers, left)) : 1;
  const elapsedHours = hours / side;
  if (all.every((one) => one.hours === 0)) return { hours, elapsedHours, text: undefined };
  const most = plans.some(({ spec: { search } }) => search?.racing || search?.algorithm === 'asha') ? 'at most ' : '';
  const beside = side > 1 && hours > MINUTE ? `, ${durationText(elapsedHours)} with ${side} workers` : '';
  const text = `estimated cost: ${most}${durationText(hours)} of training for ${counted(left, 'fold')}${beside}; ${basisText(summaries)}`;
  return { hours, elapsedHours, text };
}

/** Explains what an estimate is based on and how reliable it is. */
export function basisText(summaries: readonly PlanSummary[]): string {
  const all = summaries.flatMap(({ estimators }) => estimators);
  const of = (basis: HoursBasis) => new Set(all.flatMap((one) => (one.basis === basis ? [one.estimator] : [])));
  const names = (set: Set<string>) => [...set].join(', ');
  const unknown = new Set(all.flatMap(({ hours, estimator }) => (hours === null ? [estimator] : [])));
  const parts: string[] = [];
  const [known, measured, others, typical] = (['folds', 'calibration', 'other machines', 'typical'] as const).map(of);
  if (known.size > 0) parts.push(`${names(known)}: median of finished folds`);
  if (measured.size > 0) parts.push(`${names(measured)}: measured on this machine`);
  if (others.size > 0) parts.push(`${names(others)}: folds of other machines`);
  if (typical.size > 0) {
    parts.push(
      `${names(typical)}: typical speed of a CPU core, which may be off by a factor of ${TYPICAL_FACTOR} (a GPU needs less)`,
    );
  }
  if (unknown.size > 0) parts.push(`${names(unknown)}: unknown`);
  return parts.length > 0 ? parts.join('; ') : 'nothing is left to train';
}

/** Formats a duration, such as `1.6 h`, `12 min` or `less than a minute`. */
function durationText(hours: number): string {
  if (hours < MINUTE) return 'less than a minute';
  if (hours < 1) return `about ${Math.round(60 * hours)} min`;
  return `about ${hours.toFixed(hours < 10 ? 1 : 0)} h`;
}

/** Flags that control the confirmation prompt. */
export interface ConfirmOptions {
  /** The command asks for confirmation above this number of hours */
  confirmAbove: number;
  yes: boolean;
  json: boolean;
}

/**
 * Asks on a terminal whether to start a long run. Does not ask if standard input or standard error is not a terminal.
 * @returns whether to start
 */
export async function confirmCost({ elapsedHours }: CostEstimate, options: ConfirmOptions): Promise<boolean> {
  const { confirmAbove, yes, json } = options;
  if (yes || json || !(elapsedHours > confirmAbove)) return true;
  if (!process.stdin.isTTY || !process.stderr.isTTY) return true;
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const stopped = new Promise<string>((resolve) => asking.once('close', () => resolve('')));
    asking.once('SIGINT', () => asking.close());
    const answer = await Promise.race([asking.question('Start? [y/N] '), stopped]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    asking.close();
  }
}
