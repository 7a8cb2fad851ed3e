import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError } from '@cryfold/core';
import type { RunResults } from '@cryfold/evaluation';
import type { ClusterStatus } from '@cryfold/run-control';
import type { RunStore } from '@cryfold/store';
import { MissingWorkers } from './missing-workers.js';

/** Milliseconds between two lines that say why a run waits. */
const WAITS_EVERY_MS = 30_000;

/** Shows the user how far a run is. */
export interface Display {
  /** A line that stays */
  say(text: string): void;
  /** A line that replaces the last one given here */
  update(text: string): void;
}

/** What one look at a run found. */
export interface Look {
  state: 'unfinished' | 'ended' | 'cancelled';
  /** How far the run is, in one line; undefined: nothing new to show */
  line?: string | undefined;
  /** Why something failed and is tried again, such as a full disk */
  waits?: string | undefined;
  /** Given now and then while it may be that no worker takes the run's jobs */
  cluster?: Pick<ClusterStatus, 'queues' | 'workers' | 'untakenSeconds'> | undefined;
}

/** A run that somebody else works on. */
export interface FollowedRun {
  /** Milliseconds between looks */
  readonly pollMs: number;
  /**
   * @param looks how many looks there were before this one
   * @throws CryfoldError what ended the run, or why its state is unknown
   */
  look(looks: number): Promise<Look>;
}

/** Follows runs until their results are in the store, and shows their progress. */
export class RunFollower {
  constructor(
    private readonly store: RunStore,
    private readonly display: Display,
    private readonly stop: AbortSignal,
  ) {}

  /**
   * @returns undefined when stopped before the end, which leaves the run as it is
   * @throws CryfoldError CANCELLED where somebody cancelled the run; what `followed` throws
   */
  async follow(run: string, followed: FollowedRun): Promise<RunResults | undefined> {
    const missing = new MissingWorkers(this.display);
    let said = 0;
    for (let looks = 0; !this.stop.aborted; looks++) {
      const { state, line, cluster, waits } = await followed.look(looks);
      if (cluster) missing.tell(cluster);
      if (waits !== undefined && Date.now() - said >= WAITS_EVERY_MS) {
        said = Date.now();
        this.display.say(`waiting, since this failed and is tried again: ${waits}`);
      }
      if (line) this.display.update(line);
      if (state === 'ended') return this.store.runs.results(run);
      if (state === 'cancelled') {
        throw new CryfoldError('CANCELLED', `run ${run} was cancelled`, {
          context: { run },
          hint: `Its finished folds are kept. Continue from there: cryfold retry ${run}`,
        });
      }
      await sleep(followed.pollMs, undefined, { signal: this.stop }).catch(() => {});
    }
    return undefined;
  }
}
