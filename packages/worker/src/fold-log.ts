import type { EpochPoint } from '@cryfold/core';
import type { Logger, RepeatedErrors } from '@cryfold/runtime';

/**
 * Log of one attempt at a fold. Writes each line to the log of the process with run, trial, repeat, fold and attempt,
 * and keeps it for the store. Lines about epochs are only kept for the store, unless the log level is debug.
 */
export class FoldLog {
  readonly #log: Logger;
  readonly #errors: RepeatedErrors;
  readonly #place: object;
  readonly #lines: string[] = [];

  constructor({ log, errors }: { log: Logger; errors: RepeatedErrors }, place: object) {
    this.#log = log.child(place);
    this.#errors = errors;
    this.#place = place;
  }

  info(fields: object, msg: string): void {
    this.#log.info(fields, msg);
    this.#keep('info', fields, msg);
  }

  warn(fields: object, msg: string): void {
    this.#log.warn(fields, msg);
    this.#keep('warn', fields, msg);
  }

  /**
   * Logs that an outage interrupted the attempt. Since outages usually affect other folds as well, repetitions are
   * counted.
   */
  waits(fields: { code: string; error: string }): void {
    const msg = 'attempt interrupted by an outage; waiting';
    this.#errors.warn({ ...this.#place, ...fields }, msg);
    this.#keep('warn', fields, msg);
  }

  epoch(point: EpochPoint): void {
    this.#log.debug(point, 'epoch');
    this.#keep('debug', point, 'epoch');
  }

  /** Returns the log as it is stored: JSON lines, followed by what the training child wrote to standard error. */
  bytes(childOutput: string): Uint8Array {
    return new TextEncoder().encode(this.#lines.join('') + childOutput);
  }

  #keep(level: string, fields: object, msg: string): void {
    this.#lines.push(`${JSON.stringify({ time: new Date().toISOString(), level, ...this.#place, ...fields, msg })}\n`);
  }
}
