import { printable } from '@cryfold/core';
import { groupsKnown, labelOf, leakHeadline, type RunResults } from '@cryfold/evaluation';
import { named } from './names.js';
import { extent } from './table-two.js';
import { alignColumns, paint, percent, type TextOptions } from './text.js';

type Accuracy = RunResults['models'][number]['accuracy'];

const letterOf = (index: number) => String.fromCharCode('A'.charCodeAt(0) + index);

/** What the letters of `protocolRows` stand for, a line each. */
export function protocolLegend(runs: readonly RunResults[]): string[] {
  return runs.map((run, i) => {
    const { splitter } = run.protocol;
    const leaks = leakHeadline(run.leaks, groupsKnown(run.dataset));
    // A corpus that is tested on another one is other data.
    const data = run.dataset.name === runs[0].dataset.name ? '' : `${printable(run.dataset.name)}: `;
    return `${letterOf(i)}: ${data}${labelOf(run)} (${splitter}, ${extent(run.protocol)})${leaks ? `. ${leaks.replace(/\.$/, '')}` : ''}`;
  });
}

/** A row per model: mean and standard deviation under each protocol in percent, and the points between it and the first. */
export function protocolRows(runs: readonly RunResults[]): string[][] {
  const row = (name: string, accuracyOf: (run: RunResults) => Accuracy | undefined) => {
    const [first, ...others] = runs.map((run) => accuracyOf(run) ?? null);
    const figures = (own: Accuracy) => [percent(own?.mean ?? null), percent(own?.standardDeviation ?? null)];
    const difference = (own: Accuracy) => (first && own ? percent(own.mean - first.mean) : '-');
    return [name, ...figures(first), ...others.flatMap((own) => [...figures(own), difference(own)])];
  };
  const names = new Set(runs.flatMap(({ models }) => models.map(({ name }) => name)));
  const [, ...letters] = runs.map((_, i) => letterOf(i));
  return [
    ['model', 'A mean', 'sd', ...letters.flatMap((letter) => [`${letter} mean`, 'sd', `${letter} - A`])],
    ...Array.from(names, (name) => row(name, ({ models }) => models.find((model) => model.name === name)?.accuracy)),
    row('(majority class)', ({ baselines }) => baselines.majority.accuracy),
  ];
}

/**
 * Several protocols side by side: each model's mean accuracy and standard deviation under each, in percent, and how many
 * points each costs against the first.
 * @param runs of the same data, at most 26
 */
export function protocolTable(runs: readonly RunResults[], { color = false }: TextOptions = {}): string {
  const [head, ...body] = alignColumns(protocolRows(runs.map(named)));
  const { dataset } = runs[0];
  const incomplete = runs.some(({ status }) => status === 'incomplete');
  return [
    ...(incomplete ? [paint('INCOMPLETE: folds are missing, so the difference means little.', 'red', color), ''] : []),
    `Accuracy in percent under ${runs.length} protocols: ${printable(dataset.name)}, ${dataset.clips} clips`,
    ...protocolLegend(runs),
    '',
    paint(head, 'bold', color),
    ...body,
    ...(runs.some(({ models }) => models.some(({ accuracy }) => accuracy?.count === 1))
      ? ['', 'a protocol of one split has no standard deviation, and differences from it are not tested']
      : []),
  ].join('\n');
}
