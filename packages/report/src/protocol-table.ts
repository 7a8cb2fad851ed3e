import { printable } from '@cryfold/core';
import type { RunResults } from '@cryfold/evaluation';
import { named } from './names.js';
import { alignColumns, paint, percent, type TextOptions } from './text.js';

/** A row per model: mean and standard deviation under A and B in percent, and the points between them. */
export function protocolRows(first: RunResults, second: RunResults): string[][] {
  const row = (name: string, a: RunResults['models'][number]['accuracy'], b: typeof a) => [
    name,
    percent(a?.mean ?? null),
    percent(a?.standardDeviation ?? null),
    percent(b?.mean ?? null),
    percent(b?.standardDeviation ?? null),
    a && b ? percent(b.mean - a.mean) : '-',
  ];
  return [
    ['model', 'A mean', 'sd', 'B mean', 'sd', 'B - A'],
    ...first.models.map(({ name, accuracy }) => {
      const other = second.models.find((model) => model.name === name);
      return row(name, accuracy, other?.accuracy ?? null);
    }),
    row('(majority class)', first.baselines.majority.accuracy, second.baselines.majority.accuracy),
  ];
}

/**
 * Two protocols side by side: each model's mean accuracy and standard deviation under both, in percent, and how many
 * points the second costs.
 */
export function protocolTable(first: RunResults, second: RunResults, { color = false }: TextOptions = {}): string {
  const [head, ...body] = alignColumns(protocolRows(named(first), named(second)));
  const incomplete = [first, second].filter(({ status }) => status === 'incomplete').length;
  return [
    ...(incomplete > 0
      ? [paint('INCOMPLETE: folds are missing, so the difference means little.', 'red', color), '']
      : []),
    `Accuracy in percent under two protocols: ${printable(first.dataset.name)}, ${first.dataset.clips} clips`,
    `A: ${first.protocol.label}`,
    `B: ${second.protocol.label}`,
    '',
    paint(head, 'bold', color),
    ...body,
  ].join('\n');
}
