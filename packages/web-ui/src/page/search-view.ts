import type { GridSearch } from '@cryfold/run-control';
import { h } from './dom.js';
import { showState } from './runs-view.js';
import { SweepCharts } from './sweep-charts.js';
import { type Column, Table } from './table.js';
import { settingsText } from './text.js';

type TrialRow = GridSearch['trials'][number];

/** The trials of a sweep, in the same order as in `cryfold status RUN`, below their charts. */
export class SearchView {
  readonly #search: GridSearch;
  readonly #known = new Map<string, TrialRow>();
  readonly #table: Table<TrialRow>;
  readonly #charts: SweepCharts;

  constructor(root: HTMLElement, search: GridSearch) {
    this.#search = search;
    this.#charts = new SweepCharts(search);
    this.#table = new Table('Trials', columnsOf(search), ({ trial }) => trial, 'search');
    root.replaceChildren(h('h2', {}, 'Search'), this.#charts.element, h('h2', {}, 'Trials'), this.#table.element);
    this.reset(search);
  }

  /** Replaces all trials. The table keeps its sort order. */
  reset({ trials, pictures }: GridSearch): void {
    this.#known.clear();
    this.update(trials, pictures);
  }

  /** @param pictures chart data of the estimators whose trials have changed */
  update(changed: readonly TrialRow[], pictures: GridSearch['pictures'] = []): void {
    for (const row of changed) this.#known.set(row.trial, row);
    this.#charts.update(pictures);
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
    this.#table.show(rows);
  }
}

function columnsOf({ figure, byEpochs }: GridSearch): Column<TrialRow>[] {
  /**
   * Formats a log-loss in nats and any other metric in percent. Values are clipped, because the interval over a few
   * folds may extend beyond the range of the metric.
   */
  const value = (of: number | null) => {
    if (of === null) return '–';
    return figure.share ? (100 * Math.min(1, Math.max(0, of))).toFixed(2) : Math.max(0, of).toFixed(4);
  };
  const epochs: Column<TrialRow> = {
    name: 'Epochs',
    text: (row) => (row.epochs ? `${row.epochs.trained}/${row.epochs.planned}` : '–'),
    key: (row) => row.epochs?.trained ?? null,
    descends: true,
  };
  return [
    { name: 'Trial', kind: 'name', text: ({ trial }) => trial, key: ({ trial }) => trial },
    { name: 'State', show: showState, key: ({ state }) => state },
    { name: 'Folds', text: ({ folds, planned }) => `${folds}/${planned}`, key: ({ folds }) => folds, descends: true },
    ...(byEpochs ? [epochs] : []),
    {
      name: `Mean ${figure.title}`,
      text: ({ mean }) => value(mean),
      key: ({ mean }) => mean,
      descends: figure.sign > 0,
    },
    {
      name: '95 % interval',
      text: ({ low, high }) => (low === null || high === null ? '–' : `${value(low)} to ${value(high)}`),
    },
    { name: 'Parameters', kind: 'name faint', text: ({ parameters }) => settingsText(parameters) },
    { name: 'Reason', kind: 'name faint', text: ({ reason }) => reason },
  ];
}
