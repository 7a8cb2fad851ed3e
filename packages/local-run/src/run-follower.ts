import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError } from '@cryfold/core';
import type { RunResults } from '@cryfold/evaluation';
import type { ClusterStatus } from '@cryfold/run-control';
import type { RunStore } from '@cryfold/store';
import { MissingWorkers } from './missing-workers.js';

/** Milliseconds between messages about why a run is waiting. */
const WAITS_EVERY_MS = 30_000;

/** Shows the progress of a run to the user. */
export interface Display {
  /** Prints a permanent line */
  say(text: string): void;
  /** Replaces the previous progress line */
  update(text: string): void;
}

/** The result of polling a run. */
export interface PollResult {
  state: 'unfinished' | 'ended' | 'cancelled';
  /** Progress as one line; undefined if there is nothing new */
  line?: string | undefined;
  /** Why an operation is being retried, for example because a disk is full */
  waits?: string | undefined;
  /** The state of the cluster. Only some polls set it, and only while the run may have jobs that no worker takes */
  cluster?: Pick<ClusterStatus, 'queues' | 'workers' | 'untakenSeconds'> | undefined;
}

/** A run that other processes execute. */
export interface FollowedRun {
  /** Milliseconds between polls */
  readonly pollMs: number;
  /**
   * @param polls number of previous polls
   * @throws CryfoldError if the run ended with an error, or if its state cannot be determined
   */
  poll(polls: number): Promise<PollResult>;
}

/** Follows runs until their results are in the store, and shows their progress. */
export class RunFollower {
  constructor(
    private readonly store: RunStore,
    private readonly display: Display,
    private readonly stop: AbortSignal,
  ) {}

  /**
   * @returns undefined if following was stopped before the run ended, which does not affect the run
   * @throws CryfoldError CANCELLED if the run was cancelled, or any error that `followed` throws
   */
  async follow(run: string, followed: FollowedRun): Promise<RunResults | undefined> {
    const missing = new MissingWorkers(this.display);
    let lastReport = 0;
    for (let polls = 0; !this.stop.aborted; polls++) {
      const { state, line, cluster, waits } = await followed.poll(polls);
      if (cluster) missing.report(cluster);
      if (waits !== undefined && Date.now() - lastReport >= WAITS_EVERY_MS) {
        lastReport = Date.now();
        this.display.say(`retrying after an error: ${waits}`);
      }
      if (line) this.display.update(line);
      if (state === 'ended') return this.store.runs.results(run);
      if (state === 'cancelled') {
        throw new CryfoldError('CANCELLED', `run ${run} was cancelled`, {
          context: { run },
          hint: `Finished folds are kept. To continue the run, use: cryfold retry ${run}`,
        });
      }
      await sleep(followed.pollMs, undefined, { signal: this.stop }).catch(() => {});
    }
    return undefined;
  }
}
