import { counted } from '@cryfold/core';
import type { RunResults } from '@cryfold/evaluation';
import { comparisonTable, pooledTable } from './comparison-table.js';
import { confusionTable } from './confusion-table.js';
import { named } from './names.js';
import { searchTable } from './search-table.js';
import { tableTwo } from './table-two.js';
import { paint, type TextOptions } from './text.js';
import { verdict } from './verdict.js';

/** Table II, a pooled, row-normalised confusion matrix for each model as in the paper, pooled metrics, and tests. */
export function terminalReport(stored: RunResults, options: TextOptions = {}): string {
  const results = named(stored);
  const matrices = results.models.flatMap(({ name, pooled, folds }) => {
    if (!pooled) return [];
    const title = `${name}: confusion matrix, percent of each true class, pooled over ${counted(folds.length, 'fold')}`;
    return `${paint(title, 'bold', options.color)}\n${confusionTable(results.dataset.classes, pooled.rowNormalised, options)}`;
  });
  return [
    tableTwo(results, options),
    verdict(results).join('\n'),
    searchTable(results, options),
    ...matrices,
    pooledTable(results, options),
    comparisonTable(results, options),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
