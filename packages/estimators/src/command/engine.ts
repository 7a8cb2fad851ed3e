import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CryfoldError, type EpochPoint, escapeControls } from '@cryfold/core';
import { z } from 'zod';
import type { Engine, EngineContext, EngineSettings, Fold, FoldOutcome } from '../engine.js';
import { programEnvironment } from './environment.js';
import { FoldFolder } from './fold-folder.js';
import type { Command } from './parameters.js';
import { type GroupEnd, ProcessGroup } from './process-group.js';

/** What a line of JSON on standard output may say. */
const reportSchema = z.union([
  z.strictObject({ progress: z.number().min(0).max(1) }),
  z.strictObject({ epoch: z.int().min(1), loss: z.number(), accuracy: z.number().min(0).max(1) }),
  z.strictObject({ environment: z.record(z.string().max(100), z.string().max(1000)) }),
]);

/** Progress counts in steps of a thousandth. */
const STEPS = 1000;

/** Runs a program of the user's for each fold. */
export class CommandEngine implements Engine<Command> {
  constructor(private readonly settings: EngineSettings) {}

  async fit(fold: Fold<Command>, context: EngineContext): Promise<FoldOutcome> {
    // What ends this process removes folders of this name: BoundedChild.
    const token = process.env.CRYFOLD_CHILD ?? process.pid.toString(16).padStart(16, '0');
    const folder = await mkdtemp(join(tmpdir(), `cryfold-command-${token}-`));
    try {
      return await this.#fitIn(new FoldFolder(folder, fold, context), fold.parameters, context);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #fitIn(folder: FoldFolder, parameters: Command, context: EngineContext): Promise<FoldOutcome> {
    await folder.write(this.settings.threads);
    const reports = new Reports(context);
    const memoryMb = parameters.memoryMb ?? this.settings.maxMemoryMb ?? Number.POSITIVE_INFINITY;
    const group = new ProcessGroup(parameters.run, {
      folder: folder.path,
      environment: programEnvironment(process.env, folder.path, this.settings),
      timeoutMs: parameters.timeoutMinutes * 60_000,
      memoryMb,
      onLine: (line) => reports.take(line),
      onError: (text) => reports.log(text),
    });
    // Where this process ends before the program does, as when its worker is gone. If it is killed, its worker does the same.
    const endBoth = () => {
      group.kill();
      rmSync(folder.path, { recursive: true, force: true });
    };
    context.onGroup?.(group.id);
    process.once('exit', endBoth);
    const end = await group
      .end()
      .catch((cause) => {
        throw notStarted(parameters, cause);
      })
      .finally(() => {
        process.off('exit', endBoth);
        context.onGroup?.(undefined);
      });
    checkEnd(end, { ...parameters, memoryMb }, reports.tail);
    return {
      ...(await folder.read()),
      curve: reports.curve,
      environment: {
        ...reports.environment,
        ...(end.peakMb > 0 && { 'peak memory, MiB': end.peakMb.toFixed(0) }),
      },
    };
  }
}

/** Characters of a program's output that an error quotes. */
const TAIL = 2000;

/** Reports that are kept of a fold: its result must stay small, whatever a program prints. */
const MOST_EPOCHS = 10_000;
const MOST_NAMES = 100;

/** What a program says while it runs. */
class Reports {
  readonly curve: EpochPoint[] = [];
  environment: Record<string, string> = {};
  /** The end of what it wrote, besides reports */
  tail = '';
  #since = performance.now();

  constructor(private readonly observer: Pick<EngineContext, 'onProgress' | 'onEpoch'>) {}

  log(text: string): void {
    this.tail = (this.tail + text).slice(-TAIL);
    process.stderr.write(text);
  }

  /** Takes a report; any other line goes to the log. */
  take(line: string): void {
    const report = reportOf(line);
    if (!report) this.log(`${line}\n`);
    else if ('progress' in report) this.observer.onProgress(Math.round(STEPS * report.progress), STEPS);
    else if ('environment' in report) this.#addEnvironment(report.environment);
    else if (this.curve.length < MOST_EPOCHS) {
      const now = performance.now();
      const point = { ...report, seconds: (now - this.#since) / 1000 };
      this.#since = now;
      this.curve.push(point);
      this.observer.onEpoch(point);
    }
  }

  #addEnvironment(values: Record<string, string>): void {
    const all = Object.entries({ ...this.environment, ...values });
    this.environment = Object.fromEntries(all.slice(0, MOST_NAMES));
  }
}

function reportOf(line: string): z.infer<typeof reportSchema> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return reportSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function notStarted({ run }: Command, cause: NodeJS.ErrnoException): CryfoldError {
  const why = cause.code === 'ENOENT' ? 'there is no such program on this worker' : cause.message;
  return new CryfoldError('COMMAND_NOT_FOUND', `${run[0]}: ${why}`, {
    cause,
    context: { program: run[0] },
    hint: 'Install the program on every worker that runs commands, or correct run in the spec. A file of the spec is run as ./NAME.',
  });
}

function checkEnd({ code, signal, ended, peakMb }: GroupEnd, parameters: Command, tail: string): void {
  const { run, timeoutMinutes, memoryMb } = parameters;
  const program = run.join(' ');
  if (ended === 'timeout') {
    throw new CryfoldError('COMMAND_TIMEOUT', `${program}: still running after ${timeoutMinutes} minutes`, {
      context: { program, timeoutMinutes },
      hint: 'Raise timeoutMinutes of the estimator, or make its folds shorter; finished folds are kept.',
    });
  }
  if (ended === 'memory' || signal === 'SIGKILL') {
    const why = ended
      ? `used ${peakMb.toFixed(0)} MiB of memory and may use ${memoryMb} MiB`
      : 'was killed (SIGKILL), most likely because the machine ran out of memory';
    throw new CryfoldError('OUT_OF_MEMORY', `${program}: ${why}`, {
      context: { program },
      hint: 'Raise memoryMb of the estimator, run fewer training processes on this machine, or make the program smaller.',
    });
  }
  if (code === 0) return;
  const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
  const last = escapeControls(tail.trim().split('\n').at(-1) ?? '').slice(0, 300);
  throw new CryfoldError('COMMAND_FAILED', `${program}: ${how}${last && `: ${last}`}`, {
    context: { program, ...(code === null ? {} : { code }) },
    hint: 'Read all that it wrote with cryfold logs RUN.',
  });
}
