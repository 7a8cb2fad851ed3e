import { printable } from '@cryfold/core';
import { labelOf, metricOf, type RunResults } from '@cryfold/evaluation';
import { comparisonRows, comparisonTitle, pooledRows, pooledTitle } from './comparison-table.js';
import { importanceRows, importanceTitle } from './importance-table.js';
import { foldsTitle } from './metric-text.js';
import { named } from './names.js';
import { searchRows } from './search-table.js';
import { headlines, subject, tableTwoRows } from './table-two.js';
import { percent, type TextTable } from './text.js';
import { verdict } from './verdict.js';

/** Escapes text for Markdown, including table cells, so that data cannot inject markup. */
function escapeMarkdown(text: string): string {
  return printable(text).replace(/[\\`*_{}[\]<>#|!~&]/g, '\\$&');
}

function markdownTable([head, ...body]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => escapeMarkdown(cell.trim())).join(' | ')} |`;
  return [line(head), `|---|${'--:|'.repeat(head.length - 1)}`, ...body.map(line)].join('\n');
}

/** The tables of a run as GitHub-flavoured Markdown, preceded by warnings. */
export function markdownReport(stored: RunResults): string {
  const results = named(stored);
  const { warnings, missing } = headlines(results);
  const { classes } = results.dataset;
  const part = (title: string, { rows, notes }: TextTable) =>
    rows.length > 1 ? [`## ${title}`, markdownTable(rows), ...notes.map(escapeMarkdown)] : [];
  const matrices = results.models.flatMap(({ name, pooled }) =>
    pooled
      ? [
          `### ${escapeMarkdown(name)}`,
          markdownTable([
            ['true / predicted', ...classes],
            ...pooled.rowNormalised.map((row, c) => [classes[c], ...row.map(percent)]),
          ]),
        ]
      : [],
  );
  return `${[
    `# ${escapeMarkdown(`${results.run.name}: ${subject(results)}`)}`,
    ...warnings.map((line) => `**${escapeMarkdown(line)}**`),
    ...(missing.length > 0 ? [missing.map((line) => `- ${escapeMarkdown(line)}`).join('\n')] : []),
    `**${escapeMarkdown(labelOf(results))}**`,
    ...verdict(results).map(escapeMarkdown),
    ...part(foldsTitle(metricOf(results)), tableTwoRows(results)),
    ...part('Search', searchRows(results)),
    ...(results.search ? part(importanceTitle(results.search), importanceRows(results.search)) : []),
    '## Confusion matrices, percent of each true class',
    ...matrices,
    ...part(pooledTitle(results), pooledRows(results)),
    ...part(comparisonTitle(results), comparisonRows(results)),
    `Run ${escapeMarkdown(results.run.id)}, data ${results.dataset.contentHash}`,
  ].join('\n\n')}\n`;
}

/**
 * The figures of each fold as CSV (RFC 4180), with one row per model and fold. The majority baseline counts as a model.
 */
export function csvReport(results: RunResults): string {
  const rows = [['model', 'repeat', 'fold', 'testCount', 'accuracy', 'balancedAccuracy', 'macroF1', 'logLoss']];
  const add = (...cells: (string | number)[]) => rows.push(cells.map(String));
  for (const { name, folds } of results.models) {
    for (const { repeat, fold, testCount, accuracy, balancedAccuracy, macroF1, logLoss } of folds) {
      add(name, repeat, fold, testCount, accuracy, balancedAccuracy, macroF1, logLoss);
    }
  }
  for (const { repeat, fold, accuracy, ...others } of results.baselines.majority.folds) {
    const { balancedAccuracy = '', macroF1 = '', logLoss = '' } = others;
    add('(majority class)', repeat, fold, '', accuracy, balancedAccuracy, macroF1, logLoss);
  }
  return `${rows.map((cells) => cells.join(',')).join('\n')}\n`;
}
