import type { ClusterView, RunStatus } from '@cryfold/run-control';
import { listen } from './api.js';
import { h, Keyed, percent, say, seconds } from './dom.js';
import { head, labelled, scroll } from './tables.js';
import type { View } from './view.js';

type Worker = ClusterView['workers'][number];

/** A run, with its share of all folds that are training. Undefined if no other run is training any. */
type Shared = RunStatus & { share: number | undefined };

const RUN = ['Run', 'State', 'Folds', 'Time left'];
const WORKER = ['Worker', 'Queues', 'Current work'];
/** Unfinished runs come first. */
const FIRST: Partial<Record<RunStatus['state'], number>> = { running: 0, stopped: 1 };

/** Shows all runs, the queues, and what each worker is doing. */
export function runsView(view: View): () => void {
  const runs = h('tbody');
  const workers = h('tbody');
  const queues = h('p', { class: 'faint' });
  const noRuns = h('p', { class: 'faint' }, 'no runs yet');
  const noWorkers = h('p', { class: 'faint' }, 'no active workers in the last 15 s');
  const runRows = new Keyed<Shared>(runs, runRow);
  const workerRows = new Keyed<Worker>(workers, workerRow);
  view.root.replaceChildren(
    h('h1', {}, 'Runs'),
    scroll('Runs', h('table', { class: 'stack runs' }, head(...RUN), runs)),
    noRuns,
    h('h2', {}, 'Workers'),
    scroll('Workers', h('table', { class: 'stack' }, head(...WORKER), workers)),
    noWorkers,
    queues,
  );
  const known = new Map<string, RunStatus>();
  const show = (cluster: ClusterView) => {
    for (const run of cluster.runs) known.set(run.run, run);
    const order = ({ state }: RunStatus) => FIRST[state] ?? 2;
    runRows.show(
      withShares([...known.values()]).sort((a, b) => order(a) - order(b) || a.run.localeCompare(b.run)),
      ({ run }) => run,
    );
    workerRows.show(cluster.workers, ({ id }) => id);
    noRuns.hidden = known.size > 0;
    noWorkers.hidden = cluster.workers.length > 0;
    const counts = Object.entries(cluster.queues ?? {}).map(
      ([name, { waiting = 0, active = 0, delayed = 0, failed = 0 }]) =>
        `${name}: ${active} active, ${waiting} waiting${delayed ? `, ${delayed} delayed` : ''}${failed ? `, ${failed} failed` : ''}`,
    );
    say(queues, counts.length > 0 ? `Queues · ${counts.join(' · ')}` : '');
    view.ready();
  };
  return listen<ClusterView, ClusterView>('/events', {
    snapshot: (cluster) => {
      known.clear();
      show(cluster);
    },
    change: show,
    connected: view.connected,
    refused: view.refused,
  });
}

function withShares(runs: readonly RunStatus[]): Shared[] {
  const active = runs.reduce((sum, run) => sum + run.active.length, 0);
  return runs.map((run) => {
    const own = run.active.length;
    return { ...run, share: own > 0 && own < active ? own / active : undefined };
  });
}

function runRow({ run }: RunStatus) {
  const state = h('span', { class: 'state' });
  const bar = h('progress', { max: 1, 'aria-label': `finished folds of ${run}` });
  const folds = h('div');
  const left = h('td');
  const link = h('a', { href: `#/runs/${encodeURIComponent(run)}` }, run);
  const element = h(
    'tr',
    {},
    h('th', { scope: 'row', class: 'name' }, link),
    h('td', {}, state),
    h('td', {}, bar, folds),
    left,
  );
  const update = (now: Shared) => {
    say(state, now.state);
    state.dataset.state = now.state;
    bar.hidden = now.damage !== undefined;
    bar.value = now.total > 0 ? now.done / now.total : 0;
    const { code, message, hint = '' } = now.damage ?? {};
    const share = now.share === undefined ? '' : `, ${percent(now.share)} of all training folds`;
    const count = `${now.done} of ${now.total}${now.failed > 0 ? `, ${now.failed} failed` : ''}${share}`;
    say(folds, code === undefined ? count : `${code}: ${message}. ${hint}`);
    say(left, now.state === 'running' && now.etaSeconds !== null ? `about ${seconds(now.etaSeconds)}` : '');
  };
  return { element: labelled(element, RUN), update };
}

function workerRow({ host, pid, queues }: Worker) {
  const work = h('td', { class: 'name' });
  const element = h(
    'tr',
    {},
    h('th', { scope: 'row', class: 'name' }, `${host} ${pid}`),
    h('td', {}, queues.join(', ')),
    work,
  );
  const update = ({ doing }: Worker) => {
    const texts = doing.map(({ run, trial, repeat, fold, fraction }) => {
      const what =
        repeat === undefined ? `preparing ${trial}` : `${trial}, repeat ${repeat} fold ${fold}, ${percent(fraction)}`;
      return `${what} (${run})`;
    });
    say(work, texts.join('; ') || 'idle');
  };
  return { element: labelled(element, WORKER), update };
}
