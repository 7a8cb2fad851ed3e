import { type Checkpoint, type Estimator, kindOf } from '@cryfold/estimators';
import type { Logger } from '@cryfold/runtime';

/**
 * Compares how long work takes with what a stopping worker lets it run on. Work that takes longer never ends on a machine
 * that is drained again and again, unless it resumes.
 */
export class GracePeriod {
  readonly seconds: number;
  readonly #log: Logger;
  readonly #warned = new Set<string>();

  /** @param seconds infinite for a worker that is never drained */
  constructor(seconds: number, log: Logger) {
    this.seconds = seconds;
    this.#log = log;
  }

  /**
   * Where training keeps its epochs' states.
   * @param each whether each epoch is wanted; otherwise only where the fold would take longer than the grace period
   * @returns undefined for an estimator without epochs
   */
  checkpoint(key: string, estimator: Estimator, each: boolean): Checkpoint | undefined {
    if (!kindOf(estimator).epochs || !(each || Number.isFinite(this.seconds))) return undefined;
    return each ? { key } : { key, afterSeconds: this.seconds };
  }

  /**
   * Warns, once for each trial of a run, of work that takes longer than the grace period.
   * @param seconds how long it takes, or has taken until it was given back
   */
  measured(place: { run: string; trial: string }, seconds: number, estimator: Estimator): void {
    const name = `${place.run} ${place.trial}`;
    if (seconds <= this.seconds || this.#warned.has(name)) return;
    this.#warned.add(name);
    const { run, trial } = place;
    const fields = { run, trial, seconds: Math.round(seconds), graceSeconds: this.seconds };
    const text = kindOf(estimator).epochs
      ? 'training takes longer than the grace period: epochs are kept, and interrupted work resumes'
      : 'training takes longer than the grace period: interrupted work starts again; raise CRYFOLD_GRACE_SECONDS';
    this.#log.warn(fields, text);
  }
}
