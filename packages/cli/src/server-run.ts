import type { FollowedRun, PollResult } from '@cryfold/local-run';
import { Patience, type RunControl, type RunStatus } from '@cryfold/run-control';
import { formatSeconds } from './format.js';

/** While no fold of the run is active, every tenth poll checks for workers. */
const CLUSTER = 10;

/** Printed when a command stops following a run on a server. */
export const noLongerFollowing = (run: string): string =>
  `no longer following; run ${run} continues on the server. Run the same command again to follow it, or stop it: cryfold cancel ${run}`;

/** A run on a server. The server may be unreachable for a while. */
export class ServerRun implements FollowedRun {
  readonly pollMs = 1000;
  readonly #patience: Patience;

  constructor(
    private readonly control: Pick<RunControl, 'status' | 'cluster'>,
    private readonly run: string,
  ) {
    this.#patience = new Patience(`Run ${run} continues on the server. Run the same command again to follow it.`);
  }

  async poll(polls: number): Promise<PollResult> {
    const status = await this.#patience.ask(() => this.control.status(this.run));
    if (!status) return { state: 'unfinished', line: 'the server does not respond; retrying' };
    const idle = status.state === 'running' && status.active.length === 0;
    const cluster = idle && polls % CLUSTER === 2 ? await this.#patience.ask(() => this.control.cluster()) : undefined;
    return { state: endOf(status), line: line(status), cluster };
  }
}

function endOf({ state }: RunStatus): PollResult['state'] {
  if (state === 'complete' || state === 'incomplete') return 'ended';
  return state === 'cancelled' ? 'cancelled' : 'unfinished';
}

function line({ done, total, failed, active, etaSeconds }: RunStatus): string {
  const parts = [`${done}/${total} folds`];
  if (failed > 0) parts.push(`${failed} failed`);
  parts.push(`${active.length} running`);
  parts.push(etaSeconds === null ? 'time left unknown' : `about ${formatSeconds(etaSeconds)} left`);
  return parts.join(' · ');
}
