import { setTimeout as sleep } from 'node:timers/promises';
import type { RunStore } from '@cryfold/artifacts';
import { type HttpControl, Patience, type RunStatus } from '@cryfold/control';
import { CryfoldError } from '@cryfold/core';
import type { RunResults } from '@cryfold/evaluation';
import { formatSeconds } from './format.js';
import { MissingWorkers } from './missing-workers.js';
import type { ProgressDisplay } from './progress.js';

/** Milliseconds between looks at a server's run. */
const POLL = 1000;
/** Looks at a run on which nobody works between looks at the workers. */
const CLUSTER = 10;

/** What to tell whoever stops following a server's run. */
export const noLongerFollowing = (run: string): string =>
  `no longer following; run ${run} goes on, cryfold cancel ${run} stops it, the same command follows it again`;

/** Follows a server's run until its results are there; undefined when stopped, which leaves the run going on. */
export async function followServer(
  server: HttpControl,
  store: RunStore,
  run: string,
  display: ProgressDisplay,
  stop: AbortSignal,
): Promise<RunResults | undefined> {
  const patience = new Patience(`Run ${run} goes on; the same command follows it.`);
  const missing = new MissingWorkers(display);
  for (let looks = 0; !stop.aborted; looks++) {
    const status = await patience.ask(() => server.status(run));
    if (!status) {
      display.update('the server does not answer; trying again');
      await sleep(POLL, undefined, { signal: stop }).catch(() => {});
      continue;
    }
    if (status.state === 'running' && status.active.length === 0 && looks % CLUSTER === 2) {
      const cluster = await patience.ask(() => server.cluster());
      if (cluster) missing.tell(cluster);
    }
    display.update(line(status));
    if (status.state === 'complete' || status.state === 'incomplete') return store.runs.results(run);
    if (status.state === 'cancelled') {
      throw new CryfoldError('CANCELLED', `run ${run} was cancelled`, {
        context: { run },
        hint: `Its finished folds are kept; cryfold retry ${run} goes on from there.`,
      });
    }
    await sleep(POLL, undefined, { signal: stop }).catch(() => {});
  }
  return undefined;
}

function line({ done, total, failed, active, etaSeconds }: RunStatus): string {
  const parts = [`${done}/${total} folds`];
  if (failed > 0) parts.push(`${failed} failed`);
  parts.push(`${active.length} running`);
  parts.push(etaSeconds === null ? 'time left not known yet' : `about ${formatSeconds(etaSeconds)} left`);
  return parts.join(' · ');
}
