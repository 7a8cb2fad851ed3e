import { type Checkpoint, type Estimator, kindOf } from '@cryfold/estimators';
import type { Logger } from '@cryfold/runtime';

/**
 * Compares the duration of work with the grace period of a stopping worker. On a machine that is drained frequently,
 * work that takes longer than the grace period never finishes unless it resumes from checkpoints.
 */
export class GracePeriod {
  readonly seconds: number;
  readonly #log: Logger;
  readonly #warned = new Set<string>();

  /** @param seconds grace period; infinite for a worker that is never drained */
  constructor(seconds: number, log: Logger) {
    this.seconds = seconds;
    this.#log = log;
  }

  /**
   * Returns where and when the training should save checkpoints.
   * @param each whether to save a checkpoint after every epoch; if false, saves one only if the fold takes longer than
   * the grace period
   * @returns undefined for an estimator without epochs
   */
  checkpoint(key: string, estimator: Estimator, each: boolean): Checkpoint | undefined {
    if (!kindOf(estimator).epochs || !(each || Number.isFinite(this.seconds))) return undefined;
    return each ? { key } : { key, afterSeconds: this.seconds };
  }

  /**
   * Warns once per trial of a run if work takes longer than the grace period.
   * @param seconds duration of the work, or the time until it was interrupted
   */
  measured(place: { run: string; trial: string }, seconds: number, estimator: Estimator): void {
    const name = `${place.run} ${place.trial}`;
    if (seconds <= this.seconds || this.#warned.has(name)) return;
    this.#warned.add(name);
    const { run, trial } = place;
    const fields = { run, trial, seconds: Math.round(seconds), graceSeconds: this.seconds };
    const text = kindOf(estimator).epochs
      ? 'training takes longer than the grace period; saving checkpoints, so that interrupted work resumes'
      : 'training takes longer than the grace period and restarts when interrupted; raise CRYFOLD_GRACE_SECONDS';
    this.#log.warn(fields, text);
  }
}
