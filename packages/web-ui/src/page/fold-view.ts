import type { Grid, WatchedFold } from '@cryfold/run-control';
import { ask } from './api.js';
import { showDialog } from './confirm.js';
import { h, percent, seconds, showError } from './dom.js';
import { axisOver, line, plot } from './plot.js';
import { scroll } from './table.js';

/** Milliseconds between refreshes of an unfinished fold. */
const AGAIN_MS = 3000;

/** Shows one fold in a dialog: learning curve, confusion matrix, attempts, logs, artifacts. */
export async function showFold(
  run: string,
  { trials }: Grid,
  [at, repeat, fold, shuffle]: Grid['places'][number],
): Promise<void> {
  const { name: trial, title: shownAs } = trials[at];
  const title = `${shownAs}, repeat ${repeat} fold ${fold}${shuffle === null ? '' : `, shuffled labels ${shuffle}`}`;
  const dialog = h('dialog', { 'aria-label': title });
  const body = h('div', {}, h('p', { class: 'faint' }, 'Loading…'));
  dialog.append(
    h('button', { type: 'button', class: 'close', onclick: () => dialog.close() }, 'Close'),
    h('h2', {}, title),
    body,
  );
  const closed = showDialog(dialog);
  const where = [run, 'folds', trial, repeat, fold].map(encodeURIComponent).join('/');
  let timer: ReturnType<typeof setTimeout> | undefined;
  let shown = '';
  const show = async () => {
    try {
      const detail = await ask<WatchedFold>(`/runs/${where}${shuffle === null ? '' : `?shuffle=${shuffle}`}`);
      const text = JSON.stringify(detail);
      if (text !== shown || detail.training) body.replaceChildren(...parts(detail));
      shown = text;
      if (dialog.open && !detail.committed) timer = setTimeout(show, AGAIN_MS);
    } catch (error) {
      body.replaceChildren(showError(h('p', { class: 'problem' }), error as Error));
    }
  };
  await show();
  await closed;
  clearTimeout(timer);
}

function parts(detail: WatchedFold): Node[] {
  const { committed, confusion, failure, failed, artifacts, environment, training } = detail;
  const facts: [string, string][] = [['Key', detail.key]];
  if (detail.accuracy !== null) facts.push(['Accuracy', percent(detail.accuracy)]);
  if (committed) {
    facts.push(['Committed', `attempt ${committed.attempt} on ${committed.host} after ${seconds(committed.seconds)}`]);
  }
  if (detail.started) facts.push(['Started', detail.started]);
  for (const [name, value] of Object.entries(environment)) if (name !== 'host') facts.push([name, value]);
  const found: Node[] = [];
  if (training) {
    facts.push(['Worker', `${training.host} ${training.pid}`]);
    facts.push([
      'Since',
      `${new Date(training.since).toISOString().slice(0, 19)}Z, ${seconds((Date.now() - training.since) / 1000)} ago`,
    ]);
    found.push(
      h(
        'p',
        {},
        h('progress', { max: 1, value: training.fraction, 'aria-label': 'progress of this fold' }),
        ` training, ${percent(training.fraction)}`,
      ),
    );
  } else if (failure) {
    found.push(
      showError(h('p', { class: 'problem' }), { message: `${failure.code}: ${failure.message}`, hint: failure.hint }),
    );
  } else if (!committed) found.push(h('p', { class: 'faint' }, 'no result yet, and no worker is training this fold'));
  found.push(h('dl', {}, ...facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])));
  if (committed && committed.curve.length > 0) found.push(h('h3', {}, 'Learning curve'), ...curves(committed.curve));
  if (confusion) found.push(h('h3', {}, 'Confusion matrix'), matrix(confusion));
  const logs = [...failed, ...(committed?.log ? [{ attempt: committed.attempt, log: committed.log }] : [])];
  if (logs.length > 0) found.push(h('h3', {}, 'Logs of attempts'));
  for (const { attempt, log } of logs) {
    const label = `log of attempt ${attempt}`;
    found.push(h('p', {}, `attempt ${attempt}`), h('pre', { tabindex: 0, role: 'region', 'aria-label': label }, log));
  }
  if (artifacts.length > 0) {
    const links = artifacts.map((key) =>
      h('li', {}, h('a', { href: `/api/v1/artifacts/${key}` }, key.split('/').slice(2).join('/'))),
    );
    found.push(h('h3', {}, 'Artifacts'), h('ul', {}, ...links));
  }
  return found;
}

function matrix({ classes, counts }: NonNullable<WatchedFold['confusion']>): HTMLElement {
  const rows = counts.map((row, c) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count) => {
      const cell = h('td', { class: 'heat' }, count);
      cell.style.setProperty('--share', String(total > 0 ? count / total : 0));
      return cell;
    });
    return h('tr', {}, h('th', { scope: 'row' }, classes[c]), ...cells);
  });
  const table = h(
    'table',
    {},
    h('caption', {}, 'test clips: true class (row) by predicted class (column)'),
    h('thead', {}, h('tr', {}, h('td'), ...classes.map((name) => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, ...rows),
  );
  return scroll('Confusion matrix', table);
}

function curves(curve: NonNullable<WatchedFold['committed']>['curve']): Node[] {
  const percents = (share: number) => 100 * share;
  return [
    chart(
      'loss',
      curve.map((epoch) => epoch.loss),
      curve.flatMap((epoch) => epoch.testLoss ?? []),
    ),
    chart(
      'accuracy, %',
      curve.map((epoch) => percents(epoch.accuracy)),
      curve.flatMap((epoch) => (epoch.testAccuracy === undefined ? [] : percents(epoch.testAccuracy))),
    ),
  ];
}

/**
 * Draws the values on the training clips as a solid line and, if they are known, those on the test clips as a dashed
 * line.
 */
function chart(name: string, training: readonly number[], test: readonly number[]): Node {
  const last = (points: readonly number[]) => (points.at(-1) ?? 0).toPrecision(3);
  const tested = test.length > 0;
  const label = `${name} over ${training.length} epochs: training ends at ${last(training)}${tested ? `, test at ${last(test)}` : ''}`;
  const epochs = training.map((_, i) => i + 1);
  return plot(
    {
      label,
      caption: `${name} after each epoch: training solid${tested ? ', test dashed' : ''}`,
      x: axisOver('epoch', epochs, true),
      y: axisOver(name, [0, ...training, ...test]),
    },
    ({ x, y }) => {
      const points = (values: readonly number[]) => values.map((value, i) => [x(i + 1), y(value)] as const);
      return [line(points(training), 'a'), ...(tested ? [line(points(test), 'b')] : [])];
    },
  );
}
