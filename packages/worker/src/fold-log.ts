import type { EpochPoint } from '@cryfold/core';
import type { Logger, RepeatedErrors } from '@cryfold/runtime';

/**
 * What is said about one attempt at a fold. Each line goes to the process's log with run, trial, repeat, fold and attempt,
 * and is kept for the store; epochs are only kept, unless the log's level is debug.
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

  /** The attempt ended by an outage, as those of other folds do meanwhile. */
  waits(fields: { code: string; error: string }): void {
    const msg = 'attempt waits for the end of an outage';
    this.#errors.warn({ ...this.#place, ...fields }, msg);
    this.#keep('warn', fields, msg);
  }

  epoch(point: EpochPoint): void {
    this.#log.debug(point, 'epoch');
    this.#keep('debug', point, 'epoch');
  }

  /** As stored: JSON lines, and then what the training child wrote to its standard error. */
  bytes(childOutput: string): Uint8Array {
    return new TextEncoder().encode(this.#lines.join('') + childOutput);
  }

  #keep(level: string, fields: object, msg: string): void {
    this.#lines.push(`${JSON.stringify({ time: new Date().toISOString(), level, ...this.#place, ...fields, msg })}\n`);
  }
}
