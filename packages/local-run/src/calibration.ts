import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { cpus, hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contentKey, isObject, VERSION } from '@cryfold/core';
import type { CalibrationTask } from '@cryfold/estimators';
import { featureKindOf } from '@cryfold/features/kinds';
import { featuresOf, type RunPlan, vectorsOf } from '@cryfold/plan';
import type { CalibrationReport, CalibrationRequest } from './calibration-child.js';

const CHILD = fileURLToPath(new URL('./calibration-child.js', import.meta.url));

/**
 * Timeout of a calibration, and the time after which its process does not start another measurement (both in
 * milliseconds).
 */
const LIMIT_MS = 10_000;
const BUDGET_MS = 8500;

export interface CalibrateOptions {
  /** Folder in which measurements are cached for later commands of this user */
  cacheDir: string;
  /**
   * `kept`: use only cached measurements; `missing`: measure whatever is not cached; `all`: measure everything again
   */
  measure: 'kept' | 'missing' | 'all';
  /** Called before measuring */
  onStart?: () => void;
}

/** The part of a plan that a calibration needs. */
export interface Calibrated extends Pick<RunPlan, 'spec'> {
  dataset: Pick<RunPlan['dataset'], 'classes'>;
}

/**
 * Measures how fast this machine trains the estimators of a plan. Trains each of them briefly in a child process, which
 * takes ten seconds in total. The results are cached by machine, cryfold version and everything else on which they
 * depend.
 * @param names names of the plan's estimators
 * @returns for each estimator, the seconds per unit of cost, as defined by the estimator's kind; estimators that could
 * not be measured in time are omitted
 */
export async function calibration(
  plan: Calibrated,
  names: readonly string[],
  { cacheDir, measure, onStart }: CalibrateOptions,
): Promise<Map<string, number>> {
  const folder = join(cacheDir, 'calibration');
  const tasks = names.map((name) => taskOf(plan, name));
  const fileOf = (task: CalibrationTask) => join(folder, `${keyOf(plan, task)}.json`);
  const known = new Map<string, number>();
  if (measure !== 'all') {
    for (const task of tasks) {
      const kept = await readKept(fileOf(task));
      if (kept !== undefined) known.set(task.name, kept);
    }
  }
  const missing = tasks.filter(({ name }) => !known.has(name));
  if (measure === 'kept' || missing.length === 0) return known;
  onStart?.();
  const { threads, xla = false } = plan.spec;
  const found = await measureInChild({ tasks: missing, settings: { threads, xla }, budgetMs: BUDGET_MS });
  for (const task of missing) {
    const secondsPerUnit = found.get(task.name);
    if (secondsPerUnit === undefined) continue;
    known.set(task.name, secondsPerUnit);
    // If caching fails, the next command measures again.
    await keep(folder, fileOf(task), secondsPerUnit).catch(() => {});
  }
  return known;
}

function taskOf({ spec, dataset }: Calibrated, name: string): CalibrationTask {
  const set = featuresOf(spec, name);
  const kind = featureKindOf(set);
  const besides = vectorsOf(spec, name);
  return {
    name,
    estimator: spec.estimators[name],
    shape: kind.shape(set),
    vectors: kind.produces === 'vectors',
    ...(besides && { besides: featureKindOf(besides).shape(besides)[0] }),
    classes: dataset.classes.length,
  };
}

function keyOf({ spec }: Pick<RunPlan, 'spec'>, { name: _, ...task }: CalibrationTask): string {
  const machine = { host: hostname(), processors: cpus().map(({ model }) => model.trim()) };
  const { threads, xla = false } = spec;
  return contentKey({ version: VERSION, machine, threads, xla, gpus: process.env.CUDA_VISIBLE_DEVICES ?? '', ...task });
}

async function readKept(file: string): Promise<number | undefined> {
  try {
    const record: unknown = JSON.parse(await readFile(file, 'utf8'));
    const value = isObject(record) ? record.secondsPerUnit : undefined;
    return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function keep(folder: string, file: string, secondsPerUnit: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const staged = `${file}-${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(staged, JSON.stringify({ secondsPerUnit }));
    await rename(staged, file);
  } finally {
    await rm(staged, { force: true });
  }
}

/** Collects measurements from the child process until it exits or its time is up. */
function measureInChild(request: CalibrationRequest): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const child = fork(CHILD, [JSON.stringify(request)], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  child.on('message', ({ name, secondsPerUnit }: CalibrationReport) => found.set(name, secondsPerUnit));
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    const ended = () => {
      clearTimeout(timer);
      resolve(found);
    };
    child.once('error', ended);
    child.once('exit', ended);
  });
}
