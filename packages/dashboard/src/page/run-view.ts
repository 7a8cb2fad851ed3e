import { ask, type Grid, type GridChange, listen, type RunSummary } from './api.js';
import { confirm } from './confirm.js';
import { h, percent, say, seconds } from './dom.js';
import { showFold } from './fold-view.js';
import { GridView } from './grid.js';
import type { View } from './main.js';
import { head, scroll } from './runs-view.js';
import { SearchView } from './search-view.js';

const ENDED = new Set(['complete', 'incomplete']);

/** One run: its state, its folds as they end, its trials, what can be done to it. */
export function runView(view: View, run: string): () => void {
  const path = `/runs/${encodeURIComponent(run)}`;
  const state = h('span', { class: 'state' });
  const bar = h('progress', { max: 1, 'aria-label': 'folds that are done' });
  const folds = h('span');
  const about = h('p', { class: 'faint' });
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const links = h('span', { hidden: true });
  const act = async (verb: string, question: string) => {
    if (!(await confirm(question, verb))) return;
    problem.hidden = true;
    cancel.disabled = true;
    retry.disabled = true;
    await ask(`${path}/${verb.toLowerCase()}`, 'POST', {}).catch((error) => {
      problem.hidden = false;
      say(problem, error.message);
    });
    cancel.disabled = false;
    retry.disabled = false;
  };
  const cancel = h(
    'button',
    {
      type: 'button',
      class: 'danger',
      onclick: () => act('Cancel', `Stop ${run}? What trains now is lost; finished folds are kept.`),
    },
    'Cancel run…',
  );
  const retry = h(
    'button',
    { type: 'button', onclick: () => act('Retry', `Try the folds of ${run} that are missing or failed again?`) },
    'Retry…',
  );
  const trials = h('tbody');
  const search = h('div');
  const cells = h('div');
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
    scroll(
      'Estimators',
      h('table', {}, head('Trial', 'Folds', 'Mean accuracy so far', 'Seconds a fold', 'Parameters'), trials),
    ),
  );
  view.root.replaceChildren(
    h('h1', {}, run),
    h('div', { class: 'actions' }, state, bar, folds),
    about,
    problem,
    h('div', { class: 'actions' }, cancel, retry, links, artifact('plan.json')),
    search,
    h('h2', {}, 'Folds'),
    legend(),
    cells,
    estimators,
  );
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
  const end = listen<Grid, GridChange>(`/events?run=${encodeURIComponent(run)}`, {
    snapshot: (all) => {
      grid = all;
      const { splitter, folds: k, repeats } = all.protocol;
      say(
        about,
        `${all.dataset.name}: ${all.dataset.clips} clips, ${all.dataset.classes.length} classes · ${splitter}, ${repeats} × ${k} folds`,
      );
      drawn = new GridView(cells, all, (place) => void showFold(run, all.trials[place[0]].name, place));
      searched = all.search ? new SearchView(search, all.search) : undefined;
      say(title, all.search ? 'Estimators that are not searched' : 'Trials');
      estimators.hidden = all.search?.fixed.length === 0;
      showStatus(all.status);
      showTrials(trials, all);
      view.ready();
    },
    change: ({ status, cells: changed, search: rows }) => {
      if (!grid || !drawn) return;
      for (const [i, ...cell] of changed) grid.cells[i] = cell;
      drawn.update(changed.map(([i]) => i));
      showStatus(status);
      if (changed.length > 0) showTrials(trials, grid);
      if (rows) searched?.update(rows);
    },
    connected: view.connected,
  });
  return end;
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
function showTrials(body: HTMLElement, { trials, places, cells, search }: Grid): void {
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
