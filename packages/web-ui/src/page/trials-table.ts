import type { Grid } from '@cryfold/run-control';
import { h, say, valueText } from './dom.js';
import { head, labelled, scroll } from './tables.js';

/** Final states, in which the figures of a run no longer change. */
export const ENDED: ReadonlySet<string> = new Set(['complete', 'incomplete']);
const columnsOf = (mean: string) => ['Trial', 'Folds', mean, 'Seconds per fold', 'Parameters'];

/** An empty table. @param body element for its rows */
export function trialsTable(body: HTMLElement): HTMLElement {
  return scroll('Estimators', h('table', { class: 'stack' }, head(...columnsOf('Mean')), body));
}

/** Shows the estimators; for a sweep, only those without a search. */
export function showTrials(body: HTMLElement, { status, trials, places, cells, figure, search }: Grid): void {
  const columns = columnsOf(`Mean ${figure.title}${ENDED.has(status.state) ? '' : ' so far'}`);
  const titles = body.parentElement?.querySelectorAll('thead th') ?? [];
  for (const [i, title] of titles.entries()) say(title, columns[i]);
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
  const shown = [...trials.keys()].filter((t) => !search || search.fixed.includes(trials[t].name));
  for (const [r, t] of shown.entries()) {
    const { title, parameters } = trials[t];
    const row =
      body.children[r] ??
      body.appendChild(
        h(
          'tr',
          {},
          h('th', { scope: 'row', class: 'name' }, title),
          h('td'),
          h('td'),
          h('td'),
          h('td', { class: 'name faint' }),
        ),
      );
    labelled(row as HTMLElement, columns);
    const { total, done, failed, value, known, seconds: all, timed } = sums[t];
    say(row.children[1], `${done} of ${total}${failed > 0 ? `, ${failed} failed` : ''}`);
    say(row.children[2], known > 0 ? valueText(value / known, figure.share) : '–');
    say(row.children[3], timed > 0 ? (all / timed).toFixed(1) : '–');
    const settings = Object.entries(parameters).map(
      ([key, value]) => `${key} ${Array.isArray(value) ? value.join('-') : value}`,
    );
    say(row.children[4], settings.join(', '));
  }
}
