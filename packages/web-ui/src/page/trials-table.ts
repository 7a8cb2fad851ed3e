import type { Grid } from '@cryfold/run-control';
import { valueText } from './dom.js';
import { Table } from './table.js';
import { settingsText } from './text.js';

/** Final states of a run, in which its scores no longer change. */
export const ENDED: ReadonlySet<string> = new Set(['complete', 'incomplete']);

/** An estimator or a fusion. */
interface ModelRow {
  name: string;
  folds: string;
  done: number;
  mean: number | null;
  seconds: number | null;
  about: string;
}

/** The estimators and fusions of a run; for a sweep, only the estimators without a search. */
export class TrialsTable {
  readonly #table: Table<ModelRow>;
  #share = true;
  #sign: 1 | -1 = 1;
  #ended = false;

  constructor() {
    this.#table = new Table<ModelRow>(
      'Models',
      [
        { name: 'Model', kind: 'name', text: ({ name }) => name, key: ({ name }) => name },
        { name: 'Folds', text: ({ folds }) => folds, key: ({ done }) => done, descends: true },
        {
          name: 'Mean',
          text: ({ mean }) => this.#meanText(mean),
          key: ({ mean }) => mean,
          // The first click shows the best model first; for log-loss, that is the one with the smallest value.
          descends: () => this.#sign > 0,
        },
        {
          name: 'Seconds per fold',
          text: ({ seconds }) => seconds?.toFixed(1) ?? '–',
          key: ({ seconds }) => seconds,
          descends: true,
        },
        { name: 'Parameters', kind: 'name faint', text: ({ about }) => about },
      ],
      ({ name }) => name,
    );
  }

  get element(): HTMLElement {
    return this.#table.element;
  }

  show(grid: Grid): void {
    const { status, trials, figure, search } = grid;
    this.#ended = ENDED.has(status.state);
    this.#share = figure.share;
    this.#sign = figure.sign;
    this.#table.rename(2, `Mean ${figure.title}${this.#ended ? '' : ' so far'}`);
    const sums = sumsOf(grid);
    const estimators = trials.flatMap(({ name, title, parameters }, t): ModelRow[] => {
      if (search && !search.fixed.includes(name)) return [];
      const { total, done, failed, value, known, seconds, timed } = sums[t];
      return [
        {
          ...{ name: title, folds: `${done} of ${total}${failed > 0 ? `, ${failed} failed` : ''}`, done },
          ...{ mean: known > 0 ? value / known : null, seconds: timed > 0 ? seconds / timed : null },
          about: settingsText(parameters),
        },
      ];
    });
    const planned = Math.max(...sums.map(({ total }) => total), 0);
    this.#table.show([...estimators, ...fusionRows(grid, planned)]);
  }

  #meanText(mean: number | null): string {
    return mean === null ? '–' : valueText(mean, this.#share);
  }
}

/** Fusions are computed from the stored predictions once the run has ended. */
function fusionRows({ fusions, outcome }: Grid, planned: number): ModelRow[] {
  return fusions.map(({ name, rule, members }) => {
    const own = outcome?.fusions.find((one) => one.name === name);
    const what = rule === 'mean' ? 'mean' : `${rule} fusion`;
    return {
      ...{ name, done: own?.folds ?? 0, mean: own?.mean ?? null, seconds: null },
      folds: own ? `${own.folds} of ${planned}` : 'when the run ends',
      about: `${what} of ${members.join(', ')}`,
    };
  });
}

function sumsOf({ trials, places, cells }: Grid) {
  const sums = trials.map(() => ({ total: 0, done: 0, failed: 0, value: 0, known: 0, seconds: 0, timed: 0 }));
  for (const [i, [trial, , , shuffle]] of places.entries()) {
    if (shuffle !== null) continue;
    const sum = sums[trial];
    const [state, , value, took] = cells[i];
    sum.total++;
    if (state === 3) sum.failed++;
    if (state !== 2) continue;
    sum.done++;
    if (value !== null) {
      sum.value += value;
      sum.known++;
    }
    if (took !== null) {
      sum.seconds += took;
      sum.timed++;
    }
  }
  return sums;
}
