import { counted, printable } from '@cryfold/core';
import { groupsKnown, labelOf, leakHeadline, METRICS, metricOf, type RunResults } from '@cryfold/evaluation';
import { baselineRow } from './baseline.js';
import { capitalTitle, metricText } from './metric-text.js';
import { named } from './names.js';
import { extent } from './table-two.js';
import { alignColumns, paint, type TextOptions } from './text.js';

type Summary = RunResults['models'][number]['accuracy'];

const letterOf = (index: number) => String.fromCharCode('A'.charCodeAt(0) + index);

/** Legend for the letters in `protocolRows`, one line each. */
export function protocolLegend(runs: readonly RunResults[]): string[] {
  return runs.map((run, i) => {
    const { splitter } = run.protocol;
    const leaks = leakHeadline(run.leaks, groupsKnown(run.dataset));
    // If models were tested on another corpus, the run has another dataset, so the name of that dataset is shown.
    const data = run.dataset.name === runs[0].dataset.name ? '' : `${printable(run.dataset.name)}: `;
    return `${letterOf(i)}: ${data}${labelOf(run)} (${splitter}, ${extent(run.protocol)})${leaks ? `. ${leaks.replace(/\.$/, '')}` : ''}`;
  });
}

/**
 * One row per model. For each protocol, the row has the mean and standard deviation of the first run's metric, and the
 * difference from the previous protocol, so that grouped folds are compared with random folds of equal size.
 */
export function protocolRows(runs: readonly RunResults[]): string[][] {
  const metric = metricOf(runs[0]);
  const text = (value: number | null | undefined) => metricText(metric, value ?? null);
  const row = (name: string, summaryOf: (run: RunResults) => Summary | undefined) => {
    const summaries = runs.map((run) => summaryOf(run) ?? null);
    const figures = (own: Summary) => [text(own?.mean), text(own?.standardDeviation)];
    const difference = (own: Summary, before: Summary) => text(before && own && own.mean - before.mean);
    return [
      name,
      ...summaries.flatMap((own, i) => (i === 0 ? figures(own) : [...figures(own), difference(own, summaries[i - 1])])),
    ];
  };
  const names = new Set(runs.flatMap(({ models }) => models.map(({ name }) => name)));
  const heads = runs.flatMap((_, i) => {
    const figures = [`${letterOf(i)} mean`, 'sd'];
    return i === 0 ? figures : [...figures, `${letterOf(i)} - ${letterOf(i - 1)}`];
  });
  return [
    ['model', ...heads],
    ...Array.from(names, (name) => row(name, ({ models }) => models.find((model) => model.name === name)?.[metric])),
    row(baselineRow(metric), ({ baselines }) => baselines.majority[metric]),
  ];
}

/** Notes on the differences between protocols. */
export function protocolNotes(runs: readonly RunResults[]): string[] {
  const single = runs.some(({ models }) => models.some(({ accuracy }) => accuracy?.count === 1));
  return [
    'differences between protocols are not tested',
    ...(single ? ['a protocol of one split has no standard deviation'] : []),
  ];
}

/** Title of the table of protocols. */
export function protocolTitle(runs: readonly RunResults[]): string {
  const metric = metricOf(runs[0]);
  return `${capitalTitle(metric)}${METRICS[metric].share ? ' in percent' : ''} under ${runs.length} protocols`;
}

/**
 * Several protocols side by side: for each model and protocol, the mean and standard deviation of the first run's
 * metric, and the difference from the previous protocol.
 * @param runs runs of the same data, at most 26
 */
export function protocolTable(runs: readonly RunResults[], { color = false }: TextOptions = {}): string {
  const [head, ...body] = alignColumns(protocolRows(runs.map(named)));
  const { dataset } = runs[0];
  const incomplete = runs.some(({ status }) => status === 'incomplete');
  return [
    ...(incomplete
      ? [paint('INCOMPLETE: folds are missing, so the differences are unreliable.', 'red', color), '']
      : []),
    `${protocolTitle(runs)}: ${printable(dataset.name)}, ${counted(dataset.clips, 'clip')}`,
    ...protocolLegend(runs),
    '',
    paint(head, 'bold', color),
    ...body,
    '',
    ...protocolNotes(runs),
  ].join('\n');
}
