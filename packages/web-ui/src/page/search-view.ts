import type { GridSearch } from '@cryfold/run-control';
import { h, Keyed, say } from './dom.js';
import { head, labelled, scroll } from './tables.js';

type TrialRow = GridSearch['trials'][number];

/** The trials of a sweep, in the same order as in `cryfold status RUN`. */
export class SearchView {
  readonly #search: GridSearch;
  readonly #known: Map<string, TrialRow>;
  readonly #rows: Keyed<TrialRow>;

  constructor(root: HTMLElement, search: GridSearch) {
    this.#search = search;
    this.#known = new Map(search.trials.map((row) => [row.trial, row]));
    const body = h('tbody', { class: 'search' });
    this.#rows = new Keyed<TrialRow>(body, (row) => this.#row(row));
    const table = h('table', { class: 'stack' }, head(...this.#names()), body);
    root.replaceChildren(h('h2', {}, 'Trials'), scroll('Trials', table));
    this.update([]);
  }

  update(changed: readonly TrialRow[]): void {
    for (const row of changed) this.#known.set(row.trial, row);
    const { bases, figure } = this.#search;
    const score = ({ mean }: TrialRow) => (mean === null ? Number.MIN_SAFE_INTEGER : figure.sign * mean);
    const trained = ({ epochs }: TrialRow) => epochs?.trained ?? 0;
    const rows = [...this.#known.values()];
    // Same as `trialOrder` of the evaluation package, which the page cannot import.
    rows.sort(
      (a, b) =>
        bases.indexOf(a.base) - bases.indexOf(b.base) ||
        trained(b) - trained(a) ||
        b.folds - a.folds ||
        score(b) - score(a),
    );
    this.#rows.show(rows, ({ trial }) => trial);
  }

  #names(): string[] {
    const mean = `Mean ${this.#search.figure.title}`;
    return ['Trial', 'State', 'Folds', 'Epochs', mean, '95 % interval', 'Parameters', 'Reason'].filter(
      (name) => name !== 'Epochs' || this.#search.byEpochs,
    );
  }

  #row({ trial }: TrialRow) {
    const state = h('span', { class: 'state' });
    const [folds, epochs, mean, interval] = [h('td'), h('td'), h('td'), h('td')];
    const [parameters, reason] = [h('td'), h('td')];
    const resources = this.#search.byEpochs ? [folds, epochs] : [folds];
    parameters.className = 'name faint';
    reason.className = 'name faint';
    const name = h('th', { scope: 'row', class: 'name' }, trial);
    const element = h('tr', {}, name, h('td', {}, state), ...resources, mean, interval, parameters, reason);
    const update = (row: TrialRow) => {
      say(state, row.state);
      state.dataset.state = row.state.toLowerCase();
      say(folds, `${row.folds}/${row.planned}`);
      say(epochs, row.epochs ? `${row.epochs.trained}/${row.epochs.planned}` : '–');
      say(mean, this.#text(row.mean));
      say(interval, row.low === null || row.high === null ? '–' : `${this.#text(row.low)} to ${this.#text(row.high)}`);
      const settings = Object.entries(row.parameters).map(
        ([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
      );
      say(parameters, settings.join(', '));
      say(reason, row.reason);
    };
    return { element: labelled(element, this.#names()), update };
  }

  /**
   * A log-loss in nats, any other metric in percent. Clipped, because intervals of few folds may exceed the range of
   * the metric.
   */
  #text(value: number | null): string {
    if (value === null) return '–';
    if (!this.#search.figure.share) return Math.max(0, value).toFixed(4);
    return (100 * Math.min(1, Math.max(0, value))).toFixed(2);
  }
}
