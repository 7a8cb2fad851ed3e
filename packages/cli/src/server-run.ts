import type { FollowedRun, Look } from '@cryfold/local-run';
import { Patience, type RunControl, type RunStatus } from '@cryfold/run-control';
import { formatSeconds } from './format.js';

/** Looks at a run on which nobody works between looks at the workers. */
const CLUSTER = 10;

/** What a command says when it stops following a server's run. */
export const noLongerFollowing = (run: string): string =>
  `no longer following; run ${run} continues, and the same command follows it again. To stop it: cryfold cancel ${run}`;

/** A run on a server, which may be unreachable for a while. */
export class ServerRun implements FollowedRun {
  readonly pollMs = 1000;
  readonly #patience: Patience;

  constructor(
    private readonly control: Pick<RunControl, 'status' | 'cluster'>,
    private readonly run: string,
  ) {
    this.#patience = new Patience(`Run ${run} continues; the same command follows it.`);
  }

  async look(looks: number): Promise<Look> {
    const status = await this.#patience.ask(() => this.control.status(this.run));
    if (!status) return { state: 'unfinished', line: 'the server does not answer; trying again' };
    const idle = status.state === 'running' && status.active.length === 0;
    const cluster = idle && looks % CLUSTER === 2 ? await this.#patience.ask(() => this.control.cluster()) : undefined;
    return { state: endOf(status), line: line(status), cluster };
  }
}

function endOf({ state }: RunStatus): Look['state'] {
  if (state === 'complete' || state === 'incomplete') return 'ended';
  return state === 'cancelled' ? 'cancelled' : 'unfinished';
}

function line({ done, total, failed, active, etaSeconds }: RunStatus): string {
  const parts = [`${done}/${total} folds`];
  if (failed > 0) parts.push(`${failed} failed`);
  parts.push(`${active.length} running`);
  parts.push(etaSeconds === null ? 'time left not known yet' : `about ${formatSeconds(etaSeconds)} left`);
  return parts.join(' · ');
}
