import type { Grid, GridChange, GridStatus } from '@cryfold/run-control';
import { ask, listen } from './api.js';
import { confirm } from './confirm.js';
import { h, say, seconds, showError } from './dom.js';
import { showFailures } from './failures.js';
import { showFold } from './fold-view.js';
import { GridView } from './grid.js';
import { SearchView } from './search-view.js';
import { ENDED, TrialsTable } from './trials-table.js';
import type { View } from './view.js';

/** Shows one run: its state, folds, trials and actions. */
export function runView(view: View, run: string): () => void {
  view.root.replaceChildren(h('h1', {}, run), h('p', { class: 'faint' }, 'Loading…'));
  const page = new RunPage(view, run);
  return listen<Grid, GridChange>(`/events?run=${encodeURIComponent(run)}`, {
    snapshot: (all) => page.show(all),
    change: (change) => page.update(change),
    connected: view.connected,
    refused: view.refused,
  });
}

/**
 * The page of a run. The page appears with the first snapshot, because only then is it known whether the run exists.
 */
class RunPage {
  readonly #view: View;
  readonly #run: string;
  readonly #status: StatusLine;
  readonly #about = h('p', { class: 'faint' });
  readonly #verdict = h('p', { class: 'verdict', hidden: true });
  readonly #warning = h('div', { class: 'problem', role: 'note', hidden: true });
  readonly #failures = h('section', { 'aria-label': 'Failures', hidden: true });
  readonly #search = h('div');
  readonly #cells = h('div');
  readonly #models = new TrialsTable();
  readonly #title = h('h2', {}, 'Models');
  readonly #estimators = h('section', {}, this.#title, this.#models.element);
  #grid: Grid | undefined;
  #drawn: GridView | undefined;
  #searched: SearchView | undefined;

  constructor(view: View, run: string) {
    this.#view = view;
    this.#run = run;
    this.#status = new StatusLine(run, view.session.role === 'operate');
  }

  show(all: Grid): void {
    if (!this.#grid) this.#appear(all.search !== null);
    this.#grid = all;
    const { dataset, protocol, search } = all;
    const { splitter, folds, repeats } = protocol;
    say(
      this.#about,
      `${dataset.name}: ${dataset.clips} clips, ${dataset.classes.length} classes · ${splitter}, ${repeats} × ${folds} folds`,
    );
    this.#drawn = new GridView(this.#cells, all, (place) => void showFold(this.#run, all, place));
    // A sweep sends a snapshot whenever its plan grows.
    if (search && this.#searched) this.#searched.reset(search);
    else if (search) this.#searched = new SearchView(this.#search, search);
    say(this.#title, search ? 'Models without a search' : 'Models');
    this.#estimators.hidden = search?.fixed.length === 0 && all.fusions.length === 0;
    this.#showOutcome(all);
    this.#status.show(all.status);
    showFailures(this.#failures, all);
    this.#models.show(all);
    this.#view.ready();
  }

  update({ status, cells, search, pictures, failures, outcome }: GridChange): void {
    const grid = this.#grid;
    if (!grid || !this.#drawn) return;
    const end = grid.status.state !== status.state;
    grid.status = status;
    for (const [i, ...cell] of cells) grid.cells[i] = cell;
    this.#drawn.update(cells.map(([i]) => i));
    this.#status.show(status);
    if (failures) {
      grid.failures = failures;
      this.#drawn.explain();
      showFailures(this.#failures, grid);
    }
    if (outcome !== undefined) {
      grid.outcome = outcome;
      this.#showOutcome(grid);
    }
    if (cells.length > 0 || end || outcome !== undefined) this.#models.show(grid);
    if (search) this.#searched?.update(search, pictures);
  }

  /** Shows the verdict and all warnings once the run has ended; until then, shows only the warnings about the data. */
  #showOutcome({ outcome, warning }: Grid): void {
    const warnings = outcome?.warnings ?? (warning === null ? [] : [warning]);
    this.#warning.replaceChildren(...warnings.map((text) => h('p', {}, text)));
    this.#warning.hidden = warnings.length === 0;
    const [first = '', ...rest] = outcome?.verdict ?? [];
    this.#verdict.replaceChildren(h('strong', {}, first), ` ${rest.join(' ')}`);
    this.#verdict.hidden = !outcome;
  }

  /**
   * @param isSweep whether the run is a sweep; its models are then shown above the folds, because it has too many folds
   */
  #appear(isSweep: boolean): void {
    const folds = [h('h2', {}, 'Folds'), legend(), this.#cells];
    this.#view.root.replaceChildren(
      h('h1', {}, this.#run),
      this.#status.line,
      this.#about,
      this.#verdict,
      this.#warning,
      this.#status.interrupted,
      this.#status.problem,
      this.#status.actions,
      this.#failures,
      this.#search,
      ...(isSweep ? [this.#estimators, ...folds] : [...folds, this.#estimators]),
    );
  }
}

/** Shows the progress of a run, and offers its available actions and downloads. */
class StatusLine {
  readonly problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  readonly line: HTMLElement;
  readonly actions: HTMLElement;
  readonly #path: string;
  readonly #operator: boolean;
  readonly #state = h('span', { class: 'state' });
  readonly #bar = h('progress', { max: 1, 'aria-label': 'finished folds' });
  readonly #folds = h('span');
  readonly interrupted = h('p', { class: 'problem', role: 'note', hidden: true });
  readonly #links: HTMLElement;
  readonly #cancel: HTMLButtonElement;
  readonly #retry: HTMLButtonElement;
  readonly #pause: HTMLButtonElement;
  #paused = false;

  constructor(run: string, operator: boolean) {
    this.#path = `/runs/${encodeURIComponent(run)}`;
    this.#operator = operator;
    this.line = h('div', { class: 'actions' }, this.#state, this.#bar, this.#folds);
    const cancel = () =>
      this.#act('cancel', [
        `Cancel ${run}? Folds that are training are lost; finished folds are kept.`,
        'Cancel run',
        'Keep running',
      ]);
    this.#cancel = h('button', { type: 'button', class: 'danger', onclick: cancel }, 'Cancel run…');
    const retry = () => this.#act('retry', [`Retry the missing and failed folds of ${run}?`, 'Retry', 'Do nothing']);
    this.#retry = h('button', { type: 'button', onclick: retry }, 'Retry…');
    const pause = () => this.#send('scheduling', { paused: !this.#paused });
    this.#pause = h('button', { type: 'button', onclick: pause });
    const artifact = (name: string) => h('a', { href: `/api/v1/artifacts${this.#path}/${name}` }, name);
    const report = { href: `/api/v1${this.#path}/report.html`, target: '_blank', rel: 'noopener' };
    const links = [h('a', report, 'Report'), ' · ', artifact('results.json'), ' · ', artifact('out-of-fold.csv')];
    this.#links = h('span', { hidden: true }, ...links);
    const buttons = [this.#pause, this.#cancel, this.#retry];
    this.actions = h('div', { class: 'actions' }, ...buttons, this.#links, artifact('plan.json'));
  }

  show({ state, total, done, failed, etaSeconds, scheduling, givenBack = [] }: GridStatus): void {
    say(this.interrupted, givenBack.map(interruption).join(' · '));
    this.interrupted.hidden = givenBack.length === 0;
    this.#paused = scheduling?.paused === true;
    say(this.#state, this.#paused && state === 'running' ? 'paused' : state);
    this.#state.dataset.state = state;
    this.#bar.value = total > 0 ? done / total : 0;
    const left =
      state === 'running' && !this.#paused && etaSeconds !== null ? `, about ${seconds(etaSeconds)} left` : '';
    say(this.#folds, `${done} of ${total} folds${failed > 0 ? `, ${failed} failed` : ''}${left}`);
    say(this.#pause, this.#paused ? 'Resume' : 'Pause');
    this.#pause.hidden = !this.#operator || state !== 'running';
    this.#cancel.hidden = !this.#operator || ENDED.has(state) || state === 'cancelled';
    this.#retry.hidden = !this.#operator || state === 'complete' || state === 'running';
    this.#links.hidden = !ENDED.has(state);
  }

  async #act(verb: 'cancel' | 'retry', question: Parameters<typeof confirm>): Promise<void> {
    if (await confirm(...question)) await this.#send(verb, {});
  }

  async #send(verb: string, body: object): Promise<void> {
    const buttons = [this.#pause, this.#cancel, this.#retry];
    this.problem.hidden = true;
    for (const button of buttons) button.disabled = true;
    await ask(`${this.#path}/${verb}`, 'POST', body).catch((error) => showError(this.problem, error));
    for (const button of buttons) button.disabled = false;
  }
}

function interruption({ trial, repeat, fold, times }: NonNullable<GridStatus['givenBack']>[number]): string {
  const what = repeat === undefined ? `Preparing ${trial}` : `${trial}/${repeat}/${fold}`;
  return `${what} was interrupted ${times === 1 ? 'once' : `${times} times`} by stopping workers.`;
}

function legend(): HTMLElement {
  const item = (code: number, text: string) => {
    const cell = h('span', { class: 'cell', 'data-state': code, 'aria-hidden': 'true' });
    if (code === 1) cell.style.setProperty('--share', '0.5');
    return h('li', {}, cell, ` ${text}`);
  };
  return h('ul', { class: 'legend' }, item(0, 'waiting'), item(1, 'training'), item(2, 'done'), item(3, 'failed'));
}
