import { ask, type Grid, type GridChange, listen, type RunSummary } from './api.js';
import { confirm } from './confirm.js';
import { h, percent, say, seconds, tell } from './dom.js';
import { showFailures } from './failures.js';
import { showFold } from './fold-view.js';
import { GridView } from './grid.js';
import { SearchView } from './search-view.js';
import { head, labelled, scroll } from './tables.js';
import type { View } from './view.js';

const ENDED = new Set(['complete', 'incomplete']);
const ESTIMATOR = ['Trial', 'Folds', 'Mean accuracy', 'Seconds a fold', 'Parameters'];

/** One run: its state, its folds as they end, its trials, what can be done to it. */
export function runView(view: View, run: string): () => void {
  const path = `/runs/${encodeURIComponent(run)}`;
  const state = h('span', { class: 'state' });
  const bar = h('progress', { max: 1, 'aria-label': 'folds that are done' });
  const folds = h('span');
  const about = h('p', { class: 'faint' });
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const links = h('span', { hidden: true });
  const act = async (verb: 'cancel' | 'retry', question: string, yes: string, no: string) => {
    if (!(await confirm(question, yes, no))) return;
    problem.hidden = true;
    cancel.disabled = true;
    retry.disabled = true;
    await ask(`${path}/${verb}`, 'POST', {}).catch((error) => tell(problem, error));
    cancel.disabled = false;
    retry.disabled = false;
  };
  const cancel = h(
    'button',
    {
      type: 'button',
      class: 'danger',
      onclick: () =>
        act('cancel', `Stop ${run}? What trains now is lost; finished folds are kept.`, 'Stop the run', 'Keep running'),
    },
    'Cancel run…',
  );
  const retry = h(
    'button',
    {
      type: 'button',
      onclick: () =>
        act('retry', `Train the folds of ${run} that are missing or failed again?`, 'Train them', 'Leave it as it is'),
    },
    'Retry…',
  );
  const trials = h('tbody');
  const search = h('div');
  const cells = h('div');
  const failures = h('section', { 'aria-label': 'Failures', hidden: true });
  const artifact = (name: string) =>
    h('a', { href: `/api/v1/artifacts/runs/${encodeURIComponent(run)}/${name}` }, name);
  links.append(
    h('a', { href: `/api/v1${path}/report.html`, target: '_blank', rel: 'noopener' }, 'Report'),
    ' · ',
    artifact('results.json'),
    ' · ',
    artifact('out-of-fold.csv'),
  );
  const title = h('h2', {}, 'Trials');
  const estimators = h(
    'section',
    {},
    title,
    scroll('Estimators', h('table', { class: 'stack' }, head(...ESTIMATOR), trials)),
  );
  view.root.replaceChildren(h('h1', {}, run), h('p', { class: 'faint' }, 'looking…'));
  // Nothing that can be pressed before it is known that there is such a run
  const parts = [
    h('h1', {}, run),
    h('div', { class: 'actions' }, state, bar, folds),
    about,
    problem,
    h('div', { class: 'actions' }, cancel, retry, links, artifact('plan.json')),
    failures,
    search,
    h('h2', {}, 'Folds'),
    legend(),
    cells,
    estimators,
  ];
  let grid: Grid | undefined;
  let drawn: GridView | undefined;
  let searched: SearchView | undefined;
  const showStatus = (status: RunSummary) => {
    say(state, status.state);
    state.dataset.state = status.state;
    bar.value = status.total > 0 ? status.done / status.total : 0;
    const left =
      status.state === 'running' && status.etaSeconds !== null ? `, about ${seconds(status.etaSeconds)} left` : '';
    say(folds, `${status.done} of ${status.total} folds${status.failed > 0 ? `, ${status.failed} failed` : ''}${left}`);
    const operator = view.session.role === 'operate';
    cancel.hidden = !operator || ENDED.has(status.state) || status.state === 'cancelled';
    retry.hidden = !operator || status.state === 'complete' || status.state === 'running';
    links.hidden = !ENDED.has(status.state);
  };
  return listen<Grid, GridChange>(`/events?run=${encodeURIComponent(run)}`, {
    snapshot: (all) => {
      if (!grid) view.root.replaceChildren(...parts);
      grid = all;
      const { splitter, folds: k, repeats } = all.protocol;
      say(
        about,
        `${all.dataset.name}: ${all.dataset.clips} clips, ${all.dataset.classes.length} classes · ${splitter}, ${repeats} × ${k} folds`,
      );
      drawn = new GridView(cells, all, (place) => void showFold(run, all, place));
      searched = all.search ? new SearchView(search, all.search) : undefined;
      say(title, all.search ? 'Estimators that are not searched' : 'Trials');
      estimators.hidden = all.search?.fixed.length === 0;
      showStatus(all.status);
      showFailures(failures, all);
      showTrials(trials, all);
      view.ready();
    },
    change: ({ status, cells: changed, search: rows, failures: why }) => {
      if (!grid || !drawn) return;
      const end = grid.status.state !== status.state;
      grid.status = status;
      for (const [i, ...cell] of changed) grid.cells[i] = cell;
      drawn.update(changed.map(([i]) => i));
      showStatus(status);
      if (why) {
        grid.failures = why;
        drawn.explain();
        showFailures(failures, grid);
      }
      if (changed.length > 0 || end) showTrials(trials, grid);
      if (rows) searched?.update(rows);
    },
    connected: view.connected,
    refused: view.refused,
  });
}

function legend(): HTMLElement {
  const item = (code: number, text: string) => {
    const cell = h('span', { class: 'cell', 'data-state': code, 'aria-hidden': 'true' });
    if (code === 1) cell.style.setProperty('--share', '0.5');
    return h('li', {}, cell, ` ${text}`);
  };
  return h('ul', { class: 'legend' }, item(0, 'waiting'), item(1, 'training'), item(2, 'done'), item(3, 'failed'));
}

/** Estimators; those of a sweep that are not searched. */
function showTrials(body: HTMLElement, { status, trials, places, cells, search }: Grid): void {
  const columns = ESTIMATOR.map((name, i) => (i === 2 && !ENDED.has(status.state) ? `${name} so far` : name));
  const titles = body.parentElement?.querySelectorAll('thead th') ?? [];
  for (const [i, title] of titles.entries()) say(title, columns[i]);
  const sums = trials.map(() => ({ total: 0, done: 0, failed: 0, accuracy: 0, known: 0, seconds: 0, timed: 0 }));
  for (const [i, [trial, , , shuffle]] of places.entries()) {
    if (shuffle !== null) continue;
    const sum = sums[trial];
    const [state, , accuracy, took] = cells[i];
    sum.total++;
    if (state === 3) sum.failed++;
    if (state !== 2) continue;
    sum.done++;
    if (accuracy !== null) {
      sum.accuracy += accuracy;
      sum.known++;
    }
    if (took !== null) {
      sum.seconds += took;
      sum.timed++;
    }
  }
  const shown = [...trials.keys()].filter((t) => !search || search.fixed.includes(trials[t].name));
  for (const [r, t] of shown.entries()) {
    const { name, parameters } = trials[t];
    const row =
      body.children[r] ??
      body.appendChild(
        h(
          'tr',
          {},
          h('th', { scope: 'row', class: 'name' }, name),
          h('td'),
          h('td'),
          h('td'),
          h('td', { class: 'name faint' }),
        ),
      );
    labelled(row as HTMLElement, columns);
    const { total, done, failed, accuracy, known, seconds: all, timed } = sums[t];
    say(row.children[1], `${done} of ${total}${failed > 0 ? `, ${failed} failed` : ''}`);
    say(row.children[2], known > 0 ? percent(accuracy / known) : '–');
    say(row.children[3], timed > 0 ? (all / timed).toFixed(1) : '–');
    const settings = Object.entries(parameters).map(
      ([key, value]) => `${key} ${Array.isArray(value) ? value.join('-') : value}`,
    );
    say(row.children[4], settings.join(', '));
  }
}
