import type { Grid } from '@cryfold/run-control';
import { h, percent, say } from './dom.js';
import { head, labelled, scroll } from './tables.js';

/** States in which a run's figures change no more. */
export const ENDED: ReadonlySet<string> = new Set(['complete', 'incomplete']);
const ESTIMATOR = ['Trial', 'Folds', 'Mean accuracy', 'Seconds a fold', 'Parameters'];

/** A table without rows. @param body where its rows go */
export function trialsTable(body: HTMLElement): HTMLElement {
  return scroll('Estimators', h('table', { class: 'stack' }, head(...ESTIMATOR), body));
}

/** Estimators; those of a sweep that are not searched. */
export function showTrials(body: HTMLElement, { status, trials, places, cells, search }: Grid): void {
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
