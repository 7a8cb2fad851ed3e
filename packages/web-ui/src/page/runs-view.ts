import type { ClusterView, ListedModels, ListedVersion, RunStatus } from '@cryfold/run-control';
import { ask, listen } from './api.js';
import { h, percent, say, seconds, showError } from './dom.js';
import { type Column, Table } from './table.js';
import { dateText, protocolText, rank, scoreText, titleOf } from './text.js';
import type { View } from './view.js';

type Worker = ClusterView['workers'][number];

/**
 * A run, and its share of the folds that are currently being trained; the share is undefined if no other run is
 * training folds.
 */
type Shared = RunStatus & { share: number | undefined };

/** Milliseconds between refreshes of the final models. */
const MODELS_MS = 30_000;
/** Unfinished runs come first. */
const FIRST: Partial<Record<RunStatus['state'], number>> = { running: 0, stopped: 1 };

const leaksText = ({ inflated }: { inflated?: boolean }) => (inflated ? ', inflated by leaks' : '');
const dateOf = ({ ended, created }: RunStatus) => ended ?? created ?? '';

const RUNS: readonly Column<Shared>[] = [
  { name: 'Run', kind: 'name', show: showLink, key: ({ run }) => run },
  { name: 'State', show: showState, key: ({ state }) => state },
  { name: 'Folds', show: showFolds, key: ({ done, total }) => (total > 0 ? done / total : 0), descends: true },
  {
    name: 'Date (UTC)',
    kind: 'when',
    text: (run) => dateText(dateOf(run)),
    key: (run) => dateOf(run) || null,
    descends: true,
  },
  { name: 'Dataset', kind: 'wrap', text: ({ dataset = '' }) => dataset, key: ({ dataset }) => dataset ?? null },
  {
    name: 'Protocol',
    text: ({ protocol }) => (protocol ? protocolText(protocol) : ''),
    key: ({ protocol }) => (protocol ? protocolText(protocol) : null),
  },
  {
    name: 'Score',
    kind: 'score',
    text: ({ metric, score }) =>
      metric && score ? `${scoreText(metric, score.mean)} (${score.model})${leaksText(score)}` : '',
    key: ({ metric, score }) => (metric && score ? rank(metric, score.mean) : null),
    group: ({ metric }) => (metric ? titleOf(metric) : ''),
    descends: true,
  },
  { name: 'Version', text: ({ version }) => version ?? '', key: ({ version }) => version ?? null },
];

const WORKERS: readonly Column<Worker>[] = [
  { name: 'Worker', kind: 'name', text: ({ host, pid }) => `${host} ${pid}`, key: ({ host, pid }) => `${host} ${pid}` },
  { name: 'Queues', text: ({ queues }) => queues.join(', '), key: ({ queues }) => queues.join() },
  { name: 'Current work', kind: 'name', text: ({ doing }) => doing.map(workText).join('; ') || 'idle' },
];

const MODELS: readonly Column<ListedVersion>[] = [
  { name: 'Model', kind: 'name', text: ({ name, version }) => `${name}@${version}`, key: ({ name }) => name },
  { name: 'Champion', text: ({ champion }) => (champion ? 'champion' : ''), key: ({ champion }) => (champion ? 0 : 1) },
  { name: 'Date (UTC)', text: ({ created }) => dateText(created), key: ({ created }) => created, descends: true },
  {
    name: 'Dataset',
    kind: 'wrap',
    text: ({ dataset, clips }) => `${dataset}, ${clips} ${clips === 1 ? 'clip' : 'clips'}`,
    key: ({ dataset }) => dataset,
  },
  { name: 'Refitted', text: ({ of }) => of, key: ({ of }) => of },
  {
    name: 'Protocol',
    text: ({ protocol }) => (protocol ? protocolText(protocol) : ''),
    key: ({ protocol }) => (protocol ? protocolText(protocol) : null),
  },
  {
    name: 'Score',
    text: ({ score }) => (score ? `${scoreText(score.metric, score.mean)}${leaksText(score)}` : ''),
    key: ({ score }) => (score ? rank(score.metric, score.mean) : null),
    group: ({ score }) => (score ? titleOf(score.metric) : ''),
    descends: true,
  },
  { name: 'Version', text: ({ cryfold }) => cryfold, key: ({ cryfold }) => cryfold },
];

/** A heading and a table. As long as the table has no rows, a sentence is shown instead. */
class Section<T> {
  readonly #table: Table<T>;
  readonly #note = h('p', { class: 'faint' }, 'Loading…');
  readonly #empty: readonly (string | Node)[];
  readonly parts: HTMLElement[];

  constructor(heading: HTMLElement, table: Table<T>, empty: readonly (string | Node)[]) {
    this.#table = table;
    this.#empty = empty;
    table.element.hidden = true;
    this.parts = [heading, table.element, this.#note];
  }

  show(rows: readonly T[]): void {
    this.#table.show(rows);
    this.#table.element.hidden = rows.length === 0;
    this.#note.hidden = rows.length > 0;
    this.#note.replaceChildren(...this.#empty);
  }

  /** Shows an error. Rows that are already shown remain visible. */
  fail({ message }: Error): void {
    this.#note.hidden = false;
    say(this.#note, `${this.#table.element.hidden ? 'Cannot be shown' : 'Cannot be updated'}: ${message}`);
  }
}

/** Shows all runs, the current work of each worker, the queues and the final models. */
export function runsView(view: View): () => void {
  const code = (command: string) => h('code', {}, command);
  const runs = new Section(h('h1', {}, 'Runs'), new Table('Runs', RUNS, ({ run }) => run, 'runs'), [
    ...['No runs yet. Start one: ', code('cryfold run SPEC --data FOLDER')],
  ]);
  const workers = new Section(h('h2', {}, 'Workers'), new Table('Workers', WORKERS, ({ id }) => id), [
    ...['No worker has reported in the last 15 s. Start one: ', code('cryfold worker')],
  ]);
  const keyOf = ({ name, version }: ListedVersion) => `${name}@${version}`;
  const models = new Section(h('h2', {}, 'Final models'), new Table('Final models', MODELS, keyOf), [
    ...['No final models yet. Refit the best model of a finished run on all data: ', code('cryfold train-final RUN')],
  ]);
  const damaged = h('div');
  const queues = h('p', { class: 'faint' });
  view.root.replaceChildren(...runs.parts, ...workers.parts, queues, ...models.parts, damaged);
  const known = new Map<string, RunStatus>();
  const show = (cluster: ClusterView) => {
    for (const run of cluster.runs) known.set(run.run, run);
    const order = ({ state }: RunStatus) => FIRST[state] ?? 2;
    runs.show(
      withShares([...known.values()]).sort((a, b) => order(a) - order(b) || dateOf(b).localeCompare(dateOf(a))),
    );
    workers.show(cluster.workers);
    say(queues, queuesText(cluster));
    view.ready();
  };
  const showModels = () =>
    ask<ListedModels>('/models').then(
      ({ versions, damaged: records }) => {
        models.show(versions);
        damaged.replaceChildren(...records.map(damageOf));
      },
      (error) => models.fail(error),
    );
  void showModels();
  const timer = setInterval(() => void showModels(), MODELS_MS);
  const leave = listen<ClusterView, ClusterView>('/events', {
    snapshot: (cluster) => {
      known.clear();
      show(cluster);
    },
    change: show,
    connected: view.connected,
    refused: view.refused,
  });
  return () => {
    clearInterval(timer);
    leave();
  };
}

function damageOf({ name, code, message, hint = '' }: ListedModels['damaged'][number]): HTMLElement {
  return showError(h('p', { class: 'problem' }), { message: `${name} is damaged: ${code}: ${message}`, hint });
}

function withShares(runs: readonly RunStatus[]): Shared[] {
  const active = runs.reduce((sum, run) => sum + run.active.length, 0);
  return runs.map((run) => {
    const own = run.active.length;
    return { ...run, share: own > 0 && own < active ? own / active : undefined };
  });
}

function showLink(cell: HTMLElement, { run }: RunStatus): void {
  if (!cell.firstChild) cell.append(h('a', { href: `#/runs/${encodeURIComponent(run)}` }, run));
}

/** Shows a state with its colour. */
export function showState(cell: HTMLElement, { state }: { state: string }): void {
  const shown = cell.firstElementChild ?? cell.appendChild(h('span', { class: 'state' }));
  say(shown, state);
  shown.setAttribute('data-state', state.toLowerCase());
}

function showFolds(cell: HTMLElement, now: Shared): void {
  if (!cell.firstChild) {
    cell.append(h('progress', { max: 1, 'aria-label': `finished folds of ${now.run}` }), h('div'));
  }
  const [bar, text] = cell.children as unknown as [HTMLProgressElement, HTMLElement];
  bar.hidden = now.damage !== undefined;
  bar.value = now.total > 0 ? now.done / now.total : 0;
  say(text, foldsText(now));
}

function foldsText({ damage, done, total, failed, share, state, etaSeconds }: Shared): string {
  if (damage) return `${damage.code}: ${damage.message}. ${damage.hint ?? ''}`;
  const left = state === 'running' && etaSeconds !== null ? [`about ${seconds(etaSeconds)} left`] : [];
  const lost = failed > 0 ? [`${failed} failed`] : [];
  const shares = share === undefined ? [] : [`${percent(share)} of all training folds`];
  return [`${done} of ${total}`, ...lost, ...left, ...shares].join(', ');
}

function workText({ run, trial, repeat, fold, fraction }: Worker['doing'][number]): string {
  const what =
    repeat === undefined ? `preparing ${trial}` : `${trial}, repeat ${repeat} fold ${fold}, ${percent(fraction)}`;
  return `${what} (${run})`;
}

function queuesText({ queues }: ClusterView): string {
  const counts = Object.entries(queues ?? {}).map(
    ([name, { waiting = 0, active = 0, delayed = 0, failed = 0 }]) =>
      `${name}: ${active} active, ${waiting} waiting${delayed ? `, ${delayed} delayed` : ''}${failed ? `, ${failed} failed` : ''}`,
  );
  return counts.length > 0 ? `Queues · ${counts.join(' · ')}` : '';
}
