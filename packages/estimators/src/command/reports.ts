import type { EpochPoint } from '@cryfold/core';
import { z } from 'zod';
import type { EngineContext } from '../engine.js';

/** What a line of JSON on standard output may contain. */
const reportSchema = z.union([
  z.strictObject({ progress: z.number().min(0).max(1) }),
  z.strictObject({ epoch: z.int().min(1), loss: z.number(), accuracy: z.number().min(0).max(1) }),
  z.strictObject({ environment: z.record(z.string().max(100), z.string().max(1000)) }),
]);

/** Progress is reported in steps of a thousandth. */
const STEPS = 1000;

/** Maximum number of characters of a program's output to quote in an error. */
const TAIL = 2000;

/** Maximum number of reports to keep per fold, so that its result stays small no matter what a program prints. */
const MOST_EPOCHS = 10_000;
const MOST_NAMES = 100;

/** Reads the output of a running program. */
export class Reports {
  readonly curve: EpochPoint[] = [];
  environment: Record<string, string> = {};
  /** The end of the program's output, without the lines that are reports */
  tail = '';
  #since = performance.now();
  #trained = false;

  constructor(private readonly observer: Partial<Pick<EngineContext, 'onProgress' | 'onEpoch'>> = {}) {}

  /**
   * Must be called before the program that predicts is started. From then on, errors quote only the output of that
   * program, and reported epochs do not count as training epochs.
   */
  beginPrediction(): void {
    this.tail = '';
    this.#trained = true;
  }

  log(text: string): void {
    this.tail = (this.tail + text).slice(-TAIL);
    process.stderr.write(text);
  }

  /** Handles a report. Any other line goes to the log. */
  take(line: string): void {
    const report = reportOf(line);
    if (!report) this.log(`${line}\n`);
    else if ('progress' in report) this.observer.onProgress?.(Math.round(STEPS * report.progress), STEPS);
    else if ('environment' in report) this.#addEnvironment(report.environment);
    else if (!this.#trained && this.curve.length < MOST_EPOCHS) {
      const now = performance.now();
      const point = { ...report, seconds: (now - this.#since) / 1000 };
      this.#since = now;
      this.curve.push(point);
      this.observer.onEpoch?.(point);
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
